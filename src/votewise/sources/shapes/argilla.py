"""Argilla's records, flat or nested: fields, and per question its responses, their users and statuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from votewise.data.identity import ALSO
from votewise.errors import BadInputError, many
from votewise.sources.answer_lists.rankings import NOTE, Couples, by_best, by_places
from votewise.sources.canonical import Canonical, from_votes, said
from votewise.sources.format import Format
from votewise.sources.meanings.column_names import answer_fields
from votewise.sources.meanings.label_words import MEANINGS, NEUTRAL, SIDES, label_key
from votewise.sources.nested import named
from votewise.sources.option_words import label_option
from votewise.sources.rows import Rows
from votewise.sources.shapes.argilla_1 import is_feedback, question_columns
from votewise.sources.shapes.argilla_ratings import names_answers, rated, rating_couples
from votewise.sources.shapes.argilla_records import Response, fields_of, is_nested, questions_of, responses_of
from votewise.sources.texts.messages import conversation, cut
from votewise.sources.texts.prompt_objects import object_prompt
from votewise.sources.vote_texts import VoteTexts

Known = Mapping[str, int | str]
"""What stands for which answer: its index, or one of the meanings of labels other than a and b."""


def read_argilla(rows: Rows) -> Canonical:
    """Read every submitted response as one judgement; suggestions of models are not responses.

    An answer says which of the fields is better: a label that names a field, or a ranking of them, of which every two
    fields of different places are a vote. Of several such questions ``criterion`` says which one counts.
    """
    all_fields = list(dict.fromkeys(name for found in fields_of(rows) for name in found))
    names = _answers(rows, all_fields)
    for name in [name for name in all_fields if rows.has(name)]:
        asked = object_prompt({name: "?"}).prompt is not None
        if name in names or asked:
            rows.use(name, "answer" if name in names else "prompt")
    known = _known(rows, names)
    question, given = _responses(rows, known, names)
    votes: list[dict[str, Any]] = []
    kept = VoteTexts(rows)
    skipped = several = 0
    extra: dict[str, None] = {}
    for i, (fields, responses) in enumerate(zip(fields_of(rows), given, strict=True)):
        submitted = [r for r in responses if r.status.rpartition(".")[2] == "submitted"]
        skipped += len(responses) - len(submitted)
        texts = _texts(fields, names, extra)
        if texts is None:
            problem, expected = "has a field of which it is open whether it is the prompt", "a text, or messages"
            rows.reject(i, problem, column="fields", value=fields, expected=expected)
            continue
        for j, response in enumerate(submitted if rows.ok[i] else ()):
            couples = _couples(rows, i, response, known, names)
            if couples is None or not _shown(rows, i, response, couples, names, texts[1]):
                continue
            skipped += not couples
            several += len(couples) > 1
            votes += _votes((i, f"{i}/{j}"), response, couples, texts, kept)
    kept.finish()
    listed = ", ".join(names[:-1]) + f" against {names[-1]}" if len(names) == 2 else ", ".join(names)
    notes = [f"Votes are the answers to '{question}', about {listed}."] + ([NOTE] if several else [])
    if extra:
        notes.append(f"The fields {', '.join(extra)} tell pairs apart and are no part of the prompt.")
    if skipped:
        notes.append(f"Skipped: {many(skipped, 'response')}, drafts, discarded, or without a preference.")
    return from_votes(rows, votes, shown=len(names) == 2, skipped=skipped, notes=notes)


def _shown(
    rows: Rows, row: int, response: Response, couples: Couples, names: Sequence[str], answers: Mapping[int, Any]
) -> bool:
    """Whether the record has all the answers that a response compares; notes the response where it has not."""
    missing = [names[place] for couple in couples for place in couple[:2] if place not in answers]
    if missing:
        problem, expected = f"is about '{missing[0]}', which this record lacks", "a text or a conversation there"
        value = response.value
        rows.reject(row, problem, column=response.where, value=value, expected=expected, whole=False)
    return not missing


def _votes(
    place: tuple[int, str],
    response: Response,
    couples: Couples,
    texts: tuple[Any, dict[int, Any], str | None],
    kept: VoteTexts,
) -> list[dict[str, Any]]:
    """The votes of a response at a ``place``: its row, and the name of the judgement."""
    (row, judgement), (prompt, answers, seen) = place, texts
    votes = []
    for better, worse, tie in couples:
        # The first field is what was shown first.
        a, b = sorted((better, worse))
        shown = dict(zip(("prompt", "response_a", "response_b"), _cut(prompt, answers[a], answers[b]), strict=True))
        label = "tie" if tie else "a" if better == a else "b"
        vote = {"row": row, "annotator": named(response.user), "label": label, **kept.keep({**shown, ALSO: seen})}
        votes.append(vote | {"judgement": judgement} if len(couples) > 1 else vote)
    return votes


def _cut(prompt: Any, a: Any, b: Any) -> tuple[Any, Any, Any]:
    if all(isinstance(value, str | None) for value in (prompt, a, b)):
        return prompt, a, b
    messages = [
        said(v, role) if isinstance(v, str) else v for v, role in ((prompt, "user"), (a, "assistant"), (b, "assistant"))
    ]
    return cut(*messages)


def _texts(
    fields: Mapping[str, Any], names: Sequence[str], extra: dict[str, None]
) -> tuple[Any, dict[int, Any], str | None] | None:
    """Prompt, answers by their place, and what else annotators saw, as JSON; None where it is open what the prompt is."""
    answers = {}
    for place, name in enumerate(names):
        value = fields.get(name)
        found = value if isinstance(value, str) else conversation(value)
        if found is not None:
            answers[place] = found
    told = object_prompt({name: value for name, value in fields.items() if name not in names})
    if told.prompt is None and told.nested:
        return None
    shown = dict.fromkeys((*told.open, *told.shown))
    if told.prompt is None and len(shown) == 1 and isinstance(fields[next(iter(shown))], str):
        # A text that stands alone beside the answers is what was asked, whatever it is called.
        told, shown = replace(told, prompt=fields[next(iter(shown))]), {}
    seen = told.seen | {name: fields[name] for name in shown}
    extra.update(shown)
    return told.prompt, answers, json.dumps(seen, sort_keys=True, ensure_ascii=False, default=str) if seen else None


def _couples(rows: Rows, row: int, response: Response, known: Known, names: Sequence[str]) -> Couples | None:
    """The comparisons that a response makes, none where it states no preference; None where it is not understood."""
    if named(response.user) is None:
        where = response.where.replace(".responses[", ".responses.users[")
        rows.reject(row, "names no annotator", column=where, value=response.user, expected="a name", whole=False)
        return None
    found = read_answer(response.value, known, len(names))
    meant = known.get(_key(str(response.value))) if isinstance(response.value, str | int) else None
    if found is not None and meant is not None and len(names) == 2:
        rows.tell(response.where.split("[")[0], response.value, "ab"[meant] if isinstance(meant, int) else meant)
    if found is None:
        rows.reject(
            row,
            "unknown label",
            column=response.where,
            value=response.value,
            expected=f"{', '.join(names)} or tie, a ranking of them, "
            f"or {label_option(str(response.value))} (b, tie, both_bad, skip) to say what it means",
            whole=False,
        )
    return found


def read_answer(value: Any, known: Known, number: int) -> Couples | None:
    """Read a label, or a ranking of the answers (places, or the better ones first); None where it is neither."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        meant = known.get(_key(str(value)))
        if isinstance(meant, int):
            return by_best(number, meant)
        return None if meant is None else [(0, 1, True)] if meant in NEUTRAL and number == 2 else []
    if not isinstance(value, list) or len(value) < 2:
        return None
    if all(isinstance(v, dict) for v in value):
        ranked = [(known.get(_key(str(v.get("value")))), v.get("rank")) for v in value]
    else:
        ranked = [(known.get(_key(str(v))), place) for place, v in enumerate(value)] if len(value) == number else []
    if not ranked or any(not isinstance(x, int) or not isinstance(r, int) for x, r in ranked):
        return None
    places: list[float | None] = [None] * number
    for answer, rank in ranked:
        places[int(str(answer))] = float(str(rank))
    return by_places(places)


def _answers(rows: Rows, names: Sequence[str]) -> list[str]:
    found = ["response_a", "response_b"] if {"response_a", "response_b"} <= set(names) else answer_fields(names)
    if not found:
        raise rows.fail(
            f"there are no two fields for the answers, found {', '.join(names)}",
            expected="response_a and response_b or the like; --columns response_a=NAME says which",
        )
    return found


def _known(rows: Rows, names: Sequence[str]) -> dict[str, int | str]:
    """What stands for which answer: our own labels, the fields' names, their ends, and what the user says."""
    own: dict[str, int | str] = {_key(label): "ab".index(m) if m in "ab" else m for label, m in SIDES.items()}
    keys = [_key(name) for name in names]
    start = next(
        (i for i, letters in enumerate(zip(*keys, strict=False)) if len(set(letters)) > 1), min(map(len, keys))
    )
    if all(key[start:] for key in keys):
        own |= {key[start:]: place for place, key in enumerate(keys)}
    own |= {key: place for place, key in enumerate(keys)}
    own |= {_key(rows.source_column(name)): place for place, name in enumerate(names)}
    said_by_user = {_key(value): meaning for value, meaning in rows.labels.items() if meaning in MEANINGS}
    return own | {value: "ab".index(m) if m in "ab" else m for value, m in said_by_user.items()}


def _key(label: str) -> str:
    return re.sub(r"[\s_-]", "", label_key(label))


def _responses(rows: Rows, known: Known, names: Sequence[str]) -> tuple[str, Iterable[list[Response]]]:
    """The question that counts, and the responses to it: those to one question, or the ratings of both answers."""
    couples = rating_couples(rows) if len(names) == 2 else {}
    question = _question(rows, known, len(names), couples)
    return question, rated(rows, couples[question], names) if question in couples else responses_of(rows, question)


def _question(rows: Rows, known: Known, number: int, couples: Mapping[str, tuple[str, str]]) -> str:
    """The question that was asked for, or the only one whose answers can be read as preferences."""
    of_one = [question for couple in couples.values() for question in couple]
    questions = [question for question in questions_of(rows) if question not in of_one] + list(couples)
    if rows.criterion is not None:
        rows.criterion_used = True
        if rows.criterion not in questions:
            raise BadInputError(
                "unknown criterion", source=rows.source.name, parameter="criterion", value=rows.criterion,
                expected=", ".join(questions),
            )  # fmt: skip
        return rows.criterion
    fit = [q for q in questions if q not in couples and _states_preferences(rows, q, known, number)] or list(couples)
    alone = not fit and len(questions) == 1 and names_answers(questions[0], _values(rows, questions[0]))
    if len(fit) == 1 or alone:
        return str((fit or questions)[0])
    problem = "several questions ask for a preference" if fit else "no question asks for a preference"
    found = fit or questions
    raise rows.fail(
        f"{problem}: {', '.join(found) or 'there are no responses, and suggestions are none'}",
        expected=f"one of them: --criterion {found[0]}" if found else "records that people have responded to",
    )


def _states_preferences(rows: Rows, question: str, known: Known, number: int) -> bool:
    values = _values(rows, question)
    return names_answers(question, values) and any(read_answer(value, known, number) for value in values)


def _values(rows: Rows, question: str) -> list[Any]:
    return [response.value for found in responses_of(rows, question) for response in found]


def looks_like_argilla(rows: Rows) -> bool:
    """Tell whether columns are those of flat records, or of nested ones."""
    names = rows.table.column_names
    flat = any(name.endswith(".responses") for name in names)
    if not flat and any(name.endswith(".suggestion") for name in names):
        # Votes that were read from records may carry the suggestions.
        flat = not rows.has("chosen", "rejected") and not rows.has("annotator", "label")
    return flat or is_nested(rows) or is_feedback(rows) or (bool(question_columns(rows)) and bool(answer_fields(names)))


ARGILLA = Format(
    "argilla",
    "Argilla's records, flat or nested",
    (("*",),),
    read_argilla,
    looks=looks_like_argilla,
    own_status=True,
    leaves_texts=True,
)
