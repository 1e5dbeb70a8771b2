"""The highest log-posterior under shared errors: over reliabilities and r together, and along r for its interval."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, ndtri

from votewise.annotators.em_steps import LARGEST_TEMPERATURE, ReliabilityModel, next_log_temperature, prior_pull
from votewise.annotators.fit_settings import FitSettings, Progress
from votewise.arrays import Floats
from votewise.inference.em import EMOptions, EMRun, run_em
from votewise.inference.grouped_votes import GroupedVotes
from votewise.inference.member_information import member_information
from votewise.inference.observation import EDGE
from votewise.inference.shared_error import LARGEST_SHARE, expect_errors, expected_votes
from votewise.inference.shared_error_steps import log_posterior_slope, most_likely_log_odds

PROFILE_TOLERANCE, LEAST_GAIN = 2e-4, 0.02
"""EM at one r ends where nothing moves more, or where a round of steps gains less: far less than the 1.92 nats that an
interval is about."""

CLOSE = 0.05
"""How close, in nats, the profile must be to where an interval ends."""

POINTS = 12
"""Most points of the profile for one end of an interval."""

MANY_VOTES = 300
"""Votes in blocks per member from which r moves by less than 0.007 (1 - r) where reliabilities are integrated over."""

SAMPLE = 1000
"""Members of a group whose reliabilities are looked at for that, and stand for the others."""

MOST_TRIED, CLOSE_TO_BEST = 30, 2e-3
"""Most values of r tried where they are, and how close to the best one the search ends."""

NOT_SO_FEW = 30
"""Votes in blocks per member from which the best r is looked for near the one at the best reliabilities."""

NEAR_END = 0.05
"""How near to the least or the largest r the best must be for that to be tried."""

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
        self._each = votes.shared_votes / np.maximum(number, 1)
        self.few = np.flatnonzero((votes.shared_votes > 0) & (self._each < MANY_VOTES))
        # Members of these groups, whose sum of logarithms stands for that of all.
        rng = np.random.default_rng(0)
        some = [rng.permutation(votes.members[of_member == g])[:SAMPLE] for g in self.few]
        self._sample = np.sort(np.concatenate([np.zeros(0, np.int64), *some]))
        of_sample = votes.group[self._sample]
        self._stands_for = number[of_sample] / np.bincount(of_sample, minlength=votes.groups)[of_sample]
        self._best: Floats = x
        self._beside: tuple[float, Floats] | None = None

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

        options = {"maxfun": self.settings.max_iterations, "ftol": ENOUGH, "gtol": 1e-3, "maxcor": 12}
        angle = np.arcsin(np.clip(np.sqrt(r / LARGEST_SHARE), 0.0, 1.0))
        found = minimize(
            downhill, np.concatenate([self.x, angle]) * scale, jac=True, method="L-BFGS-B", options=options
        )
        self.x, sine = point(found.x)
        return np.asarray((sine * largest) ** 2)

    def interval(self, r: Floats, g: int, level: float) -> tuple[float, float]:
        """The interval of r of group ``g``, from where the search is, which is the highest point at ``r`` (G,)."""
        self._best, self._beside = self.x, None
        top = self.value(r)
        fall = float(ndtri((1 + level) / 2)) ** 2 / 2
        # A first guess: each vote in a block tells about r a quarter of what its normal score would.
        guess = 2 * (1 - float(r[g])) / np.sqrt(0.25 * self.votes.shared_votes[g])
        up = self._end(r, g, top, fall, guess)
        down = self._end(r, g, top, fall, -max(up - float(r[g]), 0.2 * guess))
        self.x = self._best
        return down, up

    def _end(self, r: Floats, g: int, top: float, fall: float, move: float) -> float:
        """Where the profile is lower than ``top`` by ``fall``, in the direction of ``move``, which is tried first."""
        best, side = float(r[g]), float(np.sign(move))
        limit = best if side < 0 else LARGEST_SHARE - best
        goal, inner, outer = np.sqrt(fall), (0.0, 0.0), None
        size = abs(move)
        for _ in range(POINTS if limit > 0 else 0):
            size = min(size, limit)
            at = _with(r, g, best + side * size)
            self.x = self._near(side * size)
            self.em(at, PROFILE_TOLERANCE, least_gain=LEAST_GAIN)
            self._beside = (side * size, self.x)
            # Near the top the likelihood is a parabola: the root of its fall grows in proportion to the distance.
            root = float(np.sqrt(max(top - self.value(at), 0.0)))
            if abs(root**2 - fall) < CLOSE or (size == limit and root < goal):
                break
            inner, outer = ((size, root), outer) if root < goal else (inner, (size, root))
            if outer is None:
                size *= float(np.clip(goal / max(root, 1e-3), 1.1, 3.0))
            else:
                share = (goal - inner[1]) / max(outer[1] - inner[1], 1e-12)
                size = inner[0] + (outer[0] - inner[0]) * float(np.clip(share, 0.05, 0.95))
        return best + side * min(size, limit)

    def _near(self, move: float) -> Floats:
        """About where the reliabilities are best at an r that is ``move`` from the best: they move in proportion."""
        if self._beside is None:
            return self._best
        there, x = self._beside
        return np.asarray(self._best + float(np.clip(move / there, -2.0, 2.0)) * (x - self._best))

    def integrated(self, r: Floats) -> Floats:
        """The best r (G,) where the reliabilities of groups with few votes each are integrated over; from ``r``."""
        r = r.copy()
        # Of several groups, the first is looked at again when the others are known.
        for g in np.tile(self.few, min(len(self.few), 2)):
            tried: dict[float, float] = {}

            def downhill(share: float, g: int = int(g), tried: dict[float, float] = tried) -> float:
                at = _with(r, g, share)
                if share != r[g] or tried:
                    self.em(at, PROFILE_TOLERANCE, least_gain=LEAST_GAIN)
                tried[float(share)] = -self.value(at)
                return tried[float(share)]

            if self._each[g] < NOT_SO_FEW or not self._near_top(downhill, float(r[g]), 2 * (1 - r[g]) / self._each[g]):
                options = {"maxiter": MOST_TRIED, "xatol": CLOSE_TO_BEST}
                minimize_scalar(downhill, bounds=(0.0, LARGEST_SHARE), method="bounded", options=options)
                for end in (0.0, LARGEST_SHARE):
                    if abs(min(tried, key=tried.__getitem__) - end) < NEAR_END:
                        downhill(end)
            r[g] = min(tried, key=tried.__getitem__)
        return r

    @staticmethod
    def _near_top(downhill: Callable[[float], float], share: float, step: float) -> bool:
        """Whether the lowest point of a parabola through three values of r, a usual step apart, is between them; try it."""
        at = np.maximum(share - step * np.arange(3), 0.0)
        if at[2] == 0.0:
            return False
        values = [downhill(float(place)) for place in at]
        bend = values[0] - 2 * values[1] + values[2]
        lowest = at[1] - step * (values[0] - values[2]) / (2 * bend) if bend > 0 else -1.0
        if not at[2] < lowest < at[0]:
            return False
        downhill(float(lowest))
        return True

    def value(self, r: Floats) -> float:
        """The log-posterior where the search is, at ``r`` (G,); integrated over the reliabilities of the groups ``few``."""
        log_odds, temperature = self.model.split(self.x)
        found = expect_errors(self.votes, log_odds, r, temperature)
        self._told(0.0)
        pull = prior_pull(self.model, log_odds)
        highest = found.log_likelihood + float(pull.log_density.sum())
        if not len(self.few):
            return highest
        # Laplace's approximation, each reliability for itself.
        information = member_information(self.votes, log_odds, r, found, (pull.right, pull.wrong), self._sample)
        return highest - 0.5 * float(self._stands_for @ np.log(information))


def _with(r: Floats, g: int, value: float) -> Floats:
    new = r.copy()
    new[g] = value
    return new
