"""PRISM's utterances: one response per row; within an interaction the chosen one beats every other one."""

from __future__ import annotations

from typing import Any

from votewise.errors import many
from votewise.sources.canonical import PLACE, Canonical, from_votes
from votewise.sources.format import Format
from votewise.sources.nested import named
from votewise.sources.rows import Rows
from votewise.sources.vote_texts import stage_couples, texts_where_they_are

PROMPT, ANSWER = "user_prompt", "model_response"
TRUTH = {True: True, False: False, "true": True, "false": False}


def read_prism(rows: Rows) -> Canonical:
    """Read the first turn of every interaction; later turns sample one model twice and are skipped.

    A vote belongs to the row of the response that was not chosen.
    """
    turn, users = rows.number("turn"), rows.annotator("user_id").to_pylist()
    interactions = rows.identifier("interaction_id").to_pylist()
    prompts, responses = texts_where_they_are(rows, PROMPT), texts_where_they_are(rows, ANSWER)
    models = rows.values("model_name") if rows.has("model_name") else [None] * len(rows)
    chosen = [_chosen(rows, i, value) for i, value in enumerate(rows.values("if_chosen"))]
    couples, later, alone = _couples(rows, turn.tolist(), interactions, chosen)
    votes = [
        {
            "row": i,
            "annotator": users[winner],
            "label": "a",
            "judgement": interactions[winner],
            "model_a": named(models[winner]),
            "model_b": named(models[i]),
        }
        for i, winner in couples
    ]
    if couples and (prompts is None or responses is None):
        stage_couples(rows, PROMPT, ANSWER, [winner for _, winner in couples], [i for i, _ in couples])
        votes = [vote | {PLACE: place} for place, vote in enumerate(votes)]
    elif prompts is not None and responses is not None:
        votes = [
            vote | {"prompt": prompts[winner], "response_a": responses[winner], "response_b": responses[i]}
            for vote, (i, winner) in zip(votes, couples, strict=True)
        ]
    notes = [f"Skipped: {many(later, 'response')} of later turns, which sample one model twice."] if later else []
    if alone:
        notes.append(f"Skipped: {many(alone, 'response')}: not exactly one was chosen, or there was no other.")
    return from_votes(rows, votes, shown=False, skipped=later + alone, notes=notes, guarded=True)


def _couples(
    rows: Rows, turn: list[float], interactions: list[str], chosen: list[bool]
) -> tuple[list[tuple[int, int]], int, int]:
    """The rows of two responses each, the better one second, in the order of the source.

    Also gives the numbers of responses of later turns, and of those that nothing can be compared with.
    """
    groups: dict[str, list[int]] = {}
    later = 0
    for i in rows.kept().tolist():
        if turn[i] == 0:
            groups.setdefault(interactions[i], []).append(i)
        else:
            later += 1
    couples: list[tuple[int, int]] = []
    alone = 0
    for members in groups.values():
        best = [i for i in members if chosen[i]]
        if len(best) > 1:
            problem = f"several responses of one interaction are chosen, also in row {rows.source.number(best[0]):,}"
            rows.reject(best[1], problem, column="if_chosen", value=True, expected="one")
            alone += len(members) - 1
            continue
        if not best or len(members) == 1:
            alone += len(members)
            continue
        couples.extend((i, best[0]) for i in members if i != best[0])
    # Utterances of several interactions may be mixed.
    return sorted(couples), later, alone


def _chosen(rows: Rows, row: int, value: Any) -> bool:
    key = value.casefold() if isinstance(value, str) else value
    found = TRUTH.get(key) if isinstance(key, str | bool) else None
    if found is None:
        rows.reject(row, "is neither true nor false", column="if_chosen", value=value, expected="true or false")
    return bool(found)


PRISM = Format(
    "prism",
    "PRISM utterances: one response per row, the chosen one marked",
    (("interaction_id",), ("user_id",), ("turn",), ("user_prompt",), ("model_response",), ("if_chosen",)),
    read_prism,
    leaves_texts=True,
)
