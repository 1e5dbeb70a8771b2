"""Votes of one annotator on one pair: which one counts, and what to say about it."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from votewise.arrays import Bools, Floats
from votewise.data.identity import Codes
from votewise.errors import many
from votewise.sources.canonical import JUDGEMENT, Canonical
from votewise.sources.codes import by_appearance, signs_of
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.unread_repeats import ACT
from votewise.sources.meanings.unread_values import SOURCE, is_nested
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows
from votewise.sources.values import decoded


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


OF_TASKS = re.compile(
    rf"(task_)?({ACT.pattern})|{SOURCE.pattern}|(data)?(source|set|sets|subset|split)|tags?|priority|order|(created|updated)_at"
)
"""Names of what a task records without showing it."""
TASKS = ("data", "fields")
"""Columns with what a labelling tool shows in a task."""


def task_codes(rows: Rows, source: Codes, again: Codes, heir: Codes) -> tuple[str | None, Codes]:
    """The column of tasks in which repeated votes differ, None without any, and (n,) codes of what it holds in their rows.

    Args:
        rows: the source's rows.
        source: (n,) row of each vote.
        again: (d,) votes about to be dropped.
        heir: (d,) the vote that each of them repeats.
    """
    name = next((name for name in TASKS if rows.has(name) and is_nested(rows, name)), None)
    one, other = source[again], source[heir]
    codes = np.zeros(len(source), np.int64)
    if name is None or (one == other).all():
        return None, codes
    some = np.unique(np.concatenate([one, other]))
    values = decoded(rows.source.take(some), rows.source_column(name))
    texts = [json.dumps(_shown(value), sort_keys=True, default=str) for value in values]
    known = {text: code for code, text in enumerate(dict.fromkeys(texts), 1)}
    of = dict(zip(some.tolist(), (known[text] for text in texts), strict=True))
    codes = np.array([of.get(row, 0) for row in source.tolist()], np.int64)
    return (name if (codes[again] != codes[heir]).any() else None), codes


def _shown(value: Any) -> Any:
    """What a task shows, without records of where it comes from."""
    if not isinstance(value, dict):
        return value
    return {key: inner for key, inner in value.items() if not OF_TASKS.fullmatch(plain_name(key))}


def kept_in_tasks(name: str, number: int) -> tuple[str, ...]:
    """A note on votes of one annotator on one pair in several tasks; none where there are none."""
    return (
        (f"Kept: {many(number, 'vote')} on a pair that another task shows, too, with other '{name}'.",)
        if number
        else ()
    )


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
