"""Who votes on what: as often as drawn, and never twice on one pair."""

from __future__ import annotations

import numpy as np
import pytest

from votewise.errors import BadInputError
from votewise.simulate import Profile
from votewise.simulate import design as module
from votewise.simulate.design import Design, make_design


def drawn(design: Design) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    pair, annotator, index = (np.concatenate(part) for part in zip(*design.blocks(), strict=True))
    return pair, annotator, index


@pytest.mark.parametrize(
    ("settings", "pairs"),
    [
        ({}, 3000),
        ({"votes_per_annotator": (1, 400), "votes_per_pair": 5}, 800),
        ({"annotators": 40}, 500),
        ({"annotators": 4}, 500),
        ({"annotators": 3}, 500),
        ({"annotators": 6, "votes_per_pair": 5}, 400),
        ({"annotators": 7, "votes_per_pair": 1}, 700),
        ({"annotators": 50, "votes_per_annotator": (10, 60)}, None),
        ({"annotators": 50, "votes_per_annotator": (10, 20)}, 5000),
    ],
)
def test_every_pair_and_every_annotator_has_its_votes(settings: dict, pairs: int | None) -> None:
    design = make_design(Profile(**settings), pairs, seed=1)
    pair, annotator, index = drawn(design)
    per_pair = settings.get("votes_per_pair", 3)
    assert (np.diff(pair) >= 0).all()
    assert (np.bincount(pair, minlength=design.pairs) == per_pair).all()
    np.testing.assert_array_equal(np.bincount(annotator, minlength=len(design.counts)), design.counts)
    assert len(np.unique(pair * len(design.counts) + annotator)) == len(pair)
    # Each annotator's votes are numbered from the first to the last.
    order = np.lexsort((index, annotator))
    np.testing.assert_array_equal(index[order], np.concatenate([np.arange(n) for n in design.counts]))
    if pairs is not None and "votes_per_annotator" not in settings:
        assert design.pairs == pairs
    low, high = settings.get("votes_per_annotator", (1, 10**6))
    assert design.counts.max() <= high
    assert (design.counts < low).sum() <= per_pair, "only the last annotators may have fewer votes"


def test_numbers_of_votes_are_spread_evenly_in_logarithms() -> None:
    """10,000 annotators between 1 and 1,000 votes: quartiles of log counts within 2%, five standard errors of a share."""
    design = make_design(Profile(annotators=10_000, votes_per_annotator=(1, 1000)), None, seed=2)
    for share in (0.25, 0.5, 0.75):
        assert (design.counts < 1001**share).mean() == pytest.approx(share, abs=0.03)


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every pair is in one block; the order of votes does not depend on where blocks end, only their drawing does."""
    design = make_design(Profile(annotators=2000, votes_per_pair=2), 5000, seed=3)
    before = drawn(design)
    monkeypatch.setattr(module, "BLOCK", 700)
    parts = list(design.blocks())
    assert len(parts) == 15
    after = tuple(np.concatenate(part) for part in zip(*parts, strict=True))
    np.testing.assert_array_equal(before[0], after[0])
    np.testing.assert_array_equal(np.bincount(before[1]), np.bincount(after[1]))


@pytest.mark.parametrize(
    ("settings", "pairs", "problem"),
    [
        ({}, None, "a number of pairs or of annotators"),
        ({"votes_per_annotator": (50, 60)}, 20, "at most one vote on each pair"),
        ({"annotators": 50, "votes_per_annotator": (10, 20)}, 10, "more than 3 on each of 10 pairs"),
        (
            {"annotators": 4, "votes_per_annotator": (1, 2000), "votes_per_pair": 4},
            None,
            "at most one vote on each pair",
        ),
    ],
)
def test_numbers_that_do_not_fit_are_refused(settings: dict, pairs: int | None, problem: str) -> None:
    with pytest.raises(BadInputError, match=problem):
        make_design(Profile(**settings), pairs, seed=0)
