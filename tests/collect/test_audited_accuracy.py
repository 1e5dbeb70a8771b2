"""The accuracy that audit votes show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from votewise.collect.audited_accuracy import AuditedAccuracy, AuditVotes, audited_accuracy
from votewise.errors import BadInputError


def audits(agrees: Any, propensity: Any = 1.0, reliability: float = 1.0, error: float = 0.0) -> AuditVotes:
    n = len(agrees)
    return AuditVotes(
        np.array(agrees, np.int8),
        np.broadcast_to(np.asarray(propensity, float), n).copy(),
        np.zeros(n, np.int32),
        np.array([reliability]),
        np.array([error]),
    )


def test_where_every_pair_is_checked_by_somebody_who_is_right_nothing_is_uncertain() -> None:
    found = audited_accuracy(audits([1, 1, 1, -1]), 0.9)
    assert (found.right, found.low, found.high) == pytest.approx((0.75, 0.75, 0.75))
    assert found.over_claims


def test_of_a_small_part_the_interval_is_wilsons() -> None:
    found = audited_accuracy(audits([1] * 90 + [-1] * 10, propensity=1e-9), 0.95)
    assert found.right == pytest.approx(0.9)
    # Wilson (1927): (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n).
    assert (found.low, found.high) == pytest.approx((0.82563, 0.94477), abs=1e-4)
    assert found.over_claims


def test_pairs_count_by_the_inverse_of_their_propensity() -> None:
    # One of two wrong pairs was drawn, and one of eight right ones: two and eight stand for ten.
    assert audited_accuracy(audits([-1, 1], [0.5, 0.125]), 0.9).right == pytest.approx(0.8)


def test_votes_of_annotators_count_by_how_reliable_they_are() -> None:
    # 62% agree: with eta = .8, 70% of the labels are right (.7 * .8 + .3 * .2).
    assert audited_accuracy(audits([1] * 62 + [-1] * 38, reliability=0.8), 0.9).right == pytest.approx(0.7)
    sure, unsure = (audited_accuracy(audits([1] * 62 + [-1] * 38, 0.3, 0.8, e), 0.9) for e in (0.0, 0.05))
    assert unsure.low < sure.low < sure.high < unsure.high
    # d right / d eta = -(agreement surplus) / rho^2 = -.24 / .36, so an error of .05 adds .033, in squares.
    known, added = (sure.high - sure.low) / 3.92, 0.05 * 0.24 / 0.36
    assert (unsure.high - unsure.low) / 3.92 == pytest.approx(np.hypot(known, added), rel=0.02)


def test_without_audits_nothing_is_known() -> None:
    found = audited_accuracy(audits([]), 0.9)
    assert (found.low, found.high, found.audits) == (0.0, 1.0, 0)
    assert np.isnan(found.right)
    assert not found.over_claims


def test_an_estimate_beyond_one_is_kept_and_its_interval_is_not() -> None:
    found = audited_accuracy(audits([1] * 20, 0.2, 0.8), 0.97)
    assert found.right > 1
    assert found.high == 1
    assert found.low < 1


@pytest.mark.parametrize("bad", [{"propensity": 0.0}, {"propensity": 1.1}, {"reliability": 0.5}])
def test_what_says_nothing_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(BadInputError):
        audits([1, -1], **bad)


def one_campaign(rng: np.random.Generator, pairs: int, known: bool) -> tuple[AuditedAccuracy, float]:
    """Pairs with more votes are more often wrong and more often drawn; those who audit differ."""
    votes = rng.integers(1, 13, pairs)
    right = rng.random(pairs) < 1 - 0.015 * votes
    propensity = votes / 19
    drawn = np.flatnonzero(rng.random(pairs) < propensity)
    eta, error = rng.uniform(0.75, 0.95, 15), 0.0 if known else 0.03
    annotator = rng.integers(15, size=len(drawn)).astype(np.int32)
    agrees = np.where((rng.random(len(drawn)) < eta[annotator]) == right[drawn], 1, -1).astype(np.int8)
    believed = np.clip(eta + error * rng.standard_normal(15), 0.6, 0.99)
    given = AuditVotes(agrees, propensity[drawn], annotator, believed, np.full(15, error))
    return audited_accuracy(given, 0.97), float(right.mean())


@pytest.mark.parametrize(("pairs", "known", "most"), [(150, True, 0.99), (1000, True, 0.97), (1000, False, 0.97)])
def test_unbiased_and_intervals_cover(pairs: int, known: bool, most: float) -> None:
    """3,000 campaigns: coverage, measured as 0.956 with 1,000 pairs, has a standard error of .004, so that 0.97 is 3.7 and
    0.93 6 of them away: false alarm below 3e-4 a row. With 150 pairs, of which 50 are audited, 0.98 hold it.

    The mean error has a standard error of .0015 at most (150 pairs); .006 is four. Errors of the reliabilities add a bias
    of about 4 error^2 / rho^2 = .008 of the .4 by which labels are better than chance, because 1 / rho is convex.
    """
    rng = np.random.default_rng(pairs + known)
    found = [one_campaign(rng, pairs, known) for _ in range(3000)]
    error = np.array([one.right - truth for one, truth in found])
    assert abs(error.mean()) < 0.006
    assert 0.93 <= np.mean([one.low <= truth <= one.high for one, truth in found]) <= most
