"""Belief propagation between annotators and pairs whose evidence differs in strength.

Pair i has a signed strength z_i, positive where response_a is truly better, and annotator k a skill a_k = logit(eta_k):

    P(vote = + | i, k) = sigmoid(a_k z_i)                                            [method: difficulty]

so that eta_k is the annotator's reliability on a pair of strength 1. A vote passes two messages. To its annotator: how
likely the vote is at each skill, the pair's strength judged by the other votes. To its pair: how likely the vote is at
each strength, the annotator's skill judged by the other votes. So no vote judges itself. Where votes form a tree the
beliefs are exact, elsewhere they are the usual approximation [Pearl 1988; Yedidia et al. 2005].

Skills lie on a grid. The posterior of an annotator with many votes is narrower than its cells; there the nodes are a
window around it that moves along. Memory is linear in votes: one number per vote and size of strength.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.special import expit, logit, ndtri

from votewise.arrays import Floats, Ints
from votewise.inference.observation import EDGE, Evidence
from votewise.inference.priors import Beta, Grid

NODES = 48
"""Nodes of the grid of skills."""

MANY = 500
"""Votes from which an annotator's posterior is too narrow for that grid: its standard deviation is 2/3 of a cell."""

WINDOW, REACH = 16, 6.0
"""Nodes of a window, and how many standard deviations it reaches to either side."""

SMALLEST = 1e-30
"""Masses of pairs below this, beside 1 of the likeliest node, count as this."""

AT_ONCE = 1 << 14
"""About how many votes, or pairs, a chunk holds: what is computed of it at once stays in the cache."""

SURE = 1e-6
"""How sure a vote can be at most: fp32 has no more digits."""


@dataclass(frozen=True, eq=False)
class Strengths:
    """Nodes of the strengths of M pairs, in two halves.

    Attributes:
        size: (D,) positive sizes: the nodes are ``size`` and ``-size``.
        above, below: log prior mass at ``size`` and at ``-size``; (M, D), or (D,) for one prior for all. Up to a constant.
    """

    size: Floats
    above: npt.NDArray[np.floating[Any]]
    below: npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class PairPosteriors:
    """Posterior masses of M pairs: ``above`` and ``below``, (M, D), at the sizes and at their negatives."""

    above: Floats
    below: Floats


class VoteMessages:
    """The state of belief propagation: what each vote says to its pair.

    Votes are kept in the order of their annotators. The masses of M pairs are stacked, those of positive strengths above
    those of negative ones, (2M, D): a vote for response_a is right in its pair's upper row, a vote for response_b in its
    lower row.

    Attributes:
        evidence: the n votes, without ties. Their weights are not used (``votewise.inference.weighted_messages`` does).
        strengths: nodes and prior of the pairs' strengths.
        prior: of reliabilities; None for a uniform one.
        likelihood: (K, NODES) log-likelihood of each annotator's votes at the grid, up to a constant each.
    """

    def __init__(self, evidence: Evidence, strengths: Strengths, prior: Beta | None, start: Floats) -> None:
        """Begin with every annotator at the reliability of the logits ``start`` (K,)."""
        self.evidence, self.strengths, self.prior = evidence, strengths, prior
        self._p_a: Floats | None = None
        self.grid = Grid.of_size(NODES)
        pairs, annotators, n = len(evidence.margin), len(evidence.counts), len(evidence.sign)
        self._order = np.argsort(evidence.annotator, kind="stable")
        self._annotator: Ints = evidence.annotator[self._order]
        pair, for_a = evidence.pair[self._order], evidence.sign[self._order] > 0
        self._if_right, self._if_wrong = pair + pairs * ~for_a, pair + pairs * for_a
        to_rows = np.concatenate([self._if_right, self._if_wrong]), np.arange(2 * n)
        self._to_pairs = csr_matrix((np.ones(2 * n, np.float32), to_rows), shape=(2 * pairs, 2 * n))
        number = evidence.counts
        self._first = np.concatenate([[0], np.cumsum(np.bincount(self._annotator, minlength=annotators))])
        self._many = np.flatnonzero(number > MANY)
        self._centre = np.arcsin(np.sqrt(expit(start))) * 2 / np.pi  # in the grid's coordinate u
        self._spread = 1 / (np.pi * np.sqrt(np.maximum(number, 1)))
        self._mass = np.tile(np.exp(self.grid.log_mass(prior)), (annotators, 1))
        self._windows: dict[int, tuple[Floats, Floats]] = {}
        self.likelihood = np.zeros((annotators, NODES))
        self._some = self._chunks()
        self._begin(start)
        self._gather()

    def _begin(self, start: Floats) -> None:
        """What votes say before any message."""
        skill = start[self._annotator].astype(np.float32)
        self._right = expit(skill[:, None] * self.strengths.size.astype(np.float32))
        # Arrays of this size are kept: a new one costs as much as what is computed in it.
        self._logs: npt.NDArray[np.floating[Any]] = np.empty((2, *self._right.shape), np.float32)
        self._wide = np.empty((max((votes.stop - votes.start for votes in self._some), default=0), NODES), np.float32)
        self._pairs: npt.NDArray[np.floating[Any]] = np.empty(
            (2 * len(self.evidence.margin), self._right.shape[1]), np.float32
        )

    def use(self, strengths: Strengths) -> None:
        """Continue from the same messages with another prior of strengths, or as many other nodes."""
        self.strengths = strengths
        self._add_prior()

    @property
    def pairs(self) -> PairPosteriors:
        """Posteriors of the pairs."""
        return PairPosteriors(*np.split(self._pairs / self._total, 2))

    def moments(self) -> tuple[Floats, Floats]:
        """(M,) means of the pairs' strengths and of their squares."""
        size, half = self.strengths.size, len(self._pairs) // 2
        mean, square = np.empty(half), np.empty(half)
        for some in _parts(half):
            above, below = (
                self._pairs[first : first + len(mean[some])] / self._total[some]
                for first in (some.start, half + some.start)
            )
            mean[some], square[some] = (above - below) @ size, (above + below) @ size**2
        return mean, square

    @property
    def p_a(self) -> Floats:
        """(M,) probability that response_a of each pair is truly better."""
        if self._p_a is None:
            self._p_a = np.asarray(expit(self.log_odds))
        return self._p_a

    @property
    def log_odds(self) -> Floats:
        """(M,) log-odds that response_a of each pair is truly better."""
        above, below = np.split(np.log(np.maximum(self._each, SMALLEST)), 2)
        return np.asarray(above - below)

    def mean(self, of: Callable[[Floats], Floats]) -> Floats:
        """(K,) posterior mean of a function of each reliability (on a pair of strength 1)."""
        mean = self._mass @ of(self.grid.x)
        for k, (u, mass) in self._windows.items():
            mean[k] = mass @ of(reliability_at(u))
        return np.asarray(mean)

    def quantiles(self, at: tuple[float, ...]) -> Floats:
        """(len(at), K) quantiles of each reliability's posterior."""
        found = _quantiles(self._mass, self.grid.edges, at)
        for k, (u, mass) in self._windows.items():
            half = (u[1] - u[0]) / 2
            found[:, k] = _quantiles(mass[None], np.append(u - half, u[-1] + half), at)[:, 0]
        return reliability_at(found)

    def sweep(self) -> float:
        """Pass all messages once; the root mean square change of the pairs' probabilities."""
        before = self.p_a
        log_prior = self.grid.log_mass(self.prior)
        self._mass[self._first[1:] == self._first[:-1]] = np.exp(log_prior)  # those without votes
        chance = self._chance(self.grid.x)
        for votes in self._some:
            self._pass_on(votes, log_prior, chance)
        for k in self._many:
            self._pass_on_window(int(k))
        self._gather()
        return float(np.sqrt(np.mean((self.p_a - before) ** 2)))

    def predict(self, pair: Ints, annotator: Ints) -> Floats:
        """(m,) probability that further votes on these pairs by these annotators would be for response_a."""
        chance = self._mass @ self._chance(self.grid.x)
        for k, (u, mass) in self._windows.items():
            chance[k] = mass @ self._chance(reliability_at(u))
        pairs, right = self.pairs, chance[annotator]
        return np.asarray((pairs.above[pair] * right + pairs.below[pair] * (1 - right)).sum(axis=1))

    def by_others(self) -> Floats:
        """(n,) probability that each vote's response is truly the better one, by everything except the vote itself."""
        right, wrong = self._without_own(slice(None))
        return self._in_given_order(right.sum(axis=1) / (right + wrong).sum(axis=1))

    def predicted(self) -> Floats:
        """(n,) probability of each vote being as it is, predicted from everything except the vote itself."""
        right, wrong = self._without_own(slice(None))
        so = (right * self._right + wrong * (1 - self._right)).sum(axis=1)
        return self._in_given_order(so / (right + wrong).sum(axis=1))

    def _in_given_order(self, values: npt.NDArray[np.floating[Any]]) -> Floats:
        found = np.empty(len(values))
        found[self._order] = values
        return found

    def _chance(self, reliability: Floats) -> Floats:
        """(A, D) chance of a right vote at each reliability and size of strength."""
        return np.asarray(expit(np.outer(logit(reliability), self.strengths.size)))

    def _gather(self) -> None:
        """Add up what the votes say to their pairs."""
        np.clip(self._right, SURE, 1 - SURE, out=self._right)
        if_right, if_wrong = self._logs
        np.log(self._right, out=if_right)
        np.log(np.subtract(1, self._right, out=if_wrong), out=if_wrong)
        self._said = self._to_pairs @ self._logs.reshape(-1, self._right.shape[1])
        self._add_prior()

    def _add_prior(self) -> None:
        """Posteriors of the pairs, from what the votes say and from the prior."""
        self._p_a = None
        said = self._said
        half = len(said) // 2
        prior_above, prior_below = self.strengths.above, self.strengths.below
        for some in _parts(half):
            above, below = self._pairs[some], self._pairs[half + some.start : half + some.stop]
            each = some if prior_above.ndim == 2 else slice(None)
            # What votes say has the digits of fp32 already.
            np.add(said[some], prior_above[each], out=above, casting="same_kind")
            np.add(said[half + some.start : half + some.stop], prior_below[each], out=below, casting="same_kind")
            top = _largest(np.maximum(above, below))
            for log in (above, below):
                log -= top
                np.exp(log, out=log)
        self._each = (self._pairs @ np.ones(said.shape[1], np.float32)).astype(np.float64)
        total = self._each[:half] + self._each[half:]
        self._total = np.concatenate([total, total])[:, None]

    def _without_own(self, votes: slice) -> tuple[npt.NDArray[np.floating[Any]], npt.NDArray[np.floating[Any]]]:
        """Mass of the strengths at which each vote is right and wrong, by all but the vote; (m, D) each, not normalised."""
        own = self._right[votes]
        right, wrong = (self._pairs.take(row[votes], axis=0) for row in (self._if_right, self._if_wrong))
        right /= own
        wrong /= 1 - own
        return right, wrong

    def _chances(self, votes: slice, chance: Floats) -> npt.NDArray[np.float32]:
        """(m, A) probability of each vote at each skill, up to a factor per vote."""
        right, wrong = self._without_own(votes)
        if_right = np.clip(chance, SURE, 1 - SURE).T.astype(np.float32)
        return np.asarray(right @ if_right + wrong @ (1 - if_right), np.float32)

    def _pass_on(self, votes: slice, log_prior: Floats, chance: Floats) -> None:
        """Messages of some annotators' votes to these, and what the votes then say to their pairs."""
        annotator = self._annotator[votes]
        chances = self._chances(votes, chance)
        new = np.diff(annotator, prepend=-1) != 0
        who, row = annotator[new], np.cumsum(new) - 1
        m = len(row)
        of_whom = csr_matrix(
            (np.ones(m, np.float32), np.arange(m), np.append(np.flatnonzero(new), m)), shape=(len(who), m)
        )
        likelihood = of_whom @ np.log(chances, out=self._wide[:m])
        self.likelihood[who] = likelihood
        posterior = log_prior + likelihood
        posterior = np.exp(posterior - posterior.max(axis=1, keepdims=True))
        self._mass[who] = posterior / posterior.sum(axis=1, keepdims=True)
        mass = np.take(posterior.astype(np.float32), row, axis=0, out=self._wide[:m], mode="clip")
        self._right[votes] = _mean_chance(np.divide(mass, chances, out=mass), chance)

    def _pass_on_window(self, k: int) -> None:
        """The same for one annotator with many votes."""
        votes, u, x = self._window(k)
        chance = self._chance(x)
        chances = self._chances(votes, chance)
        log = self._log_prior_in_window(u, x) + np.log(chances).sum(axis=0, dtype=np.float64)
        posterior = np.exp(log - log.max())
        self._move_window(k, u, posterior / posterior.sum())
        self._right[votes] = _mean_chance(posterior.astype(np.float32) / chances, chance)

    def _window(self, k: int) -> tuple[slice, Floats, Floats]:
        """The votes of an annotator with many, and the nodes of the window around that one's reliability."""
        reach = REACH * self._spread[k]
        edges = np.linspace(max(self._centre[k] - reach, 0.0), min(self._centre[k] + reach, 1.0), WINDOW + 1)
        u = (edges[1:] + edges[:-1]) / 2
        return slice(int(self._first[k]), int(self._first[k + 1])), u, reliability_at(u)

    def _log_prior_in_window(self, u: Floats, x: Floats) -> Floats:
        """Log-density of the prior at nodes of a window, in the grid's coordinate."""
        return np.asarray(np.log(np.sin(np.pi * u)) + (0.0 if self.prior is None else self.prior.log_density(x)))

    def _move_window(self, k: int, u: Floats, mass: Floats) -> None:
        """Keep what is known of an annotator with many votes, and centre the window there."""
        self._windows[k] = u, mass
        self._centre[k] = mass @ u
        self._spread[k] = max(np.sqrt(mass @ (u - self._centre[k]) ** 2), u[1] - u[0])
        # On the common grid such a posterior is a point between two nodes.
        cells_off = np.abs(self.grid.edges[:-1] + 0.5 / NODES - self._centre[k]) * NODES
        self.likelihood[k] = np.log(np.maximum(1 - cells_off, 1e-30))

    def _chunks(self, at_once: int = AT_ONCE) -> list[slice]:
        """Votes of whole annotators, none of whom has many."""
        found: list[slice] = []
        few = np.diff(self._first) > 0
        few[self._many] = False
        for k in np.flatnonzero(few):
            first, last = int(self._first[k]), int(self._first[k + 1])
            if found and found[-1].stop == first and last - found[-1].start <= at_once:
                found[-1] = slice(found[-1].start, last)
            else:
                found.append(slice(first, last))
        return found


def _parts(number: int) -> list[slice]:
    """``number`` rows in parts that stay in the cache."""
    return [slice(first, min(first + AT_ONCE, number)) for first in range(0, number, AT_ONCE)]


def _quantiles(mass: Floats, edges: Floats, at: tuple[float, ...]) -> Floats:
    """(len(at), K) quantiles of masses (K, A) in cells between ``edges`` (A + 1,).

    Within a cell the normal score of the distribution function is linear, which is exact for a normal distribution however
    few cells it has.
    """
    total = np.cumsum(mass, axis=1)
    below = np.pad(total / total[:, -1:], ((0, 0), (1, 0)))
    rows, found = np.arange(len(mass)), []
    for share in at:
        cell = np.clip((below <= share).sum(axis=1) - 1, 0, mass.shape[1] - 1)
        low, high = (ndtri(np.clip(below[rows, cell + side], 1e-9, 1 - 1e-9)) for side in (0, 1))
        part = np.clip((ndtri(share) - low) / np.maximum(high - low, 1e-12), 0, 1)
        found.append(edges[cell] + part * (edges[cell + 1] - edges[cell]))
    return np.stack(found)


def _largest(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(m, 1) the largest of each row: rows are short, so they are folded in half again and again."""
    while (number := values.shape[1]) > 1:
        values = np.maximum(values[:, : (number + 1) // 2], values[:, number // 2 :])
    return values


def _mean_chance(mass: npt.NDArray[np.float32], chance: Floats) -> npt.NDArray[np.float32]:
    """(m, D) mean of ``chance`` (A, D) under masses (m, A) that need not sum to one."""
    sums = mass @ np.hstack([chance, np.ones((len(chance), 1))]).astype(np.float32)
    return np.asarray(sums[:, :-1] / sums[:, -1:])


def reliability_at(u: Floats) -> Floats:
    """The reliability at a place of the grid's coordinate."""
    return np.asarray(np.clip(np.sin(np.pi / 2 * np.asarray(u)) ** 2, EDGE, 1 - EDGE))
