"""Annotators vote as their profile says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from votewise import estimate_reliability, read_votes
from votewise.errors import BadInputError
from votewise.simulate import KINDS, DrawnVotes, Profile, TruePairs, draw_votes

MIXED = Profile(
    reliability=0.85, spammers=0.1, adversaries=0.1, position_biased=0.2, tired=0.2, votes_per_annotator=(40, 200)
)


@pytest.fixture(scope="module")
def mixed() -> DrawnVotes:
    return draw_votes(MIXED, pairs=20_000, seed=1)


def within(found: float, expected: float, n: int) -> bool:
    """Five standard errors of a share: false alarm below 1e-6 each."""
    return abs(found - expected) <= 5 * np.sqrt(max(expected * (1 - expected), 1e-12) / n)


def test_each_kind_is_right_as_often_as_it_should_be(mixed: DrawnVotes) -> None:
    # Tired: 0.85 for half of the votes, then down to 0.5 in a straight line.
    expected = {"ordinary": 0.85, "spammer": 0.5, "adversary": 0.15, "position-biased": 0.45 + 0.085, "tired": 0.7625}
    kind = mixed.kind[mixed.votes.annotator]
    for code, name in enumerate(KINDS):
        of = kind == code
        # The number of a tired annotator's vote is whole: at most 0.004 off the straight line.
        assert abs(mixed.chance[of].mean() - expected[name]) < 0.004
        assert within(mixed.correct[of].mean(), mixed.chance[of].mean(), of.sum())
    np.testing.assert_array_equal(mixed.correct, mixed.votes.sign == mixed.truth[mixed.votes.pair])


def test_who_is_biased_chooses_the_first_and_nobody_else_does(mixed: DrawnVotes) -> None:
    first = mixed.votes.first
    assert first is not None
    biased = mixed.kind[mixed.votes.annotator] == KINDS.index("position-biased")
    assert within((first[biased] > 0).mean(), 0.95, biased.sum())
    assert within((first[~biased] > 0).mean(), 0.5, (~biased).sum())


@pytest.mark.parametrize("noise", [0.0, 0.25, 0.5])
def test_noise_flips_votes(noise: float) -> None:
    data = draw_votes(Profile(reliability=0.9, noise=noise), pairs=10_000, seed=2)
    expected = 0.9 * (1 - noise) + 0.1 * noise
    np.testing.assert_allclose(data.chance, expected)
    assert within(data.correct.mean(), expected, len(data.correct))


def test_same_seed_same_votes() -> None:
    one, same, other = (draw_votes(MIXED, pairs=500, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.votes.sign, same.votes.sign)
    np.testing.assert_array_equal(one.votes.annotator, same.votes.annotator)
    assert not np.array_equal(one.votes.annotator[:1000], other.votes.annotator[:1000])


def test_the_truth_of_a_file_is_its_gold_then_its_votes() -> None:
    rows: list[dict[str, Any]] = [
        {"pair": "gold", "annotator": "u", "label": "b", "gold": "a", "domain": "code"},
        {"pair": "most", "annotator": "u", "label": "a"},
        {"pair": "most", "annotator": "v", "label": "b"},
        {"pair": "most", "annotator": "w", "label": "b"},
        {"pair": "even", "annotator": "u", "label": "a"},
        {"pair": "even", "annotator": "v", "label": "b"},
    ]
    pairs = TruePairs.of(read_votes(rows))
    assert pairs.ids.to_pylist() == ["gold", "most"]
    assert pairs.truth.tolist() == [1, -1]
    assert pairs.domain.to_pylist() == ["code", None]
    assert pairs.undecided == 1
    with pytest.raises(BadInputError, match="no pair has a better response"):
        TruePairs.of(read_votes(rows[-2:]))


def test_chosen_answers_do_not_stand_first() -> None:
    """The side of a chosen response must not tell that it is right. 2,000 votes, false alarm below 1e-6."""
    rows = [{"prompt": f"{i}", "chosen": "yes", "rejected": "no"} for i in range(1000)]
    data = draw_votes(Profile(reliability=1.0, votes_per_pair=2), pairs=read_votes(rows), seed=3)
    assert data.correct.all()
    assert data.votes.texts is not None
    assert within((data.votes.first > 0).mean(), 0.5, len(data.votes))


def test_estimates_recover_the_annotators(mixed: DrawnVotes) -> None:
    """Annotators without faults, 3 votes a pair on 20,000 pairs: reliabilities off by 0.05 on average at most (their own
    sampling error with 40 to 200 votes is 0.036); intervals hold 90% of the truths at least. Nominally it is 95% of some
    270, so the false-alarm probability is below 1e-3. Kinds come out in their order.
    """
    table = estimate_reliability(mixed.votes).annotators
    found = table["reliability"].to_numpy()[np.argsort(table["annotator"].to_numpy(zero_copy_only=False).astype(int))]
    steady = np.isin(mixed.kind, [KINDS.index(name) for name in ("ordinary", "spammer", "adversary")])
    assert np.abs(found - mixed.reliability)[steady].mean() < 0.05
    by_kind = [found[mixed.kind == KINDS.index(name)].mean() for name in ("ordinary", "tired", "spammer", "adversary")]
    assert by_kind == sorted(by_kind, reverse=True)
    order = np.argsort(table["annotator"].to_numpy(zero_copy_only=False).astype(int))
    low, high = (table[name].to_numpy()[order] for name in ("low", "high"))
    inside = (low <= mixed.reliability) & (mixed.reliability <= high)
    assert inside[steady].mean() > 0.9


def test_nothing_to_vote_on_is_refused() -> None:
    with pytest.raises(BadInputError, match="pairs"):
        draw_votes(Profile(), pairs=0)
    with pytest.raises(BadInputError, match="1 to 5"):
        TruePairs.made_up(5, 0).sample(6, 0)
