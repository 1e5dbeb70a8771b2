"""PRISM's utterances: one response per row; within an interaction the chosen one beats every other one."""

from __future__ import annotations

from typing import Any

from votewise.sources.canonical import Canonical, from_votes
from votewise.sources.format import Format
from votewise.sources.nested import named
from votewise.sources.rows import Rows

TRUTH = {True: True, False: False, "true": True, "false": False}


def read_prism(rows: Rows) -> Canonical:
    """Read the first turn of every interaction; later turns sample one model twice and are skipped.

    A vote belongs to the row of the response that was not chosen.
    """
    turn, users = rows.number("turn"), rows.annotator("user_id").to_pylist()
    interactions = rows.identifier("interaction_id").to_pylist()
    prompts, responses = rows.text("user_prompt").to_pylist(), rows.text("model_response").to_pylist()
    models = rows.values("model_name") if rows.has("model_name") else [None] * len(rows)
    chosen = [_chosen(rows, i, value) for i, value in enumerate(rows.values("if_chosen"))]
    groups: dict[str, list[int]] = {}
    later = 0
    for i in rows.kept().tolist():
        if turn[i] == 0:
            groups.setdefault(interactions[i], []).append(i)
        else:
            later += 1
    votes: list[dict[str, Any]] = []
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
        winner = best[0]
        votes.extend(
            {
                "row": i,
                "annotator": users[winner],
                "label": "a",
                "judgement": interactions[winner],
                "prompt": prompts[winner],
                "response_a": responses[winner],
                "response_b": responses[i],
                "model_a": named(models[winner]),
                "model_b": named(models[i]),
            }
            for i in members
            if i != winner
        )
    notes = [f"{later:,} responses of later turns were skipped, because they sample one model twice."] if later else []
    if alone:
        notes.append(f"{alone:,} responses were skipped: not exactly one was chosen, or there was no other.")
    return from_votes(rows, votes, shown=False, skipped=later + alone, notes=notes, guarded=True)


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
)
