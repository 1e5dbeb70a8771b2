"""Votes of a jury: which annotators are its judges, what each says about each pair, and what people or gold say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
import pyarrow as pa

from votewise.arrays import Bools, Floats, Ints, Signs
from votewise.data.votes import Votes
from votewise.errors import BadInputError

GROUP = "group"
"""The column that says which group a judge belongs to."""


@dataclass(frozen=True, eq=False)
class JuryVotes:
    """Verdicts of J judges on M pairs.

    Attributes:
        names: (J,) the judges.
        groups: (J,) the models that each shares mistakes with.
        family: (J,) code of each judge's group.
        pair: (n,) pair of each single verdict.
        judge: (n,) whose it is.
        sign: (n,) +1 for response_a, -1 for response_b, 0 for a tie.
        first: (n,) +1 where it is for the answer shown first, -1 for the second, 0 for a tie; None where unknown.
        swapped: (n,) whether response_b was shown first; None where unknown.
        said: (M, J) what each judge says in all: the sign of the sum of its verdicts; 0 for a tie, for verdicts that
            contradict each other, and for none.
        spoke: (M, J) whether it gave any verdict.
        gold: (M,) +1, -1, or 0 where no trusted source says which answer is better.
        people: (M,) what most of the other annotators say, 0 for a draw or none.
        human_votes: decided votes of people, as pairs of (pair, sign).
        length: (M,) characters of response_a less those of response_b; None without texts.
    """

    names: list[str]
    groups: list[str]
    family: Ints
    pair: Ints
    judge: Ints
    sign: Signs
    first: Signs | None
    swapped: Bools | None
    said: Signs
    spoke: Bools
    gold: Signs
    people: Signs
    human_votes: tuple[Ints, Signs]
    length: Floats | None

    @property
    def reference(self) -> tuple[Signs, str | None]:
        """(M,) what judges are compared with, and what that is: ``gold``, ``people``, or None and zeros."""
        if (self.gold != 0).any():
            return self.gold, "gold"
        return (self.people, "people") if (self.people != 0).any() else (np.zeros(len(self.gold), np.int8), None)


def jury_votes(votes: Votes, *, group: Mapping[str, str] | None = None) -> JuryVotes:
    """Take the judges' votes out of all votes.

    Judges are those with a value in the column ``group``, as ``votewise judge`` writes it, or whose name fits a pattern of
    ``group``; without either, all annotators are judges, each in a group of its own.

    Args:
        votes: the votes.
        group: group -> pattern of its judges' names.

    Raises:
        BadInputError: no judge, a pattern that fits nobody, or a judge in two groups.
    """
    names = [str(name) for name in votes.annotator_ids.to_pylist()]
    of = _groups(votes, names, dict(group or {}))
    judges = [k for k, name in enumerate(of) if name is not None]
    code = np.full(len(names), -1, np.int32)
    code[judges] = np.arange(len(judges), dtype=np.int32)
    mine = code[votes.annotator] >= 0
    groups = [str(of[k]) for k in judges]
    known = {name: number for number, name in enumerate(dict.fromkeys(groups))}
    pair, judge, sign = votes.pair[mine], code[votes.annotator[mine]], votes.sign[mine]
    m, j = votes.n_pairs, len(judges)
    total, spoke = np.zeros((m, j)), np.zeros((m, j), bool)
    np.add.at(total, (pair, judge), sign)
    spoke[pair, judge] = True
    others = np.bincount(votes.pair[~mine], votes.sign[~mine], minlength=m)
    decided = ~mine & (votes.sign != 0)
    return JuryVotes(
        names=[names[k] for k in judges],
        groups=groups,
        family=np.array([known[name] for name in groups], np.int32),
        pair=pair,
        judge=judge,
        sign=sign,
        first=None if votes.first is None else votes.first[mine],
        swapped=None if votes.swapped is None else votes.swapped[mine],
        said=np.sign(total).astype(np.int8),
        spoke=spoke,
        gold=np.zeros(m, np.int8) if votes.gold is None else votes.gold,
        people=np.sign(others).astype(np.int8),
        human_votes=(votes.pair[decided], votes.sign[decided]),
        length=_lengths(votes),
    )


def _groups(votes: Votes, names: list[str], group: dict[str, str]) -> list[str | None]:
    """The group of each annotator; None for those who are no judges."""
    found: list[str | None] = [None] * len(names)
    if group:
        for name, pattern in group.items():
            fits = [k for k, who in enumerate(names) if fnmatchcase(who.lower(), pattern.lower())]
            if not fits:
                raise BadInputError(f"nobody fits the group '{name}'", parameter="group", value=pattern)
            for k in fits:
                if found[k] is not None:
                    raise BadInputError(f"'{names[k]}' is in two groups", parameter="group", expected="one")
                found[k] = name
        return found
    if votes.table is not None and GROUP in votes.table.column_names:
        column = votes.table[GROUP].to_pylist()
        for k, value in zip(votes.annotator.tolist(), column, strict=True):
            if value is not None and str(value):
                found[k] = str(value)
        if any(found):
            return found
    return list(names)


def _lengths(votes: Votes) -> Floats | None:
    if votes.texts is None or "response_a" not in votes.texts.column_names:
        return None
    a, b = (np.fromiter(_characters(votes.texts[name]), float, votes.n_pairs) for name in ("response_a", "response_b"))
    return np.asarray(a - b)


def _characters(column: pa.ChunkedArray) -> Iterator[int]:
    for value in column.to_pylist():
        yield len(value) if isinstance(value, str) else sum(len(str(m.get("content") or "")) for m in value or [])
