"""Beliefs about users -> beliefs about each of their clicks.

With rho the attentiveness of the user and mu the win rate of the clicked model, a click is on the truly better answer with
probability mu (1 + rho) / (mu (1 + rho) + (1 - mu) (1 - rho)). rho is unknown: averaged over what the user's other clicks
say about it, the same formula holds exactly with its mean, because the probability of one click is linear in rho.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.arrays import Counted, Floats
from votewise.data.clicks import Counts
from votewise.users.results import AttentivenessResult

SIDES = {"model_a": 1, "model_b": -1}


def click_beliefs(clicks: pa.Table, counts: Counts, result: AttentivenessResult, flags: Sequence[str]) -> pa.Table:
    """What is believed about every click of a log, and about who clicked.

    Args:
        clicks: the log that was counted: ``user``, ``model_a``, ``model_b`` and ``winner`` (``model_a`` or ``model_b``;
            anything else prefers neither).
        counts: its counts; the domains, if any, are matchups ``A:B``.
        result: what was estimated from them.
        flags: (C,) flag of the users of each cell.

    Returns:
        One row per click: ``attentiveness``, ``attentiveness_low``, ``attentiveness_high``, ``flag`` (null for users without
        a click that prefers a model), and ``confidence``, the probability that the click is on the truly better answer
        (null for clicks that prefer neither).
    """
    domain, first = _domains(clicks, counts)
    side = np.array([SIDES.get(value, 0) for value in clicks["winner"].to_pylist()], np.int64)
    won = (side * first > 0).astype(np.int64)
    users, user = np.unique(np.array(clicks["user"].to_pylist(), object), return_inverse=True)
    n = np.zeros((len(users), len(counts.domains)), np.int64)
    w = np.zeros_like(n)
    decided = side != 0
    np.add.at(n, (user[decided], domain[decided]), 1)
    np.add.at(w, (user[decided], domain[decided]), won[decided])
    cell = _cells(counts, n, w)[user]
    confidence = np.full(len(clicks), np.nan)
    confidence[decided] = _confidence(counts, result, np.column_stack([cell, domain, won])[decided])
    there = pa.array(cell, mask=cell < 0)
    found: dict[str, Any] = {
        own: result.cells[name].take(there)
        for own, name in (
            ("attentiveness", "attentiveness"),
            ("attentiveness_low", "low"),
            ("attentiveness_high", "high"),
        )
    }
    found["flag"] = pa.array(list(flags), pa.string()).take(there)
    return pa.table({**found, "confidence": pa.array(confidence, mask=~decided)})


def _domains(clicks: pa.Table, counts: Counts) -> tuple[Counted, Counted]:
    """The domain of each click, and +1 where the first model shown is A, -1 where it is B."""
    names = [":".join(counts.models)] if counts.models is not None else list(counts.domains)
    place = {name: number for number, name in enumerate(names)}
    domain, first = [], []
    for a, b in zip(clicks["model_a"].to_pylist(), clicks["model_b"].to_pylist(), strict=True):
        straight = place.get(f"{a}:{b}")
        domain.append(place[f"{b}:{a}"] if straight is None else straight)
        first.append(-1 if straight is None else 1)
    return np.array(domain, np.int64), np.array(first, np.int64)


def _cells(counts: Counts, n: Counted, w: Counted) -> Counted:
    """The cell of each user; -1 where there is none, for users who never preferred a model."""
    keys = np.hstack([counts.comparisons, counts.wins]).astype(np.int64).tolist()
    known = {tuple(key): number for number, key in enumerate(keys)}
    found = [known.get(tuple(key), -1) for key in np.hstack([n, w]).tolist()]
    return np.array(found, np.int64)


def _confidence(counts: Counts, result: AttentivenessResult, kinds: Counted) -> Floats:
    """Of clicks that differ in the user's cell, the domain, and whether A won."""
    kind, which = np.unique(kinds, axis=0, return_inverse=True)
    cell, domain, won = kind.T
    n, w = counts.comparisons[cell].astype(np.int64), counts.wins[cell].astype(np.int64)
    row = np.arange(len(kind))
    n[row, domain] -= 1
    w[row, domain] -= won
    others = Counts(n, w, np.ones(len(kind), np.int64), counts.domains, models=counts.models)
    rho = result.beliefs(others)["attentiveness"].to_numpy()
    rate = result.win_rates["win_rate"].to_numpy()[domain]
    chosen = np.where(won == 1, rate, 1 - rate)
    right, wrong = chosen * (1 + rho), (1 - chosen) * (1 - rho)
    found: Floats = (right / (right + wrong))[which.reshape(-1)]
    return found
