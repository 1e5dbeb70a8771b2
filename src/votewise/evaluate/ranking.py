"""Counted votes -> a ranking of models with intervals, and how many votes would separate neighbours."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from votewise.arrays import Floats
from votewise.data.model_ranking import Ranking
from votewise.data.plain_columns import column_of, column_of_texts
from votewise.errors import BadInputError, many
from votewise.evaluate.ranking_fit import RankingOptions, fit_tally
from votewise.evaluate.tally import Tally
from votewise.inference.bradley_terry import Games, ModelStrengths, largest_comparable

if TYPE_CHECKING:
    from votewise.inference.crowd_strengths import CrowdStrengths

POINTS, MEAN = 400 / np.log(10), 1000.0
"""Rating points per unit of strength, and the mean rating: 400 points are odds of ten to one."""

TWICE_AS_LONG = 1 / 3
"""Difference of lengths over their sum where one answer is twice as long as the other."""


def rank(tally: Tally, options: RankingOptions) -> Ranking:
    """Rank the models of a tally; with annotators in it, their votes are weighted by what is believed of them.

    Args:
        tally: the counted votes.
        options: how to rank.

    Raises:
        BadInputError: no two models can be compared, nothing but ties, or too few votes to draw from.
    """
    kept = largest_comparable(tally.games)
    if kept.sum() < 2:
        raise BadInputError(
            "no two models can be compared: none both won and lost against the others",
            source=tally.source,
            expected="more votes",
        )
    left_out = tuple(np.array(tally.models)[~kept].tolist())
    models = np.array(tally.models)[kept].tolist()
    tally = tally if kept.all() else tally.among(kept)
    found, believed = fit_tally(tally, options)
    return _ranking(models, tally.games, found, believed, tally, left_out, options)


def _ranking(
    models: list[str],
    games: Games,
    found: ModelStrengths,
    believed: CrowdStrengths | None,
    tally: Tally,
    left_out: tuple[str, ...],
    options: RankingOptions,
) -> Ranking:
    order = np.argsort(-found.strength, kind="stable")
    strength, covariance = found.strength[order], found.covariance[np.ix_(order, order)]
    z = NormalDist().inv_cdf((1 + options.level) / 2)
    own = np.diag(covariance)
    error = np.sqrt(np.maximum(own, 0))
    between = np.sqrt(np.maximum(own[:, None] + own - 2 * covariance, 0))
    ahead = strength[:, None] - strength - z * between > 0
    wins, ties = _tables(games, order)
    met = wins + wins.T + ties
    with np.errstate(invalid="ignore"):
        shares = np.where(met > 0, (wins + ties / 2) / met, np.nan)
    gap = np.append(strength[:-1] - strength[1:], np.nan)
    needed = [votes_to_separate(float(gap[i]), float(between[i, i + 1]), z) for i in range(len(order) - 1)]
    last = np.arange(len(order)) == len(order) - 1
    numbers = {
        "rating": MEAN + POINTS * strength,
        "low": MEAN + POINTS * (strength - z * error),
        "high": MEAN + POINTS * (strength + z * error),
        "rank": np.arange(1, len(order) + 1),
        "rank_best": 1 + ahead.sum(axis=0),
        "rank_worst": len(order) - ahead.sum(axis=1),
        "votes": met.sum(axis=1).astype(np.int64),
        "won": wins.sum(axis=1).astype(np.int64),
        "lost": wins.sum(axis=0).astype(np.int64),
        "tied": ties.sum(axis=1).astype(np.int64),
    }
    table = pa.table(
        {"model": column_of_texts([models[i] for i in order])}
        | {name: column_of(values) for name, values in numbers.items()}
        | {
            "gap": column_of(POINTS * gap, last),
            "votes_to_separate": column_of(np.array([*needed, 0], np.int64), last),
        }
    )
    effect = None
    if found.effect is not None:
        value, spread = (TWICE_AS_LONG * POINTS * part for part in found.effect)
        effect = (float(value), float(value - z * spread), float(value + z * spread))
    return Ranking(
        models=table,
        shares=shares,
        met=met,
        annotators=None if believed is None else _annotators(tally, believed),
        effect=effect,
        tie=None if found.tie is None else float(np.exp(found.tie) / (2 + np.exp(found.tie))),
        left_out=left_out,
        skipped=dict(tally.skipped),
        notes=tuple(_notes(left_out, tally, believed, options)),
        settings=_settings(tally, options),
    )


def votes_to_separate(gap: float, error: float, z: float) -> int:
    """Further votes between two models after which the interval of their difference leaves out 0, if the gap stays.

    Each vote between them adds the information p (1 - p) about the difference.

    Args:
        gap: difference of their strengths, above 0.
        error: its standard error now.
        z: standard errors from the middle of the interval to its end.
    """
    if gap > z * error:
        return 0
    if gap <= 0 or z / gap > 1e6:
        return 10**12
    p = 1 / (1 + float(np.exp(-gap)))
    return int(np.ceil(((z / gap) ** 2 - 1 / error**2) / (p * (1 - p))))


def _tables(games: Games, order: Any) -> tuple[Floats, Floats]:
    """(K, K) wins of row against column, and (K, K) ties, in the order of the ranking."""
    k, first, second = games.models, games.first.astype(np.int64), games.second.astype(np.int64)
    wins = np.bincount(first * k + second, games.won, minlength=k * k).astype(np.float64).reshape(k, k)
    wins += np.bincount(second * k + first, games.lost, minlength=k * k).reshape(k, k)
    ties = np.bincount(first * k + second, games.tied, minlength=k * k).reshape(k, k)
    both = (ties + ties.T).astype(np.float64)
    return wins[np.ix_(order, order)], both[np.ix_(order, order)]


def _annotators(tally: Tally, believed: CrowdStrengths) -> pa.Table:
    assert tally.annotator is not None  # noqa: S101 - beliefs come from annotators
    number = np.bincount(tally.annotator, tally.games.won + tally.games.lost, minlength=len(believed.reliability))
    order = np.argsort(-number, kind="stable")
    return pa.table(
        {
            "annotator": tally.annotators.take(pa.array(order)),  # type: ignore[union-attr]
            "votes": number[order].astype(np.int64),
            "reliability": believed.reliability[order],
        }
    )


def _notes(
    left_out: tuple[str, ...], tally: Tally, believed: CrowdStrengths | None, options: RankingOptions
) -> list[str]:
    found = [*tally.notes]
    if left_out:
        names = ", ".join(left_out[:5]) + (f" and {len(left_out) - 5} more" if len(left_out) > 5 else "")
        found.append(
            f"Not ranked, because they won or lost everything against the others: {names}. More votes would place them."
        )
    for reason, number in tally.skipped.items():
        found.append(f"Left out: {many(number, 'row')} ({reason}).")
    if options.intervals == "bootstrap" and tally.told is None:
        found.append(
            "No column says which votes are on the same pair, so every vote is drawn on its own. Name one with "
            "--columns pair=COLUMN."
        )
    if believed is not None and not believed.converged:
        found.append("EM stopped before strengths and reliabilities came to rest.")
    return found


def _settings(tally: Tally, options: RankingOptions) -> dict[str, Any]:
    return {
        "source": tally.source,
        "votes": "weighted by beliefs about annotators" if tally.annotator is not None else "all believed",
        "ties": options.ties,
        "intervals": options.intervals,
        "pairs": "every vote is on a pair of its own" if tally.told is None else f"by {tally.told}",
        "level": options.level,
        "length": "controlled" if tally.games.covariate is not None else "not looked at",
    }
