"""Votes of one annotator on one pair: which one counts, and what to say about it."""

from __future__ import annotations

import numpy as np

from votewise.arrays import Bools, Floats
from votewise.data.identity import Codes
from votewise.errors import many
from votewise.sources.canonical import JUDGEMENT, Canonical
from votewise.sources.codes import by_appearance, signs_of
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows


def by_chance(canonical: Canonical, shown: tuple[Codes, Bools], key: Codes, when: Floats | None) -> tuple[str, ...]:
    """A note on repeated votes of which chance chooses, because rows have no order; none where they say the same.

    Args:
        canonical: the votes.
        shown: (n,) the indices of those that are compared, and whether they swap the pair's answers.
        key: (n,) equal for votes that repeat each other.
        when: (n,) their times, or None.
    """
    kept, flipped = shown
    said = signs_of(canonical.table.column("label"))[kept] * np.where(flipped, -1, 1)
    _, heir = last_of_each(key, when)
    differs = said != said[heir]
    if when is not None:
        differs &= when == when[heir]
    number = len(np.unique(heir[differs]))
    if not number:
        return ()
    what = f"{number:,} of the votes that count were chosen by chance among repeated ones that differ and have no times"
    return (f"{what}: rows of Spark have no order, so another run may choose others.",)


def kept_apart(rows: Rows, name: str, number: int) -> tuple[str, ...]:
    """A note on votes that a column tells apart; none where there are none."""
    own = rows.source_column(name)
    told = f"Kept: {many(number, 'vote')}, different from another one only in '{own}'"
    drop = f"; {column_option(own, '')} if it tells no votes apart" if name != JUDGEMENT else ""
    return (f"{told}{drop}.",) if number else ()


def revisions(key: Codes, when: Floats | None) -> Bools:
    """(n,) whether all votes with a vote's key have known and different times, which tell the last one."""
    if when is None:
        return np.zeros(len(key), bool)
    _, codes, sizes = np.unique(key, return_inverse=True, return_counts=True)
    moments = np.unique(np.stack([codes, np.unique(when, return_inverse=True)[1]]), axis=1)[0]
    wrong = np.bincount(moments, minlength=len(sizes)) < sizes
    wrong[codes[np.isneginf(when)]] = True
    return ~wrong[codes]


def last_of_each(key: Codes, when: Floats | None) -> tuple[Codes, Codes]:
    """Of votes with equal keys the last by time, or the first without times; and (n,) which one each vote gives way to."""
    if when is None:
        codes, first = by_appearance(key)
        return first, first[codes]
    order = np.lexsort((-np.arange(len(key)), when, key))
    is_last = np.append(key[order][1:] != key[order][:-1], True)[: len(order)]
    ends = np.flatnonzero(is_last)
    heir = np.empty(len(key), np.int64)
    heir[order] = order[ends[np.searchsorted(ends, np.arange(len(order)))]]
    return order[is_last], heir
