"""Models compared by what they say about votes that they did not see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from votewise.arrays import Bools, Floats, Ints, Signs
from votewise.inference.observation import Evidence

LEAST_CHANCE = 1e-3
"""No vote is given a smaller probability, so that one vote cannot make a loss infinite."""

BINS = 10

NO_SPREAD = 0.2
"""A difficulty that varies by less is none: what is gained then comes from how reliabilities are estimated."""


@dataclass(frozen=True, eq=False)
class HiddenVotes:
    """One hidden vote of each pair that has several, and all other votes.

    Attributes:
        rest: the other votes; pairs and annotators keep their numbers.
        pair, annotator, sign: of the h hidden votes.
        weight: (h,) how many votes each counts for; None for one each.
    """

    rest: Evidence
    pair: Ints
    annotator: Ints
    sign: Signs
    weight: Floats | None = None

    def mean(self, values: Floats | Bools) -> float:
        """Mean of one value per hidden vote."""
        return float(np.average(values, weights=self.weight))

    def standard_error(self, values: Floats) -> float:
        """Standard error of ``mean``."""
        if self.weight is None:
            return float(values.std() / np.sqrt(len(values)))
        return float(np.sqrt(np.square(self.weight * (values - self.mean(values))).sum()) / self.weight.sum())

    def losses(self, for_a: Floats) -> Floats:
        """(h,) minus the log-probability of each hidden vote; ``for_a`` (h,) of its being for response_a."""
        return np.asarray(-np.log(np.clip(np.where(self.sign > 0, for_a, 1 - for_a), LEAST_CHANCE, None)))

    def calibration_error(self, for_a: Floats) -> float:
        """Mean distance of said and right, over votes in ten bins by how sure the likelier answer is."""
        said, right = np.maximum(for_a, 1 - for_a), (for_a >= 0.5) == (self.sign > 0)
        bin_of = np.minimum(((said - 0.5) * 2 * BINS).astype(int), BINS - 1)
        gap = said - right if self.weight is None else self.weight * (said - right)
        return float(np.abs(np.bincount(bin_of, gap)).sum() / (len(said) if self.weight is None else self.weight.sum()))


@dataclass(frozen=True)
class ModelScore:
    """How well a model predicts hidden votes.

    Attributes:
        model: its name.
        log_loss: mean over the hidden votes, nats.
        gain: how much lower it is than that of equal pairs.
        standard_error: of the gain, over pairs; 0 for equal pairs themselves.
        calibration_error: mean distance of said and right.
        right: share of hidden votes that went to the answer said to be likelier.
        votes: number of hidden votes.
        spread: how much pairs differ: tau, or s of recurring answers; None for equal pairs.
    """

    model: str
    log_loss: float
    gain: float
    standard_error: float
    calibration_error: float
    right: float
    votes: int
    spread: float | None = None

    @property
    def wins(self) -> bool:
        """Whether pairs differ in it, and it predicts better than equal pairs by more than two standard errors."""
        return self.spread is not None and self.spread > NO_SPREAD and self.gain > 2 * self.standard_error


def score_model(
    model: str, hidden: HiddenVotes, for_a: Floats, equal: Floats, spread: float | None = None
) -> ModelScore:
    """Score predictions ``for_a`` (h,) of hidden votes beside those of equal pairs, ``equal`` (h,)."""
    losses = hidden.losses(for_a)
    gains = hidden.losses(equal) - losses
    return ModelScore(
        model=model,
        log_loss=hidden.mean(losses),
        gain=hidden.mean(gains),
        standard_error=hidden.standard_error(gains),
        calibration_error=hidden.calibration_error(for_a),
        right=hidden.mean((for_a >= 0.5) == (hidden.sign > 0)),
        votes=len(gains),
        spread=spread,
    )


def hide_votes(evidence: Evidence, seed: int = 0) -> HiddenVotes | None:
    """Hide one vote of each pair that has several votes, at random; None where no pair has.

    Votes of weight 0 are none.
    """
    n, given = len(evidence.sign), evidence.weight
    order = np.lexsort((np.random.default_rng(seed).random(n), evidence.pair))
    first = np.diff(evidence.pair[order], prepend=-1) != 0
    several = np.bincount(evidence.pair, minlength=len(evidence.margin)) > 1
    chosen = order[first]
    chosen = np.sort(chosen[several[evidence.pair[chosen]]])
    if given is not None:
        chosen = chosen[given[chosen] > 0]
    if len(chosen) == 0:
        return None
    kept: Bools = np.ones(n, bool)
    kept[chosen] = False
    rest = Evidence.of(
        evidence.pair[kept],
        evidence.annotator[kept],
        evidence.sign[kept],
        margin=evidence.margin,
        annotators=len(evidence.counts),
        weight=None if given is None else given[kept],
    )
    weight = None if given is None else given[chosen]
    return HiddenVotes(rest, evidence.pair[chosen], evidence.annotator[chosen], evidence.sign[chosen], weight)
