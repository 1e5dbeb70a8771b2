"""The highest log-posterior under shared errors, over reliabilities and r together (along r: ``group_profile``)."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from votewise.annotators.em_steps import LARGEST_TEMPERATURE, ReliabilityModel, next_log_temperature, prior_pull
from votewise.annotators.fit_settings import FitSettings, Progress
from votewise.arrays import Floats
from votewise.inference.em import EMOptions, EMRun, run_em
from votewise.inference.grouped_votes import GroupedVotes
from votewise.inference.member_information import member_information
from votewise.inference.observation import EDGE
from votewise.inference.shared_error import LARGEST_SHARE, expect_errors, expected_votes
from votewise.inference.shared_error_steps import log_posterior_slope, most_likely_log_odds

MANY_VOTES = 300
"""Votes in blocks per member from which r moves by less than 0.007 (1 - r) where reliabilities are integrated over."""

SAMPLE = 1000
"""Members of a group whose reliabilities are looked at for that, and stand for the others."""

LEAST_GAIN = 0.02
"""In nats: what gains less is over, where little depends on it; far less than the 1.92 that an interval is about."""

ENOUGH = 1e-8
"""The search ends where a step gains less than this share of the log-posterior."""


def em_step(votes: GroupedVotes, model: ReliabilityModel, x: Floats, r: Floats) -> tuple[Floats, float]:
    """One E-step and M-step at ``r`` (G,): the next point, and the log-posterior at ``x``."""
    log_odds, temperature = model.split(x)
    found = expect_errors(votes, log_odds, r, temperature)
    pull = prior_pull(model, log_odds)
    expected = expected_votes(votes, found)
    new = most_likely_log_odds(votes, log_odds, r, found.at_nodes, expected, (pull.right, pull.wrong))
    if model.temperature is None:
        moved = next_log_temperature(model.evidence.margin, expit(found.posterior), x[-1])
        new = np.append(new, moved)
    return new, found.log_likelihood + float(pull.log_density.sum())


def log_posterior(
    votes: GroupedVotes, model: ReliabilityModel, x: Floats, root: Floats
) -> tuple[float, Floats, Floats]:
    """The log-posterior at ``x`` and ``root`` (G,) = sqrt(r), and its slopes in both."""
    log_odds, temperature = model.split(x)
    found = expect_errors(votes, log_odds, root**2, temperature)
    pull = prior_pull(model, log_odds)
    expected = expected_votes(votes, found)
    slope, by_root = log_posterior_slope(votes, log_odds, root**2, found, expected, (pull.right, pull.wrong))
    if model.temperature is None:
        scaled = temperature * model.evidence.margin
        slope = np.append(slope, scaled @ (expit(found.posterior) - expit(scaled)))
    return found.log_likelihood + float(pull.log_density.sum()), slope, by_root


class GroupSearch:
    """Where the search is, and what it has cost. Mutable.

    Attributes:
        x: the reliabilities, as in ``votewise.annotators.em_steps``.
        steps: E-steps so far.
        each: (G,) votes in blocks per member of each group.
        few: codes of the groups whose members have so few votes that their reliabilities are integrated over for r. At the
            best reliabilities of each r the likelihood would be highest at far too large an r: 200 members with ten
            votes each had r = 0.97 where 0.5 was true [Neyman and Scott 1948; Cox and Reid 1987].
    """

    def __init__(
        self, votes: GroupedVotes, model: ReliabilityModel, settings: FitSettings, x: Floats, progress: Progress | None
    ) -> None:
        self.votes, self.model, self.settings, self.x, self.progress = votes, model, settings, x, progress
        self.steps = 0
        of_member = votes.group[votes.members]
        number = np.bincount(of_member, minlength=votes.groups)
        self.each = votes.shared_votes / np.maximum(number, 1)
        self.few = np.flatnonzero((votes.shared_votes > 0) & (self.each < MANY_VOTES))
        # Members of these groups, whose sum of logarithms stands for that of all.
        rng = np.random.default_rng(0)
        some = [rng.permutation(votes.members[of_member == g])[:SAMPLE] for g in self.few]
        self._sample = np.sort(np.concatenate([np.zeros(0, np.int64), *some]))
        of_sample = votes.group[self._sample]
        self._stands_for = number[of_sample] / np.bincount(of_sample, minlength=votes.groups)[of_sample]

    def _told(self, moved: float) -> None:
        self.steps += 1
        if self.progress is not None:
            self.progress("EM with groups", self.steps, moved)

    def em(self, r: Floats, tolerance: float, *, least_gain: float = 0.0, most: int | None = None) -> EMRun:
        """EM at ``r`` (G,) from where the search is; the search moves there."""
        options = EMOptions(
            tolerance=tolerance,
            max_iterations=most or self.settings.max_iterations,
            accelerate=self.settings.accelerate,
            least_gain=least_gain,
            on_iteration=lambda i, moved: self._told(moved),
        )
        run = run_em(
            lambda x: em_step(self.votes, self.model, x, r),
            self.x,
            options,
            distance=lambda x, y: float(np.abs(expit(x) - expit(y)).max()),
            project=self.model.project,
        )
        self.x = run.x
        return run

    def highest(self, r: Floats) -> Floats:
        """Climb in all reliabilities and in r of every group at once, from ``r`` (G,); the best r (G,).

        A quasi-Newton climb (L-BFGS-B): EM itself is slow in r, because most of what it calls missing is the shared error.
        """
        votes, model, k = self.votes, self.model, len(self.x)
        at = model.split(self.x)[0]
        pull = prior_pull(model, at)
        certain = expit(at) * expit(-at)
        information = (model.evidence.counts + pull.right + pull.wrong) * certain
        if model.temperature is None:
            margin = model.evidence.margin
            information = np.append(information, np.square(margin) @ (expit(margin) * expit(-margin)))
        scale = np.sqrt(np.maximum(np.concatenate([information, 0.5 * votes.shared_votes]), 1e-3))

        edge = np.full(k, np.log((1 - EDGE) / EDGE))
        if model.temperature is None:
            edge[-1] = np.log(LARGEST_TEMPERATURE)
        largest = np.where(votes.shared_votes > 0, np.sqrt(LARGEST_SHARE), 0.0)

        def point(y: Floats) -> tuple[Floats, Floats]:
            """The reliabilities, and sqrt(r) / sqrt(its largest value), which is the sine of an angle without bounds."""
            return np.clip(y[:k] / scale[:k], -edge, edge), np.sin(y[k:] / scale[k:])

        def downhill(y: Floats) -> tuple[float, Floats]:
            x, sine = point(y)
            value, slope, by_root = log_posterior(votes, model, x, np.abs(sine) * largest)
            self._told(0.0)
            by_angle = by_root * np.sign(sine) * np.cos(y[k:] / scale[k:]) * largest
            return -value, -np.concatenate([slope, by_angle]) / scale

        angle = np.arcsin(np.clip(np.sqrt(r / LARGEST_SHARE), 0.0, 1.0))
        start = np.concatenate([self.x, angle]) * scale
        first = [downhill(start)]
        value, slope = first[0]
        # The climb begins with a step of length 1: in units of the slope this is Newton's, as far as ``scale`` is right.
        unit = max(float(np.linalg.norm(slope)), 1.0)

        def in_units(y: Floats) -> tuple[float, Floats]:
            value, slope = first.pop() if first else downhill(y * unit)
            return value, slope * unit

        # Where r is looked for again with reliabilities integrated over, this is no more than the beginning.
        only_few = len(self.few) == np.count_nonzero(votes.shared_votes)
        enough = max(ENOUGH, LEAST_GAIN / abs(value)) if only_few else ENOUGH
        options = {"maxfun": self.settings.max_iterations, "ftol": enough, "gtol": 1e-3 * unit, "maxcor": 12}
        found = minimize(in_units, start / unit, jac=True, method="L-BFGS-B", options=options)
        self.x, sine = point(found.x * unit)
        return np.asarray((sine * largest) ** 2)

    def value(self, r: Floats) -> tuple[float, float]:
        """The log-posterior where the search is, at ``r`` (G,), and what integrating over the groups ``few`` adds to it."""
        log_odds, temperature = self.model.split(self.x)
        found = expect_errors(self.votes, log_odds, r, temperature)
        self._told(0.0)
        pull = prior_pull(self.model, log_odds)
        highest = found.log_likelihood + float(pull.log_density.sum())
        if not len(self.few):
            return highest, 0.0
        # Laplace's approximation, each reliability for itself.
        information = member_information(self.votes, log_odds, r, found, (pull.right, pull.wrong), self._sample)
        return highest, -0.5 * float(self._stands_for @ np.log(information))
