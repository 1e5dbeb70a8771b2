"""How often the labels of finished pairs are right, learnt from audit votes and not from posteriors.

A posterior claims what its model says. An audit vote v on a finished pair, which took no part in the label l, agrees with
it as often as the label is right: with s = v l = +1 or -1, rho = 2 eta - 1 of the one who audits, and z = +1 where the label
is right, else -1,

    E[s | z] = rho z,     so that s / rho estimates z without bias.

The pairs were drawn with known probabilities a, so each counts 1 / a times (inverse propensity, Hajek's ratio):

    theta = sum(s / (a rho)) / sum(1 / a),     share right = (1 + theta) / 2.

The interval is a score interval as Wilson's: it asks for which theta the estimate is not too far off, with the variance at
that theta. Reliabilities add theirs. With few audit votes and labels that are nearly always right it is too wide rather than
too narrow. Nothing here uses the posteriors of pairs, but rho comes from the votes; where pairs differ in difficulty it is
the annotator's mean over all pairs. With people who are always right (``reliability`` 1), such as the owner, nothing is
assumed at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from votewise.arrays import Floats, Ints, Signs
from votewise.defaults import LEVEL
from votewise.errors import BadInputError
from votewise.inference.observation import to_attentiveness


@dataclass(frozen=True, eq=False)
class AuditVotes:
    """The n audit votes.

    Attributes:
        agrees: (n,) +1 where the vote agrees with the pair's label, -1 where not. Ties are left out.
        propensity: (n,) probability with which the pair was drawn.
        annotator: (n,) who voted, an index into ``reliability``.
        reliability: (K,) of the annotators, above 1/2 for those who audit.
        error: (K,) standard errors of the reliabilities; 0 where they are known.
    """

    agrees: Signs
    propensity: Floats
    annotator: Ints
    reliability: Floats
    error: Floats

    def __post_init__(self) -> None:
        if ((self.propensity <= 0) | (self.propensity > 1)).any():
            raise BadInputError("a pair's probability of being audited", expected="above 0, at most 1")
        if (self.reliability[self.annotator] <= 0.5).any():
            raise BadInputError("an audit vote of somebody no better than chance", expected="reliability above 0.5")


@dataclass(frozen=True)
class AuditedAccuracy:
    """How often labels are right.

    Attributes:
        right: estimated share; by chance it can lie above 1.
        low, high: ends of the interval, within [0, 1].
        claimed: the posteriors' mean probability of being right.
        audits: audit votes that were used.
    """

    right: float
    low: float
    high: float
    claimed: float
    audits: int

    @property
    def over_claims(self) -> bool:
        """Whether the posteriors claim more than the audit votes allow."""
        return self.claimed > self.high


def audited_accuracy(votes: AuditVotes, claimed: float, *, level: float = LEVEL) -> AuditedAccuracy:
    """Estimate the share of finished pairs whose label is right; without any audit votes, nothing is known: (0, 1).

    Args:
        votes: the audit votes.
        claimed: the posteriors' mean probability of being right, over the pairs that could be drawn.
        level: probability with which the interval holds the share.
    """
    n = len(votes.agrees)
    if n == 0:
        return AuditedAccuracy(float("nan"), 0.0, 1.0, claimed, 0)
    weight = 1 / votes.propensity
    weight /= weight.sum()
    rho = to_attentiveness(votes.reliability[votes.annotator])
    each = votes.agrees / rho
    theta = float(weight @ each)
    # Variance at theta: a vote adds 1/rho^2 + theta^2 - 2 theta z, less a (1 + theta^2 - 2 theta z) as the pairs are finite.
    # z is theta plus a shift, because pairs that were drawn with low probability weigh more here and are more often right.
    base = float(weight**2 @ (1 / rho**2 - votes.propensity))
    unseen = weight**2 * (1 - votes.propensity)
    curve, shift = float(unseen.sum()), float(unseen @ (each - theta))
    slope = np.bincount(votes.annotator, weight * each / rho, minlength=len(votes.reliability))
    base += float(slope**2 @ (2 * votes.error) ** 2)
    z2 = float(ndtri((1 + level) / 2)) ** 2
    low, high = _score_interval(min(max(theta, -1.0), 1.0), base, curve, shift, z2)
    low, high = (min(max((1 + end) / 2, 0.0), 1.0) for end in (low, high))
    return AuditedAccuracy((1 + theta) / 2, low, high, claimed, n)


def _score_interval(theta: float, base: float, curve: float, shift: float, z2: float) -> tuple[float, float]:
    """The t with (theta - t)^2 <= z^2 (base - 2 shift t - curve t^2): a quadratic; without the shift where no t is."""
    middle = (theta - z2 * shift) / (1 + z2 * curve)
    reach = middle**2 - (theta**2 - z2 * base) / (1 + z2 * curve)
    if reach < 0:
        return (theta, theta) if shift == 0 else _score_interval(theta, base, curve, 0.0, z2)
    half = float(np.sqrt(reach))
    return middle - half, middle + half
