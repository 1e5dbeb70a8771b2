"""What a campaign will cost and reach, before it starts."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shell import refused, shell
from votewise import collect_simulate
from votewise.simulate.distributions import read_prior
from votewise.workflows.collect_simulate import _beta, _figure, _saved

SMALL = {"pairs": 60, "annotators": 10, "campaigns": 3}


def test_the_rule_stands_beside_fixed_redundancies() -> None:
    found = collect_simulate(**SMALL, mean_reliability=0.85, fixed=(3, 7), price=0.1, want=9)
    assert [one.rule for one in found.rules] == ["adaptive", "fixed, 3", "fixed, 7"]
    adaptive, three, seven = found.rules
    assert (three.votes.mean, three.votes.low, seven.votes.high) == (3, 3, 7)
    # 9 votes at most, and audit votes beside them.
    assert 1 < adaptive.votes.mean < 9 / 0.9
    # Of annotators who are right on 85% three votes are right on 94% of the pairs and seven on 99%; the standard error of
    # the difference is .02 over 180 pairs, and the seed is fixed.
    assert seven.right.mean > three.right.mean
    assert three.contested.mean == 0
    for one in found.rules:
        assert one.cost is not None
        assert one.cost.mean == pytest.approx(0.1 * 60 * one.votes.mean)
        for figure in (one.votes, one.right, one.claimed, one.contested, one.cost):
            assert figure.low <= figure.mean <= figure.high
        assert one.right.high <= 1
    assert found == collect_simulate(**SMALL, mean_reliability=0.85, fixed=(3, 7), price=0.1, want=9)
    assert collect_simulate(**SMALL, fixed=()).rules[0].cost is None


def test_what_is_saved_is_against_the_fixed_redundancy_that_is_right_equally_often() -> None:
    """Right on 90% with 3 votes, on 99% with 7: 5 votes reach 96.8%, half-way in logs; 2.5 votes save half of them."""

    def campaigns(votes: float, right: float) -> list[Any]:
        return [SimpleNamespace(votes=votes * 0.9, audit_share=0.1, right=right)] * 3

    found = {"adaptive": campaigns(2.5, 1 - 10**-1.5), "fixed, 3": campaigns(3, 0.9), "fixed, 7": campaigns(7, 0.99)}
    saved = _saved(found, (7, 3))
    assert saved is not None
    assert (saved.mean, saved.low, saved.high) == pytest.approx((0.5, 0.5, 0.5))
    assert _saved(found, (3,)) is None


@pytest.mark.slow
def test_the_rule_saves_what_the_design_promised() -> None:
    """30 annotators from Beta(6, 2), 1,000 pairs, 8 campaigns: 55% are promised with weighting. The interval of the mean is
    below that in one of 40 data sets at most where it is just true, and the seed is fixed."""
    found = collect_simulate(pairs=1000, mean_reliability=0.75, spread=0.1443, campaigns=8)
    assert found.saved is not None
    assert found.saved.high > 0.55
    assert found.saved.mean > 0.5


def test_a_crowd_like_that_of_an_audit(tmp_path: Path) -> None:
    """Five annotators who are nearly always right: three votes each are right on all of 60 pairs, but for .001 x 60."""
    names = [f"k{number}" for number in range(5)]
    pq.write_table(pa.table({"annotator": names, "reliability": [0.99] * 5}), tmp_path / "annotators.parquet")
    found = collect_simulate(tmp_path, pairs=60, campaigns=2, fixed=(3,))
    assert found.annotators == 5
    assert found.rules[1].right.mean > 0.98


def test_a_described_crowd_has_its_mean_and_deviation() -> None:
    """Of 20,000 draws the standard error of the mean is .001, and of the deviation less."""
    drawn = read_prior(_beta(0.75, 0.14)).draw(20_000, np.random.default_rng(1))
    assert (float(drawn.mean()), float(drawn.std())) == pytest.approx((0.75, 0.14), abs=0.005)


def test_the_interval_is_that_of_one_more_campaign() -> None:
    """Mean 2, standard deviation 1, three values: t = 4.3027 with two degrees of freedom."""
    found = _figure([10.0, 11.0, 12.0])
    assert (found.mean, found.high - found.mean) == pytest.approx((11, 4.3027 * (4 / 3) ** 0.5), abs=1e-4)
    assert _figure([0.9, 1.0], highest=1.0).high == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--spread", "0.6"], "0.001 to below 0.433"),
        (["--mean-reliability", "1"], "between 0 and 1"),
        (["--campaigns", "1"], "2 to 1,000"),
        (["--fixed", "0"], "1 to 1,000"),
        (["--want", "0"], "at least 1"),
        (["no_audit"], "votewise audit"),
    ],
)
def test_what_cannot_be_simulated_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in refused(shell("collect", "simulate", *options))


def test_in_the_shell() -> None:
    words = [
        "collect",
        "simulate",
        "--pairs",
        "40",
        "--annotators",
        "8",
        "--campaigns",
        "2",
        "--fixed",
        "3",
        "--price",
        "2",
    ]
    shown = shell(*words).out.splitlines()
    assert shown[0].startswith("40 pairs, 8 annotators (mean reliability 0.75, standard deviation 0.14)")
    assert shown[1].split()[:2] == ["rule", "votes"]
    assert shown[3].startswith("fixed, 3  3.00 (3.00 to 3.00)")
    found = json.loads(shell(*words, "--json").out)
    assert [one["rule"] for one in found["rules"]] == ["adaptive", "fixed, 3"]
    assert found["rules"][1]["cost"]["mean"] == 2 * 40 * 3
