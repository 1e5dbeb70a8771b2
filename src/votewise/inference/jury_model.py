"""How several judges err together, and what their votes are worth: the mathematics of a jury.

Judge j is right with probability eta_j. What all judges share on a pair (its traps) is c ~ N(0, 1), what one family of
models shares is c_g ~ N(0, 1), and

    P(j right | c, c_g) = Phi((Phi^-1(eta_j) + sqrt(r) c + sqrt(s - r) c_g) / sqrt(1 - s)),

so that two judges' hidden scores correlate with s within a family and with r across families. It is the model of annotators
who err together of docs/method.md, with one level more. Errors are symmetric: P(votes | b better) = P(-votes | a better).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import comb, ndtr, ndtri

from votewise.arrays import Floats, Ints, Signs

NODES = 19
"""Of Gauss and Hermite's rule, for each of the two shared causes."""
MOST_CORRELATED = 0.9
"""The rule with so many nodes is not exact beyond."""
EXACT = 12
"""Judges up to which all patterns of votes are looked at; more are drawn."""
DRAWN = 8_192
SURE = 1e-4
"""No judge is taken to be right or wrong more certainly than this."""


@lru_cache
def normal_nodes(number: int = NODES) -> tuple[Floats, Floats]:
    """Places and weights of the rule that integrates over a standard normal variable."""
    place, weight = np.polynomial.hermite_e.hermegauss(number)
    return place, weight / weight.sum()


@dataclass(frozen=True, eq=False)
class JuryModel:
    """J judges who err together.

    Attributes:
        reliability: (J,) probability that each is right, eta.
        family: (J,) code of each judge's family, 0 to G - 1.
        across: r, correlation of the hidden scores of judges of different families.
        within: s >= r, the same within a family.
    """

    reliability: Floats
    family: Ints
    across: float = 0.0
    within: float = 0.0

    def only(self, judges: npt.NDArray[np.integer] | list[int]) -> JuryModel:
        """A part of the jury."""
        return JuryModel(self.reliability[judges], self.family[judges], self.across, self.within)

    def log_likelihood(self, votes: Signs) -> Floats:
        """(P,) log P(votes | response_a is better); ``votes`` (P, J) are +1, -1, or 0 where a judge says nothing."""
        place, weight = normal_nodes()
        r, s = min(self.across, MOST_CORRELATED), min(max(self.within, self.across), MOST_CORRELATED)
        score = ndtri(np.clip(self.reliability, SURE, 1 - SURE))
        families, size = np.unique(self.family, return_counts=True)
        # What a judge shares with its family alone matters only where another one of it votes.
        alone = np.isin(self.family, families[size == 1])
        right = ndtr((score[alone, None] + np.sqrt(r) * place) / np.sqrt(1 - r)).clip(1e-300, 1 - 1e-16)
        total = _log_of_votes(votes[:, alone], right)
        shared = np.sqrt(r) * place[:, None] + np.sqrt(s - r) * place[None, :]
        for family in families[size > 1]:
            own = self.family == family
            right = ndtr((score[own, None, None] + shared) / np.sqrt(1 - s)).clip(1e-300, 1 - 1e-16)
            # Few judges vote in few ways: each is looked at once.
            code = (votes[:, own] + 1) @ 3 ** np.arange(int(own.sum()))
            _, first, where = np.unique(code, return_index=True, return_inverse=True)
            log = _log_of_votes(votes[first][:, own], right.reshape(int(own.sum()), -1))
            total += _log_mean(log.reshape(len(first), len(place), len(place)), weight)[where]
        return _log_mean(total, weight)

    def log_odds(self, votes: Signs) -> Floats:
        """(P,) log-odds that response_a is better, given votes (P, J), where nothing else is known."""
        return np.asarray(self.log_likelihood(votes) - self.log_likelihood(-votes))

    def information(self) -> float:
        """Bits, 0 to 1, that the votes of all judges tell about which answer is better."""
        j = len(self.reliability)
        if j == 0:
            return 0.0
        if j <= EXACT:
            votes = patterns(j)
            a, b = np.exp(self.log_likelihood(votes)), np.exp(self.log_likelihood(-votes))
            with np.errstate(divide="ignore", invalid="ignore"):
                return float(np.nansum(a * np.log2(2 * a / (a + b))))
        votes = self.draw(DRAWN, np.random.default_rng(0))
        return float(np.mean(1 - np.log2(1 + np.exp(-self.log_odds(votes)))))

    def draw(self, pairs: int, rng: np.random.Generator) -> Signs:
        """(pairs, J) votes on pairs whose response_a is better."""
        r, s = self.across, max(self.within, self.across)
        groups = int(self.family.max()) + 1
        shared = (
            np.sqrt(r) * rng.normal(size=(pairs, 1)) + np.sqrt(s - r) * rng.normal(size=(pairs, groups))[:, self.family]
        )
        hidden = ndtri(self.reliability) + shared + np.sqrt(1 - s) * rng.normal(size=(pairs, len(self.reliability)))
        return np.where(hidden > 0, 1, -1).astype(np.int8)


def patterns(judges: int) -> Signs:
    """(2^J, J) all ways in which J judges can vote."""
    bits = (np.arange(2**judges)[:, None] >> np.arange(judges)) & 1
    return (2 * bits - 1).astype(np.int8)


def _log_of_votes(votes: Signs, right: Floats) -> Floats:
    """(P, Q) log-probability of votes (P, J) at each node, where (J, Q) judges are right with these probabilities."""
    up, down = (votes > 0).astype(np.float64), (votes < 0).astype(np.float64)
    return np.asarray(up @ np.log(right) + down @ np.log1p(-right))


def _log_mean(log: Floats, weight: Floats) -> Floats:
    """Log of the weighted mean of exp over the last axis."""
    most = log.max(axis=-1, keepdims=True)
    return np.asarray(np.log(np.exp(log - most) @ weight) + most[..., 0])


def fit_jury(right: Floats, family: Ints) -> JuryModel:
    """The jury of judges whose errors are known, by moments.

    Args:
        right: (N, J) 1 where a judge was right, 0 where wrong, NaN where it said nothing.
        family: (J,) codes of families.

    Each reliability is the judge's share of right verdicts, moved towards the mean of all judges (``towards_mean``): judges
    who err together are told apart by small differences, and taken as they are on few pairs, these make the jury too sure. r
    and s are those that make the mean covariance of errors across and within families what it is. Where there are no two
    judges of one family, s is r, and the other way about.
    """
    known = np.isfinite(right)
    number = known.sum(axis=0)
    mean = np.where(known, right, 0).sum(axis=0) / np.maximum(number, 1)
    least = 1 / (2 * np.maximum(number, 1))
    reliability = np.clip(np.where(number > 0, mean, 0.5), least, 1 - least)
    covariance, together = error_covariance(right)
    reliability = towards_mean(reliability, covariance, together, number)
    same = family[:, None] == family[None, :]
    upper = np.triu(np.ones_like(same), 1).astype(bool) & (together > 1)
    found = [_correlation(reliability, covariance, together, upper & which) for which in (~same, same)]
    across = next((value for value in found if value is not None), 0.0)
    within = found[1] if found[1] is not None else across
    return JuryModel(reliability, family, across, max(within, across))


def towards_mean(
    reliability: Floats, covariance: Floats, together: npt.NDArray[np.int64], number: npt.NDArray[np.int64]
) -> Floats:
    """(J,) reliabilities, their differences shrunk by the share of their variance that is chance.

    With S the variance of the judges' shares of right verdicts, and v what chance alone would make of it if all judges were
    alike, differences keep the share 1 - v / S, or nothing [James and Stein 1961; moments as in DerSimonian and Laird 1986].

    Args:
        reliability: (J,) share of right verdicts.
        covariance: (J, J) covariance of judges' being right.
        together: (J, J) pairs on which both judges spoke.
        number: (J,) pairs on which each judge spoke.
    """
    spoke = np.flatnonzero(number > 0)
    j = len(spoke)
    if j < 2:
        return reliability
    own, n = reliability[spoke], number[spoke].astype(np.float64)
    of_shares = (covariance * together)[np.ix_(spoke, spoke)] / np.outer(n, n)
    alone = float(np.trace(of_shares))
    chance = alone / j - (float(of_shares.sum()) - alone) / (j * (j - 1))
    spread = float(own.var(ddof=1))
    kept = max(0.0, 1 - max(chance, 0.0) / spread) if spread > 0 else 0.0
    found = reliability.copy()
    found[spoke] = own.mean() + kept * (own - own.mean())
    return found


def error_covariance(right: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """(J, J) covariance of judges' being right, each over the pairs on which both spoke, and how many those are."""
    known = np.isfinite(right)
    value, there = np.where(known, right, 0.0), known.astype(np.float64)
    together = there.T @ there
    count = np.maximum(together, 1)
    own = value.T @ there / count  # mean of the row's judge where both spoke
    return value.T @ value / count - own * own.T, together.astype(np.int64)


def mean_error_correlation(right: Floats) -> float:
    """phi, the mean correlation of two judges' errors, each pair of judges counting by the pairs that both judged.

    NaN where no two judges both erred somewhere and were right somewhere.
    """
    covariance, together = error_covariance(right)
    spread = np.sqrt(np.diag(covariance).clip(0))
    scale = spread[:, None] * spread[None, :]
    use = np.triu(np.ones_like(together), 1).astype(bool) & (together > 1) & (scale > 0)
    if not use.any():
        return float("nan")
    return float(np.average(covariance[use] / scale[use], weights=together[use]))


def _correlation(
    reliability: Floats, covariance: Floats, weight: npt.NDArray[np.int64], use: npt.NDArray[np.bool_]
) -> float | None:
    """The correlation of hidden scores that gives errors this mean covariance; None without any two judges."""
    if not use.any():
        return None
    j, k = np.nonzero(use)
    wanted = float(np.average(covariance[j, k], weights=weight[j, k]))
    place, node = normal_nodes(41)
    score = ndtri(reliability)

    def implied(r: float) -> float:
        p = ndtr((score[:, None] + np.sqrt(r) * place) / np.sqrt(1 - r))
        both = (p[j] * p[k]) @ node - reliability[j] * reliability[k]
        return float(np.average(both, weights=weight[j, k]))

    low, high = 0.0, MOST_CORRELATED
    if wanted <= 0:
        return 0.0
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if implied(middle) < wanted else (low, middle)
    return (low + high) / 2


def kish_judges(judges: int, correlation: float) -> float:
    """Kish's effective number: J / (1 + (J - 1) phi), the number whose mean has the variance of the jury's mean."""
    return judges / max(1 + (judges - 1) * correlation, 1 / judges)


def independent_information(judges: int, reliability: float) -> float:
    """Bits that so many independent judges of one reliability tell."""
    number = np.arange(judges + 1)
    a = comb(judges, number) * reliability**number * (1 - reliability) ** (judges - number)
    b = a[::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.nansum(a * np.log2(2 * a / (a + b))))


def worth_in_judges(model: JuryModel) -> float:
    """How many independent judges tell as much as this jury does.

    The independent judges have the one reliability with which J of them would tell what this jury would tell if its judges
    were independent. So a jury without shared errors is worth J, and one whose judges all say the same is worth 1.
    Between whole numbers it is interpolated.
    """
    j = len(model.reliability)
    told = model.information()
    alone = JuryModel(model.reliability, np.arange(j, dtype=np.int32)).information()
    reliability = _reliability_for(j, alone)
    levels = np.array([independent_information(n, reliability) for n in range(j + 1)])
    if levels[-1] <= 0:
        return float(j)
    # Two judges of one reliability tell more than one, so the levels rise.
    return float(np.interp(told, levels, np.arange(j + 1)))


def _reliability_for(judges: int, information: float) -> float:
    low, high = 0.5, 1 - SURE
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if independent_information(judges, middle) < information else (low, middle)
    return (low + high) / 2


def cheapest_part(model: JuryModel, cost: Floats, share: float = 0.95) -> list[int]:
    """The judges that together cost least and tell at least this share of what the jury tells.

    Up to ten judges all parts are tried; of more, the judge that matters least for its cost is left out again and again.
    Of parts that cost the same, the one that tells more.
    """
    j = len(model.reliability)
    wanted = share * model.information()
    if j <= 10:
        parts = [np.flatnonzero((code >> np.arange(j)) & 1) for code in range(1, 2**j)]
        parts.sort(key=lambda part: float(cost[part].sum()))
        best: tuple[float, float, list[int]] | None = None
        for part in parts:
            price = float(cost[part].sum())
            if best is not None and price > best[0] + 1e-12:
                break
            told = model.only(part).information()
            if told >= wanted - 1e-12 and (best is None or told > best[1]):
                best = (price, told, part.tolist())
        return best[2] if best else list(range(j))
    kept = list(range(j))
    while len(kept) > 1:
        rest = [[k for k in kept if k != out] for out in kept]
        all_told = [model.only(part).information() for part in rest]
        fit = [i for i in range(len(rest)) if all_told[i] >= wanted]
        if not fit:
            break
        kept = rest[max(fit, key=lambda i: (cost[kept[i]], all_told[i]))]
    return kept


def votes_to_settle(log_odds: Floats, reliability: float, sure: float) -> Floats:
    """(P,) expected number of independent votes until a pair is settled, asking one after the other.

    A pair is settled when one answer has probability ``sure``. Each vote moves the log-odds by logit(reliability), up or
    down; how long that takes is the gambler's ruin with whole steps, averaged over which answer is better.

    Args:
        log_odds: (P,) that response_a is better, before these votes.
        reliability: of those who will be asked, above 1/2.
        sure: probability above 1/2 from which a pair counts as settled.
    """
    step, edge = np.log(reliability / (1 - reliability)), np.log(sure / (1 - sure))
    open_ = np.abs(log_odds) < edge
    up = np.ceil((edge - log_odds) / step - 1e-9).clip(1)
    down = np.ceil((edge + log_odds) / step - 1e-9).clip(1)
    p = 1 / (1 + np.exp(-log_odds))
    expected = p * _ruin(down, up, reliability) + (1 - p) * _ruin(up, down, reliability)
    return np.where(open_, expected, 0.0)


def _ruin(behind: Floats, ahead: Floats, right: float) -> Floats:
    """Expected steps until ``ahead`` steps forward or ``behind`` back, each forward with probability ``right`` > 1/2."""
    ratio = (1 - right) / right
    reach = (1 - ratio**behind) / (1 - ratio ** (behind + ahead))
    return np.asarray(((ahead + behind) * reach - behind) / (2 * right - 1))
