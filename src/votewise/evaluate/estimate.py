"""Contests and verdicts -> how often model A's answers beat model B's."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from votewise.arrays import Bools
from votewise.data.contests import Contests, Verdicts
from votewise.data.win_rates import LengthControlled, Rate, SubsetRate, Swaps, WinRateResult
from votewise.defaults import LEVEL
from votewise.errors import BadInputError, many
from votewise.evaluate.length_control import length_controlled_rate
from votewise.evaluate.rates import win_rate

LENGTH_PARTS = 5
"""Number of bins by difference in length; they have about the same size."""
LEAST_PART = 20
"""Least number of contests in such a bin."""


def estimate_win_rate(
    contests: Contests, verdicts: Verdicts, *, length_controlled: bool = False, level: float = LEVEL
) -> WinRateResult:
    """How often A's answers beat B's: over all contests, at equal lengths, by difference in length and by domain.

    Contests without a verdict are left out; they count neither as ties nor as losses.

    Args:
        contests: the contests.
        verdicts: the verdicts of a judge on them.
        length_controlled: also estimate the win rate at equal lengths; uses ``contests.difficulty`` if it is known.
        level: probability that an interval contains the truth.

    Raises:
        BadInputError: there is no verdict at all, or lengths are needed but unknown.
    """
    judged = verdicts.judged
    if not judged.any():
        reason = next((problem for problem in verdicts.problems if problem), "there are no contests")
        raise BadInputError(
            f"{verdicts.judge} gave no verdict on any of {many(len(contests), 'contest')}; the first: {reason}",
            expected="at least one verdict; --restart asks the judge again",
        )
    preference, prompt = verdicts.preference[judged], contests.prompt[judged]
    return WinRateResult(
        contests=contests,
        verdicts=verdicts,
        rate=win_rate(preference, prompt, level=level),
        wins=int((preference > 0.5).sum()),
        ties=int((preference == 0.5).sum()),
        losses=int((preference < 0.5).sum()),
        failed=int((~judged).sum()),
        length_controlled=_length_controlled(contests, verdicts, level) if length_controlled else None,
        swaps=swaps(verdicts),
        by_length=by_length(contests, verdicts, level),
        by_domain=by_domain(contests, verdicts, level),
        level=level,
    )


def swaps(verdicts: Verdicts) -> Swaps | None:
    """How verdicts depend on the order of the answers; None for judges that do not see an order."""
    shown, swapped = verdicts.as_shown, verdicts.as_swapped
    if shown is None or swapped is None:
        return None
    both = np.isfinite(shown) & np.isfinite(swapped)
    n = int(both.sum())
    changed = float((shown[both] != swapped[both]).mean()) if n else 0.0
    first = np.concatenate([shown[both], 1 - swapped[both]])
    decided = first[first != 0.5]
    return Swaps(n, changed, float((decided > 0.5).mean()) if len(decided) else None)


def by_length(contests: Contests, verdicts: Verdicts, level: float) -> tuple[SubsetRate, ...]:
    """The win rate in bins by how much longer A's answer is, of about the same size; empty if lengths are unknown."""
    difference = contests.length_difference
    judged = verdicts.judged if difference is None else verdicts.judged & np.isfinite(difference)
    if difference is None or not judged.any():
        return ()
    known = difference[judged]
    bins = int(np.clip(len(known) // LEAST_PART, 1, LENGTH_PARTS))
    edges = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1), method="higher"))
    parts = []
    for number, (start, end) in enumerate(pairwise(edges)):
        last = number == len(edges) - 2
        inside = judged & (difference >= start) & ((difference <= end) if last else (difference < end))
        if inside.any():
            seen = difference[inside]
            rate = _rate_among(contests, verdicts, inside, level)
            parts.append(
                SubsetRate(_span(float(seen.min()), float(seen.max())), rate, float(seen.min()), float(seen.max()))
            )
    if not parts:
        value = float(edges[0])
        parts.append(SubsetRate(_span(value, value), _rate_among(contests, verdicts, judged, level), value, value))
    return tuple(parts)


def by_domain(contests: Contests, verdicts: Verdicts, level: float) -> tuple[SubsetRate, ...]:
    """The win rate in each domain, the largest domain first; empty without domains."""
    if contests.domain is None:
        return ()
    domain = np.array([name or "" for name in contests.domain], object)
    names = list(dict.fromkeys(domain[verdicts.judged].tolist()))
    parts = [
        SubsetRate(name or "(none)", _rate_among(contests, verdicts, verdicts.judged & (domain == name), level))
        for name in names
    ]
    return tuple(sorted(parts, key=lambda part: -part.rate.contests))


def _length_controlled(contests: Contests, verdicts: Verdicts, level: float) -> LengthControlled:
    judged = verdicts.judged
    if contests.length_a is None or contests.length_b is None:
        raise BadInputError(
            "cannot control for length: neither the answers nor their lengths are known",
            expected="columns response_a and response_b, or length_a and length_b",
        )
    return length_controlled_rate(
        verdicts.preference[judged],
        contests.prompt[judged],
        contests.length_a[judged],
        contests.length_b[judged],
        difficulty=None if contests.difficulty is None else contests.difficulty[judged],
        level=level,
    )


def _rate_among(contests: Contests, verdicts: Verdicts, chosen: Bools, level: float) -> Rate:
    return win_rate(verdicts.preference[chosen], contests.prompt[chosen], level=level)


def _span(low: float, high: float) -> str:
    """Like ``1,200 to 400 shorter``: characters by which A's answer is shorter than B's."""
    if low == high:
        return "equally long" if low == 0 else f"{abs(low):,.0f} {'longer' if low > 0 else 'shorter'}"
    if high <= 0:
        return f"{-low:,.0f} to {-high:,.0f} shorter"
    if low >= 0:
        return f"{low:,.0f} to {high:,.0f} longer"
    return f"{-low:,.0f} shorter to {high:,.0f} longer"
