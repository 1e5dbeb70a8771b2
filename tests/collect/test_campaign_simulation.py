"""Campaigns with simulated annotators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from votewise.collect.assignment import AssignmentRule
from votewise.collect.campaign_simulation import CampaignWorld, audit_reliabilities, simulate_campaign
from votewise.errors import BadInputError

SMALL = CampaignWorld("0.7*beta:18,2 + 0.3*0.52", annotators=15, pairs=200)
FIXED = AssignmentRule(want=5, fixed=True, weighted=False, retire_below=0)
STOP = AssignmentRule(weighted=False, retire_below=0)


def test_fixed_redundancy_gives_every_pair_its_votes() -> None:
    found = simulate_campaign(FIXED, SMALL, seed=1)
    assert found.votes == 5
    assert found.finished == 1
    assert found.contested == found.retired == 0


def test_a_campaign_with_a_seed_is_the_same_again() -> None:
    assert simulate_campaign(AssignmentRule(), SMALL, seed=2) == simulate_campaign(AssignmentRule(), SMALL, seed=2)


@pytest.mark.slow
def test_stopping_weighting_and_margins_save_votes() -> None:
    """Means of 6 campaigns; votes a pair differ by .5 and more between rules, with a standard error of a difference of
    .1: a false alarm in 10^5."""
    with_margins = CampaignWorld(SMALL.reliability, 15, 200, margins_right=0.75)
    stop, weighted, informed = (
        [simulate_campaign(rule, world, seed=seed) for seed in range(6)]
        for rule, world in ((STOP, SMALL), (AssignmentRule(), SMALL), (AssignmentRule(), with_margins))
    )
    votes = [np.mean([one.votes for one in many]) for many in (stop, weighted, informed)]
    assert 12 > votes[0] > votes[1] > votes[2]
    for one in stop + weighted + informed:
        # 200 pairs, 97% right: a standard error of .012.
        assert one.right > 0.97 - 5 * 0.012
        assert one.most <= 2 + 10 * 15 / (one.votes * 200)


def test_sure_pairs_of_one_difficulty_are_right_as_often_as_said() -> None:
    """Mean of 4 campaigns with 200 pairs: the standard error of a share of .975 is .0055 and of reliabilities about as
    much; .035 is five."""
    found = [simulate_campaign(STOP, SMALL, seed=seed) for seed in range(4)]
    assert abs(np.mean([one.claimed - one.right for one in found])) < 0.035


def test_reliabilities_come_from_an_audit(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="votewise audit"):
        audit_reliabilities(tmp_path)
    pq.write_table(
        pa.table({"annotator": ["x", "y", "z"], "reliability": [0.9, 0.8, 0.7]}), tmp_path / "annotators.parquet"
    )
    reliability = audit_reliabilities(tmp_path)
    assert reliability.tolist() == [0.9, 0.8, 0.7]
    found = simulate_campaign(AssignmentRule(want=3), CampaignWorld(reliability, pairs=50))
    assert 1 <= found.votes <= 3


@pytest.mark.parametrize("bad", [{"margins_right": 0.5}, {"margins_right": 1.0}, {"difficulty": -0.1}])
def test_worlds_that_cannot_be_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(BadInputError):
        CampaignWorld(**bad)
