"""The log-posterior along r of one group: where it is highest with reliabilities integrated over, and r's interval."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import ndtri

from votewise.annotators.group_search import LEAST_GAIN, GroupSearch
from votewise.arrays import Floats
from votewise.inference.shared_error import LARGEST_SHARE

PROFILE_TOLERANCE = 2e-4
"""EM at one r ends where nothing moves more, or where a round of steps gains less than ``LEAST_GAIN``."""

LITTLE_LEFT = 0.05
"""The search for r near the first ends where a parabola has no more than this to gain, in nats: its top is right to a small
part of the way there, and the whole way is a third of a standard error."""

CLOSE = 0.05
"""How close, in nats, the profile must be to where an interval ends."""

POINTS = 12
"""Most points of the profile for one end of an interval."""

MOST_TRIED, CLOSE_TO_BEST = 30, 2e-3
"""Most values of r tried between its bounds, and how close to the best one that search ends."""

NOT_SO_FEW, MOST_NEAR = 30, 8
"""Votes in blocks per member from which the best r is looked for near the one at the best reliabilities, and the most
values of r tried there."""

USUAL, FARTHEST = 2.0, 3.0
"""How far the best r is first thought to be below that one, in (1 - r) per vote in blocks of a member, and how many times
that the next guess may be at most."""

NEAR_END = 0.05
"""How near to the least or the largest r the best must be for that to be tried."""


class AtShare(NamedTuple):
    """One value of r: the reliabilities that are best there, the log-posterior, and what integrating adds to it."""

    x: Floats
    highest: float
    added: float

    @property
    def value(self) -> float:
        """What r is chosen by."""
        return self.highest + self.added


class ShareProfile:
    """What is known of the log-posterior along r of group ``g``, r of the others being held as in ``r`` (G,). Mutable.

    Where the search is when this begins must be the highest point at ``r``.
    """

    def __init__(self, search: GroupSearch, r: Floats, g: int) -> None:
        self._search, self._r, self._g = search, r, g
        self.first = float(r[g])
        self.tried = {self.first: AtShare(search.x, *search.value(r))}

    def at(self, share: float) -> AtShare:
        """The profile where r of the group is ``share``."""
        if share not in self.tried:
            r = self._r.copy()
            r[self._g] = share
            self._search.x = self.near(share)
            self._search.em(r, PROFILE_TOLERANCE, least_gain=LEAST_GAIN)
            self.tried[share] = AtShare(self._search.x, *self._search.value(r))
        return self.tried[share]

    def near(self, share: float) -> Floats:
        """About where the reliabilities are best: they move in proportion to r."""
        nearest, *others = sorted(self.tried, key=lambda r: abs(r - share))
        at = self.tried[nearest].x
        if not others:
            return at
        times = (share - nearest) / (others[0] - nearest)
        return np.asarray(at + float(np.clip(times, -2.0, 2.0)) * (self.tried[others[0]].x - at))

    @property
    def best(self) -> float:
        """The best r tried."""
        return max(self.tried, key=lambda r: self.tried[r].value)


def integrated(search: GroupSearch, r: Floats) -> Floats:
    """The best r (G,) with the reliabilities of groups with few votes each integrated over; from ``r``, the best without."""
    r = r.copy()
    # Of several groups, the first is looked at again when the others are known.
    for g in np.tile(search.few, min(len(search.few), 2)):
        profile = ShareProfile(search, r, int(g))
        usual = USUAL * (1 - profile.first) / float(search.each[g])
        found = _near_first(profile, usual) if search.each[g] >= NOT_SO_FEW else None
        r[g] = _between_bounds(profile) if found is None else found
        search.x = profile.near(float(r[g]))
    return r


def _near_first(profile: ShareProfile, usual: float) -> float | None:
    """The best r not far below the first, by parabolas through values of r; None where it is not there."""
    first = profile.first
    if first <= FARTHEST * usual:
        return None
    beside = profile.at(first - usual)
    # At the first r the log-posterior itself is highest, so that two points say how it bends.
    fall, rise = profile.tried[first].highest - beside.highest, beside.added - profile.tried[first].added
    times = float(np.clip(rise / (2 * fall), 0.5, FARTHEST)) if fall > 0 else FARTHEST
    if abs(times - 1) < 0.25:
        times = 1.5
    profile.at(first - times * usual)
    while len(profile.tried) < MOST_NEAR:
        at = np.array(sorted(profile.tried, key=lambda r: abs(r - profile.best))[:3])
        bend, slope, _ = np.polyfit(at - at[0], [profile.tried[float(r)].value for r in at], 2)
        if bend >= 0:
            return None
        move = -slope / (2 * bend)
        if -bend * move**2 < LITTLE_LEFT:
            return float(at[0] + move)
        share = float(at[0] + np.clip(move, -FARTHEST * usual, FARTHEST * usual))
        if not 0 < share < first:
            return None
        profile.at(share)
    return None


def _between_bounds(profile: ShareProfile) -> float:
    """The best of all r."""
    options = {"maxiter": MOST_TRIED, "xatol": CLOSE_TO_BEST}
    minimize_scalar(
        lambda share: -profile.at(float(share)).value, bounds=(0.0, LARGEST_SHARE), method="bounded", options=options
    )
    for end in (0.0, LARGEST_SHARE):
        if abs(profile.best - end) < NEAR_END:
            profile.at(end)
    return profile.best


def interval(search: GroupSearch, r: Floats, g: int, level: float) -> tuple[float, float]:
    """The interval of r of group ``g``, from where the search is, which is the highest point at ``r`` (G,)."""
    best = search.x
    profile = ShareProfile(search, r, g)
    fall = float(ndtri((1 + level) / 2)) ** 2 / 2
    # A first guess: each vote in a block tells about r a quarter of what its normal score would.
    guess = 2 * (1 - profile.first) / np.sqrt(0.25 * search.votes.shared_votes[g])
    up = _end(profile, fall, guess)
    down = _end(profile, fall, -max(up - profile.first, 0.2 * guess))
    search.x = best
    return down, up


def _end(profile: ShareProfile, fall: float, move: float) -> float:
    """Where the profile is lower than at the first r by ``fall``, in the direction of ``move``, which is tried first."""
    best, side, top = profile.first, float(np.sign(move)), profile.tried[profile.first].value
    limit = best if side < 0 else LARGEST_SHARE - best
    goal, inner, outer = np.sqrt(fall), (0.0, 0.0), None
    size = abs(move)
    for _ in range(POINTS if limit > 0 else 0):
        size = min(size, limit)
        # Near the top the likelihood is a parabola: the root of its fall grows in proportion to the distance.
        root = float(np.sqrt(max(top - profile.at(best + side * size).value, 0.0)))
        if abs(root**2 - fall) < CLOSE or (size == limit and root < goal):
            break
        inner, outer = ((size, root), outer) if root < goal else (inner, (size, root))
        if outer is None:
            size *= float(np.clip(goal / max(root, 1e-3), 1.1, 3.0))
        else:
            share = (goal - inner[1]) / max(outer[1] - inner[1], 1e-12)
            size = inner[0] + (outer[0] - inner[0]) * float(np.clip(share, 0.05, 0.95))
    return best + side * min(size, limit)
