"""Ranks that are no ranks: among three answers none is the seventh, so that 7 may be the best of a scale."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Places = Sequence[float | None]
"""A number for each answer, None where an answer has none."""


def beyond(groups: Iterable[Places]) -> int | None:
    """The first group with a rank that is greater than the number of its answers; None where there is none.

    Ranks count from 0 if some rank is 0 or less, else from 1.

    >>> beyond([[2, 1, 3], [1, 1]]), beyond([[2, 1, 3], [7, 3]]), beyond([[0, 1], [2, 1]])
    (None, 1, 1)
    """
    found = [[rank for rank in places if rank is not None] for places in groups]
    first = 0 if any(rank <= 0 for ranks in found for rank in ranks) else 1
    return next((i for i, ranks in enumerate(found) if ranks and max(ranks) - first > len(ranks) - 1), None)


def runs(ranks: Sequence[float | None]) -> bool:
    """Whether ranks in the order of a source may be several rankings one after the other: 1, 2, 3, 2, 1.

    >>> runs([1, 2, 3, 2, 1]), runs([1, 2, 2]), runs([1, 1, 2, 2]), runs([2, 1, 3])
    (True, False, False, False)
    """
    known = [rank for rank in ranks if rank is not None]
    first = min(known, default=0)
    ends = {0}
    for end in range(1, len(known) + 1):
        lengths = (end - start for start in ends if end - start > 1)
        if any(sorted(known[end - n : end]) == [first + i for i in range(n)] for n in lengths):
            ends.add(end)
    return len(known) in ends and len(set(known)) < len(known)
