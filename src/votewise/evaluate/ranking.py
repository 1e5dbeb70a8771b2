"""Counted votes -> a ranking of models with intervals, and how many votes would separate neighbours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from scipy.special import expit, ndtri

from votewise.arrays import Bools, Floats
from votewise.data.model_ranking import Ranking
from votewise.errors import BadInputError, many
from votewise.evaluate.tally import Tally
from votewise.inference.bradley_terry import Games, ModelStrengths, fit_strengths, largest_comparable
from votewise.inference.crowd_strengths import CrowdStrengths, fit_crowd_strengths

POINTS, MEAN = 400 / np.log(10), 1000.0
"""Rating points per unit of strength, and the mean rating: 400 points are odds of ten to one."""

TWICE_AS_LONG = 1 / 3
"""Difference of lengths over their sum where one answer is twice as long as the other."""

BOOTSTRAPS = 200


@dataclass(frozen=True)
class RankingOptions:
    """How to rank; see ``votewise.workflows.rank_models``."""

    ties: Literal["half", "davidson"] = "half"
    intervals: Literal["sandwich", "bootstrap"] = "sandwich"
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        for name, allowed in (("ties", ("half", "davidson")), ("intervals", ("sandwich", "bootstrap"))):
            if getattr(self, name) not in allowed:
                raise BadInputError(
                    "unknown", parameter=name, value=getattr(self, name), expected=f"'{allowed[0]}' or '{allowed[1]}'"
                )


def rank(tally: Tally, options: RankingOptions) -> Ranking:
    """Rank the models of a tally; with annotators in it, their votes are weighted by what is believed of them.

    Args:
        tally: the counted votes.
        options: how to rank.

    Raises:
        BadInputError: no two models can be compared, or settings that do not go together.
    """
    crowd = tally.annotator is not None
    if crowd and (options.ties == "davidson" or options.intervals == "bootstrap"):
        setting = "ties" if options.ties == "davidson" else "intervals"
        raise BadInputError(
            "is not there for votes weighted by beliefs about annotators",
            parameter=setting,
            value=getattr(options, setting),
            expected="ties 'half' and intervals 'sandwich', or no column of annotators",
        )
    kept = largest_comparable(tally.games.merged())
    if kept.sum() < 2:
        raise BadInputError(
            "no two models can be compared: none both won and lost against the others",
            source=tally.source,
            expected="more votes",
        )
    tally = _among(tally, kept)
    left_out = tuple(np.array(tally.models)[~kept].tolist())
    models = np.array(tally.models)[kept].tolist()
    believed: CrowdStrengths | None = None
    if tally.annotator is not None and tally.annotators is not None:
        believed = fit_crowd_strengths(tally.games, tally.annotator, len(tally.annotators))
        found = believed.strengths
    else:
        found = fit_strengths(tally.games, davidson=options.ties == "davidson")
    if options.intervals == "bootstrap":
        found = replace(found, covariance=_bootstrap(tally.games, found, options))
    games = tally.games if tally.games.covariate is None else replace(tally.games, covariate=None)
    return _ranking(models, games.merged(), found, believed, tally, left_out, options)


def _among(tally: Tally, kept: Bools) -> Tally:
    """The votes between the models that are kept, numbered anew; ``models`` stays as it is."""
    games = tally.games
    use = kept[games.first] & kept[games.second]
    number = np.cumsum(kept) - 1
    some = Games(
        number[games.first[use]],
        number[games.second[use]],
        games.won[use],
        games.lost[use],
        games.tied[use],
        int(kept.sum()),
        None if games.covariate is None else games.covariate[use],
    )
    return replace(tally, games=some, annotator=None if tally.annotator is None else tally.annotator[use])


def _bootstrap(games: Games, found: ModelStrengths, options: RankingOptions) -> Floats:
    """(K, K) covariance of strengths over votes drawn with replacement."""
    rng = np.random.default_rng(options.seed)
    counts = np.concatenate([games.won, games.lost, games.tied])
    total, strengths = round(float(counts.sum())), []
    for _ in range(BOOTSTRAPS):
        won, lost, tied = rng.multinomial(total, counts / counts.sum()).reshape(3, -1).astype(np.float64)
        drawn = replace(games, won=won, lost=lost, tied=tied)
        if not largest_comparable(drawn).all():
            raise BadInputError(
                "too few votes to draw from: some draws leave a model without a win or without a loss",
                parameter="intervals",
                value="bootstrap",
                expected="'sandwich'",
            )
        strengths.append(fit_strengths(drawn, davidson=options.ties == "davidson", start=found.strength).strength)
    return np.atleast_2d(np.cov(np.array(strengths).T))


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
    z = float(ndtri((1 + options.level) / 2))
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
    table = pa.table(
        {
            "model": [models[i] for i in order],
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
            "gap": pa.array(POINTS * gap, from_pandas=True),
            "votes_to_separate": pa.array([*needed, None], pa.int64()),
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
        notes=tuple(_notes(left_out, tally, believed)),
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
    p = float(expit(gap))
    return int(np.ceil(((z / gap) ** 2 - 1 / error**2) / (p * (1 - p))))


def _tables(games: Games, order: Any) -> tuple[Floats, Floats]:
    """(K, K) wins of row against column, and (K, K) ties, in the order of the ranking."""
    k = games.models
    wins, ties = np.zeros((k, k)), np.zeros((k, k))
    np.add.at(wins, (games.first, games.second), games.won)
    np.add.at(wins, (games.second, games.first), games.lost)
    np.add.at(ties, (games.first, games.second), games.tied)
    both = ties + ties.T
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


def _notes(left_out: tuple[str, ...], tally: Tally, believed: CrowdStrengths | None) -> list[str]:
    found = []
    if left_out:
        names = ", ".join(left_out[:5]) + (f" and {len(left_out) - 5} more" if len(left_out) > 5 else "")
        found.append(
            f"Not ranked, because they won or lost everything against the others: {names}. More votes would place them."
        )
    for reason, number in tally.skipped.items():
        found.append(f"Left out: {many(number, 'row')} ({reason}).")
    if believed is not None and not believed.converged:
        found.append("EM stopped before strengths and reliabilities came to rest.")
    return found


def _settings(tally: Tally, options: RankingOptions) -> dict[str, Any]:
    return {
        "source": tally.source,
        "votes": "weighted by beliefs about annotators" if tally.annotator is not None else "all believed",
        "ties": options.ties,
        "intervals": options.intervals,
        "level": options.level,
        "length": "controlled" if tally.games.covariate is not None else "not looked at",
    }
