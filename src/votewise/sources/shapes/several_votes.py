"""Several people's votes about the two answers of one row: a column per person, a list of labels, or counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.data.votes import UNKNOWN
from votewise.sources.canonical import JUDGEMENT, Canonical, from_votes, optional
from votewise.sources.containers.stand_in_type import TextsNeededError
from votewise.sources.format import Format
from votewise.sources.meanings.label_words import LABELS, NAMED, NEUTRAL, label_key
from votewise.sources.meanings.labels import meaning_of, refuse_label
from votewise.sources.meanings.people import people_by_row
from votewise.sources.meanings.result_columns import answer_columns, by_names, label_columns
from votewise.sources.meanings.scores_as_votes import ends_of, marks_of_sides, score_columns
from votewise.sources.meanings.vote_columns import VoteColumns, entry, find_votes
from votewise.sources.nested import entries, named
from votewise.sources.option_words import column_option, label_option
from votewise.sources.rows import Rows
from votewise.sources.samples import samples
from votewise.sources.shapes.plain import OTHERS
from votewise.sources.texts.prompt_parts import read_texts
from votewise.sources.texts.text_lists import spelt_list

NAME = "several-votes"
MOST = 100_000
"""Votes that one count may stand for."""

MORE = ("pair", "domain", "gold", "margin", "model_a", "model_b")
"""Optional columns of the plain format that belong to the pair, and so to each of its votes."""

Given = list[tuple[str | None, Any, str]]
"""Voter, value and column of each vote of a row."""


def looks_like_several_votes(rows: Rows) -> bool:
    """Tell whether a table has two columns of answers and several votes about them, but no column with the result."""
    found = answer_columns(rows.table)
    if found is None or label_columns(rows.table) or score_columns(rows.head, *found) is not None:
        return False
    if find_votes(samples(rows), _known(rows, found), found) is None:
        return False
    marks = marks_of_sides(rows.head, *found)
    if marks is not None:
        ends = ends_of(*found)
        own = [rows.source_column(name) for name in marks]
        as_scores = " ".join(column_option(f"score_{end}", name) for end, name in zip(ends or (), own, strict=True))
        raise rows.fail(
            f"it is open whether {own[0]} and {own[1]} mark the better answer, or are two people's votes",
            expected=f"{as_scores} if the answer with the higher number is better and equal ones are a tie, "
            f"--format {NAME} if they are two people's",
        )
    return True


def read_several_votes(rows: Rows) -> Canonical:
    """Read every column, every entry of a list, or as many votes as a count says, as votes of their own."""
    found = answer_columns(rows.head)
    known = LABELS if found is None else _known(rows, found)
    votes = None if found is None else find_votes(samples(rows), known, found, every=True)
    if found is None or votes is None:
        raise rows.fail(
            "has no columns of votes about two answers", expected="annotator_1, annotator_2 or votes_a, votes_b"
        )
    more = {
        name: pa.array(column, from_pandas=True)
        for name, column in optional(rows, without=(JUDGEMENT,)).items()
        if name in MORE
    }
    columns = more | read_texts(rows, *found, (*votes.columns, *OTHERS))
    texts = {name: column.to_pylist() for name, column in columns.items()}
    for name, role in [*zip(found, ("response_a", "response_b"), strict=True), *((n, "votes") for n in votes.columns)]:
        rows.use(name, role)
    given = _given(rows, votes)
    read: list[dict[str, Any]] = []
    skipped = 0
    for i in rows.kept().tolist():
        for who, value, column in given[i]:
            meaning = value if votes.counted else meaning_of(rows, value, known) or _named(value, texts, i)
            if meaning is None:
                if value is None:
                    expected = "a voter and a label"
                    rows.reject(i, "has no label", column=column, expected=expected, whole=False)
                    continue
                if rows.stop and rows.has(column):
                    refuse_label(rows, i, column, [str(value)], f"a for {found[0]}, b for {found[1]} or tie")
                expected = f"a, b or tie, or {label_option(str(value))} (b, tie, both_bad, skip) to say what it means"
                rows.reject(i, "unknown label", column=column, value=value, expected=expected, whole=False)
                continue
            if not votes.counted:
                rows.tell(column, value if meaning_of(rows, value, known) else NAMED, meaning)
            if meaning not in ("a", "b"):
                rows.meanings[meaning] += 1
            if meaning == "skip":
                skipped += 1
                continue
            vote = {"row": i, "annotator": who or UNKNOWN, "label": NEUTRAL.get(meaning, meaning)}
            read.append(vote | {name: column[i] for name, column in texts.items()})
    where = ", ".join(votes.columns)
    note = f"A row holds several votes, in the columns {where}, about {found[0]} (a) against {found[1]} (b)."
    return from_votes(rows, read, shown=True, skipped=skipped, notes=(note,), guarded=True)


def _known(rows: Rows, answers: tuple[str, str]) -> dict[str, str]:
    """What values of votes mean: our words, the names of the answers' columns, and what the user says."""
    a, b = (rows.source_column(name) for name in answers)
    return LABELS | by_names(*answers) | by_names(a, b) | {label_key(a): "a", label_key(b): "b"} | rows.labels


def _named(value: Any, texts: Mapping[str, list[Any]], row: int) -> str | None:
    """The side whose text or whose model's name a vote is; None where it is neither, or both."""
    for first, second in (("response_a", "response_b"), ("model_a", "model_b")):
        sides = [texts[name][row] if name in texts else None for name in (first, second)]
        if any(isinstance(side, bytes) for side in sides):
            raise TextsNeededError(first)
        if value in sides and sides[0] != sides[1]:
            return "ab"[sides.index(value)]
    return None


def _given(rows: Rows, votes: VoteColumns) -> list[Given]:
    if votes.counted is not None:
        return _counted(rows, votes.counted)
    if votes.listed is not None:
        return _listed(rows, votes.listed, votes.names)
    given: list[Given] = [[] for _ in range(len(rows))]
    for name, people in votes.single.items():
        who = people_by_row(rows, people)
        for i, value in enumerate(rows.labels_in(name, null=True).to_pylist()):
            if value is not None and value.strip():
                given[i].append((name if name in votes.named else who[i], value, name))
    for name in votes.columns:
        rows.use(name, "votes")
    return given


def _listed(rows: Rows, listed: str, names: str | None) -> list[Given]:
    people = [spelt_list(value) for value in rows.values(names)] if names is not None else [None] * len(rows)
    given: list[Given] = []
    for i, value in enumerate(map(spelt_list, rows.values(listed))):
        if isinstance(value, dict):
            value = [{"annotator": who, "label": entry(vote)[1]} for who, vote in value.items() if vote is not None]
        items = entries(rows, i, value, listed)
        who = people[i] if isinstance(people[i], list) else None
        if who is not None and len(who) != len(items):
            rows.reject(i, "has a different length", column=names, value=who, expected=f"one per entry of {listed}")
            who = None
        votes: list[tuple[str | None, Any, str]] = []
        for j, item in enumerate(items):
            if item is None:
                # Somebody who did not vote.
                continue
            own, label = entry(item)
            votes.append((named(own if own is not None else who[j] if who else None), label, f"{listed}[{j}]"))
        given.append(votes)
    return given


def _counted(rows: Rows, counted: Mapping[str, str]) -> list[Given]:
    given: list[Given] = [[] for _ in range(len(rows))]
    for name, meaning in counted.items():
        numbers = rows.number(name)
        with np.errstate(invalid="ignore"):
            wrong = (numbers < 0) | (numbers > MOST) | (numbers != np.floor(numbers))
        rows.reject_where(
            wrong & ~np.isnan(numbers),
            "is not a number of votes",
            column=name,
            expected=f"a whole number from 0 to {MOST:,}",
        )
        for i in rows.kept().tolist():
            given[i] += [(None, meaning, name)] * int(np.nan_to_num(numbers[i]))
    return given


SEVERAL_VOTES = Format(
    NAME,
    "several votes per row: a column per person, a list of labels, or counts",
    (("*",),),
    read_several_votes,
    looks=looks_like_several_votes,
    leaves_texts=True,
)
