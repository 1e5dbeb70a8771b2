"""The confidence of a click: the user's other clicks say how attentive, the win rate says what is likely."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import logsumexp

from votewise import filter_clicks
from votewise.collect.click_beliefs import click_beliefs


def log_of(users: int, clicks: int, *, seed: int, probes: bool) -> tuple[pa.Table, list[bool]]:
    """Clicks of users of whom half have attentiveness 0.9 and half 0.1, on ``m`` (better on 80%), ``n`` and maybe ``p``; and
    whether each click is on the better answer."""
    rng = np.random.default_rng(seed)
    rows, right = [], []
    for user in range(users):
        for number in range(clicks):
            a, b, rate = ("p", "n", 0.6) if probes and number % 3 == 0 else ("m", "n", 0.8)
            first_better = rng.random() < rate
            follows = rng.random() < (1.9 if user % 2 else 1.1) / 2
            first_won, swapped = first_better == follows, rng.random() < 0.5
            shown = {"model_a": b, "model_b": a} if swapped else {"model_a": a, "model_b": b}
            rows.append({"user": f"u{user}", **shown, "winner": "model_a" if first_won != swapped else "model_b"})
            right.append(follows)
    return pa.Table.from_pylist(rows), right


def test_confidences_are_right_as_often_as_they_say() -> None:
    """300 users of 30 clicks. In each of ten bins the share of right clicks is within five standard errors, and two points
    for the fitted prior and win rate: a false alarm in fewer than one of 10,000 data sets, and the seed is fixed."""
    clicks, right = log_of(300, 30, seed=1, probes=True)
    found = filter_clicks(clicks, win_rate={"m:n": 0.8}, keep=1.0)
    beliefs = click_beliefs(clicks, found.counts, found.attentiveness, found.flags)
    confidence = beliefs["confidence"].to_numpy()
    order = np.argsort(confidence)
    for part in np.array_split(order, 10):
        said, was = confidence[part].mean(), np.array(right)[part].mean()
        assert abs(said - was) < 5 * np.sqrt(said * (1 - said) / len(part)) + 0.02, (said, was)
    assert confidence.max() - confidence.min() > 0.5


def test_the_formula_is_the_mean_over_the_posterior() -> None:
    clicks, _ = log_of(40, 12, seed=2, probes=False)
    found = filter_clicks(clicks, win_rate=0.8, model="m", keep=1.0, prior="beta")
    fit = found.attentiveness.fit
    beliefs = click_beliefs(clicks, found.counts, found.attentiveness, found.flags)
    rows = clicks.to_pylist()
    rho = fit.nodes
    for user in ("u0", "u1"):
        own = [place for place, row in enumerate(rows) if row["user"] == user]
        won = np.array([rows[i][rows[i]["winner"]] == "m" for i in own])
        chance = {True: 0.5 + 0.3 * rho, False: 0.5 - 0.3 * rho}
        joint = fit.log_mass + won.sum() * np.log(chance[True]) + (~won).sum() * np.log(chance[False])
        posterior = np.exp(joint - logsumexp(joint))
        for i, was in zip(own, won, strict=True):
            rate = 0.8 if was else 0.2
            expected = posterior @ (rate * (1 + rho) / 2 / chance[bool(was)])
            assert beliefs["confidence"][i].as_py() == pytest.approx(expected, abs=1e-9)


def test_who_never_preferred_a_model_is_unknown() -> None:
    clicks, _ = log_of(6, 10, seed=3, probes=False)
    ties = pa.Table.from_pylist([{"user": "x", "model_a": "n", "model_b": "m", "winner": "tie"}] * 3)
    clicks = pa.concat_tables([clicks, ties])
    found = filter_clicks(clicks, win_rate=0.8, model="m", keep=1.0)
    beliefs = click_beliefs(clicks, found.counts, found.attentiveness, found.flags)
    assert beliefs["confidence"].null_count == 3
    assert beliefs["confidence"].slice(60).null_count == 3
    assert beliefs["attentiveness"].slice(0, 60).null_count == 0
