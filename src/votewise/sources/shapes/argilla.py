"""Argilla 2 records, flattened: a column per field, and per question its responses, their users and statuses."""

from __future__ import annotations

import re
from typing import Any

from votewise.data.identity import TEXTS
from votewise.sources.canonical import Canonical, from_votes
from votewise.sources.format import Format
from votewise.sources.labels import SIDES, label_key
from votewise.sources.nested import entries, named, prompt_field, two_answers
from votewise.sources.rows import Rows


def read_argilla(rows: Rows) -> Canonical:
    """Read every submitted response as one vote.

    An answer says which of the two fields is better: a label that names a field, or a ranking of both. Where several
    questions have such answers, the source must keep the columns of only one of them.
    """
    fields = [n for n in rows.table.column_names if "." not in n and n not in ("id", "status", "_server_id")]
    both = two_answers(fields)
    if both is None:
        raise rows.fail(
            f"there are no two fields for the answers, found {', '.join(fields)}",
            expected="response_a and response_b or the like; --columns response_a=NAME says which",
        )
    prompt = prompt_field(fields, both)
    names = dict(zip(TEXTS, (prompt, *both), strict=True))
    texts = {own: rows.text(name).to_pylist() for own, name in names.items() if name is not None}
    known = _labels(*both)
    question = _question(rows, known)
    answers, users, statuses = (
        rows.values(name) if rows.has(name) else [None] * len(rows)
        for name in (question, f"{question}.users", f"{question}.status")
    )
    votes: list[dict[str, Any]] = []
    skipped = 0
    for i in rows.kept().tolist():
        given = entries(rows, i, answers[i], question)
        who = entries(rows, i, users[i], f"{question}.users")
        status = entries(rows, i, statuses[i], f"{question}.status") or ["submitted"] * len(given)
        if not len(given) == len(who) == len(status):
            expected = f"one per entry of {question}"
            rows.reject(i, "has a different length", column=f"{question}.users", value=who, expected=expected)
            continue
        for j, (value, user, state) in enumerate(zip(given, who, status, strict=True)):
            if str(state).rpartition(".")[2] != "submitted":
                skipped += 1
                continue
            label, annotator = read_answer(value, known), named(user)
            if label is None or annotator is None:
                where, what = (question, value) if label is None else (f"{question}.users", user)
                problem, expected = (
                    ("unknown label", _expected(both)) if label is None else ("names no annotator", "a name")
                )
                rows.reject(i, problem, column=f"{where}[{j}]", value=what, expected=expected, whole=False)
                continue
            vote = {"row": i, "annotator": annotator, "label": label}
            votes.append(vote | {own: column[i] for own, column in texts.items()})
    notes = [f"Votes are the answers to '{question.removesuffix('.responses')}', {both[0]} against {both[1]}."]
    if skipped:
        notes.append(f"{skipped:,} responses were skipped: drafts or discarded.")
    return from_votes(rows, votes, shown=True, skipped=skipped, notes=notes)


def read_answer(value: Any, known: dict[str, str]) -> str | None:
    """Read a label, or a ranking of both answers (places, or the better one first); None where it is neither."""
    if isinstance(value, str):
        return known.get(_key(value))
    if not isinstance(value, list) or len(value) != 2:
        return None
    if all(isinstance(v, dict) for v in value):
        places = {read_answer(v.get("value"), known): v.get("rank") for v in value}
    else:
        places = {read_answer(v, known): place for place, v in enumerate(value)}
    a, b = places.get("a"), places.get("b")
    if not isinstance(a, int) or not isinstance(b, int):
        return None
    return "a" if a < b else "b" if b < a else "tie"


def _labels(a: str, b: str) -> dict[str, str]:
    """What stands for which answer: our own labels, the fields' names, and the ends in which the names differ."""
    own = {_key(label): meaning for label, meaning in SIDES.items()}
    x, y = _key(a), _key(b)
    start = next((i for i, (p, q) in enumerate(zip(x, y, strict=False)) if p != q), min(len(x), len(y)))
    ends = {x[start:]: "a", y[start:]: "b"} if x[start:] and y[start:] else {}
    return own | ends | {x: "a", y: "b"}


def _key(label: str) -> str:
    return re.sub(r"[\s_-]", "", label_key(label))


def _expected(both: tuple[str, str]) -> str:
    return f"{both[0]}, {both[1]} or tie, or a ranking of both"


def _question(rows: Rows, known: dict[str, str]) -> str:
    """Find the one question whose answers can be read as preferences."""
    questions = [name for name in rows.table.column_names if name.endswith(".responses")]
    fit = [
        q
        for q in questions
        if any(read_answer(v, known) for given in rows.values(q) if isinstance(given, list) for v in given)
    ]
    if len(fit) == 1 or len(questions) == 1:
        return str((fit or questions)[0])
    problem = "several questions ask for a preference" if fit else "no question asks for a preference"
    found = ", ".join(fit or questions)
    raise rows.fail(problem, expected=f"one, with the columns of the others left out; found {found}")


ARGILLA = Format(
    "argilla",
    "Argilla 2 records, flattened",
    (("*.responses",), ("*.responses.users",)),
    read_argilla,
    own_status=True,
)
