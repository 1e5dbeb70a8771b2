"""Does the model describe these votes? Three tests by parametric bootstrap, and what each could have seen.

Votes are drawn from the fit, the model is fitted to them as it was to the votes, and each statistic of
``votewise.inference.fit_statistics`` is computed again. The p value is the rank of the votes' own statistic among those of
the draws, (1 + number at least as large) / (1 + draws) [Davison and Hinkley 1997].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.special import bdtrc, erfc

from votewise.annotators.fit_replicas import Draws, Replicas
from votewise.annotators.fitted import Fit
from votewise.annotators.judgements import judgements_of
from votewise.arrays import Floats
from votewise.data.votes import Votes
from votewise.inference.fit_statistics import FitStatistics

ORDER = ("copying", "difficulty", "side")
"""In the order in which they are to be read: copying also makes pairs look as if they differed in difficulty."""

STATISTICS = {"copying": 2, "difficulty": 1, "side": 2}
"""Numbers of statistics per test: couples and groups; pairs; annotators and all of them together."""

FALSE_ALARMS = 0.05
"""Probability that any of the tests warns although the model is right (Holm's correction)."""

DRAWS, ALTERNATIVE_DRAWS = 199, 40
"""Data sets drawn from the fit, and data sets drawn from each alternative to measure what a test could have seen."""

FEWEST_VOTES = 200
"""Votes on shared pairs below which nothing is tested, because nothing would be seen."""

MOST_NAMED = 3
"""Annotators, or couples of them, who are named as those most concerned."""


@dataclass(frozen=True)
class FitTest:
    """One test of fit.

    Attributes:
        name: ``copying``, ``difficulty`` or ``side``.
        p_value: probability of such a statistic, or a larger one, if the model is right.
        warns: whether it is significant after Holm's correction over all tests made.
        power: share of data sets drawn from the alternative in which p would be 0.05 at most; None if not measured.
        looked_at: how many pairs with four votes, couples who meet twice, or votes with a known position there are.
        concerned: up to three names, for copying couples joined by `` and ``, that stand out by themselves (Bonferroni),
            worst first; often none, where many share a little.
    """

    name: str
    p_value: float
    warns: bool
    power: float | None
    looked_at: int
    concerned: tuple[str, ...] = ()


@dataclass(frozen=True)
class FitTests:
    """Tests of fit in the order in which they are to be read.

    Attributes:
        tests: the tests that were made.
        votes: how many votes they looked at.
        draws: how many data sets were drawn from the fit.
        untested: why nothing was tested; empty where something was.
    """

    tests: tuple[FitTest, ...] = field(default=())
    votes: int = 0
    draws: int = 0
    untested: str = ""


def run_fit_tests(
    votes: Votes,
    fit: Fit,
    *,
    draws: int = DRAWS,
    alternative_draws: int = ALTERNATIVE_DRAWS,
    seed: int = 0,
    progress: Callable[[str, int, float], None] | None = None,
) -> FitTests:
    """Test the fit for copying, for difficulty of pairs and for a preference for one side.

    Nothing is tested where votes share no truth or come from judgements of several votes, which err together, or
    where fewer than ``FEWEST_VOTES`` votes are on shared pairs. A test without anything to look at is left out. Of more than
    20,000 votes some pairs are drawn.

    Args:
        votes: the votes.
        fit: the fit to them.
        draws: data sets to draw from the fit.
        alternative_draws: data sets to draw from each alternative; 0 measures no power.
        seed: seed of all draws.
        progress: called after every fit with (what is done, fits so far, 0).
    """
    evidence = fit.model.evidence
    if not fit.settings.shared_pairs:
        return FitTests(untested="votes were judged by margins alone")
    if judgements_of(evidence) is not None:
        return FitTests(untested="several votes come from one judgement, such as a ranking, and err together")
    on_pair = np.bincount(evidence.pair, minlength=len(evidence.margin))
    if on_pair[on_pair > 1].sum() < FEWEST_VOTES:
        return FitTests(untested=f"fewer than {FEWEST_VOTES} votes are on pairs that several annotators judged")
    rng = np.random.default_rng(seed)
    replicas = Replicas.of(fit, _sides(votes, fit), rng)
    examined = _Examined(replicas)
    if not examined.names:
        return FitTests(untested="no two annotators judged two pairs together and no pair has four votes")
    counter = _FitCount(progress)
    draw = Draws(replicas, rng)
    own = examined.values(replicas.sign, replicas.fit)
    null = np.array([counter(examined.of_draw(draw.under_model())) for _ in range(draws)])
    power: dict[str, float | None] = dict.fromkeys(examined.names)
    if alternative_draws:
        alternatives = {"copying": draw.with_copiers, "difficulty": draw.of_unequal_difficulty, "side": draw.by_side}
        for i, name in enumerate(examined.names):
            seen = np.array([counter(examined.of_draw(alternatives[name]())) for _ in range(alternative_draws)])
            reached = [examined.p_values(value, null)[i] <= FALSE_ALARMS for value in seen]
            power[name] = float(np.mean(reached))
    p_values = examined.p_values(own, null)
    warns = _holm(p_values)
    concerned = examined.concerned(votes, replicas)
    tests = (
        FitTest(name, float(p), bool(w), power[name], examined.looked_at[name], concerned.get(name, ()))
        for name, p, w in zip(examined.names, p_values, warns, strict=True)
    )
    return FitTests(tuple(tests), len(replicas.sign), draws)


def _sides(votes: Votes, fit: Fit) -> Floats | None:
    """(n,) +1 where response_a was shown first, -1 where response_b was, of the votes that are not ties."""
    if votes.swapped is None:
        return None
    side = np.where(votes.swapped, -1.0, 1.0)
    decided = fit.model.evidence.decided
    return side if decided is None else side[decided]


class _FitCount:
    """Tells ``progress`` how many fits have been made."""

    def __init__(self, progress: Callable[[str, int, float], None] | None) -> None:
        self._progress, self._done = progress, 0

    def __call__(self, value: Floats) -> Floats:
        self._done += 1
        if self._progress is not None:
            self._progress("Testing the fit", self._done, 0.0)
        return value


class _Examined:
    """The statistics that there is something to look at for, and their values for any votes in the same places."""

    def __init__(self, replicas: Replicas) -> None:
        self._replicas, evidence = replicas, replicas.evidence
        self._statistics = FitStatistics.of(
            evidence.pair, evidence.annotator, len(evidence.margin), len(evidence.counts), replicas.side
        )
        self.looked_at = {
            "copying": len(self._statistics.meetings.times),
            "difficulty": int(self._statistics.with_four.sum()),
            "side": 0 if replicas.side is None else len(replicas.side),
        }
        self.names = [name for name in ORDER if self.looked_at[name]]

    def of_draw(self, sign: Floats) -> Floats:
        """The statistics of drawn votes (n,)."""
        return self.values(sign, self._replicas.refit(sign))

    def values(self, sign: Floats, fit: Fit) -> Floats:
        """The statistics of votes (n,) and the fit to them: two numbers per test, one for difficulty."""
        posterior = fit.beliefs().posterior
        found: list[float] = []
        if "copying" in self.names:
            found += self._statistics.copying(sign, np.tanh(fit.log_odds / 2))
        if "difficulty" in self.names:
            found.append(self._statistics.difficulty(sign, fit.log_odds, posterior))
        if "side" in self.names:
            left, squares = self._left_by_side(sign, fit, posterior)
            found += [float((left**2 - squares).sum()), abs(float(left.sum()))]
        return np.array(found)

    def p_values(self, own: Floats, null: Floats) -> Floats:
        """One p value per test: ranks of ``own`` (S,) among the statistics of draws ``null`` (B, S)."""
        every = np.vstack([own, null])
        # In standard deviations of all data sets; of two statistics of one test, whichever stands out more.
        spread = every.std(axis=0)
        every = (every - every.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        columns, at = [], 0
        for name in self.names:
            number = STATISTICS[name]
            columns.append(every[:, at : at + number].max(axis=1))
            at += number
        each = np.column_stack(columns)
        # A difference of rounding is none.
        return np.asarray((each >= each[0] - 1e-9).mean(axis=0))

    def concerned(self, votes: Votes, replicas: Replicas) -> dict[str, tuple[str, ...]]:
        """Who stands out most, by name: couples for copying, annotators for the side."""
        names, found = votes.annotator_ids.take(replicas.annotators).to_pylist(), {}
        if "copying" in self.names:
            at = self._statistics.meetings
            rho = self._statistics.robust_rho(replicas.sign)
            at_random = (1 + rho[at.first] * rho[at.second]) / 2
            times = at.times.astype(int)
            alike = np.round((self._statistics.together(replicas.sign) + times) / 2)
            # As many agreements or more, of annotators who are right independently.
            chance = np.where(alike > 0, bdtrc(np.maximum(alike - 1, 0), times, at_random), 1.0)
            couples = ((str(names[at.first[i]]), str(names[at.second[i]])) for i in _standing_out(chance))
            found["copying"] = tuple(" and ".join(sorted(couple)) for couple in couples)
        if "side" in self.names:
            left, squares = self._left_by_side(replicas.sign, replicas.fit, replicas.fit.beliefs().posterior)
            chance = erfc(np.abs(left) / np.sqrt(np.maximum(2 * squares, 1e-9)))
            found["side"] = tuple(str(names[i]) for i in _standing_out(chance))
        return found

    def _left_by_side(self, sign: Floats, fit: Fit, posterior: Floats) -> tuple[Floats, Floats]:
        by_others = fit.by_others(posterior)
        expected = np.tanh(fit.log_odds / 2)[self._statistics.annotator] * sign * np.tanh(by_others / 2)
        return self._statistics.sides(sign, expected)


def _standing_out(chance: Floats) -> list[int]:
    """Places of the smallest of the probabilities that are small even for the smallest of so many, smallest first."""
    order = np.argsort(chance, kind="stable")[:MOST_NAMED]
    return [int(i) for i in order if chance[i] * len(chance) <= FALSE_ALARMS]


def _holm(p_values: Floats) -> list[bool]:
    """Which are significant at ``FALSE_ALARMS`` over all together (Holm's step-down procedure)."""
    order, significant = np.argsort(p_values, kind="stable"), [False] * len(p_values)
    for step, i in enumerate(order):
        if p_values[i] > FALSE_ALARMS / (len(p_values) - step):
            break
        significant[int(i)] = True
    return significant
