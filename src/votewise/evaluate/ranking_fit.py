"""A tally -> strengths with their covariance, by the sandwich estimator or the bootstrap over pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from votewise.arrays import Floats
from votewise.errors import BadInputError
from votewise.evaluate.tally import Tally
from votewise.inference.bradley_terry import Games, ModelStrengths, fit_strengths, largest_comparable, most_likely

if TYPE_CHECKING:
    from votewise.inference.crowd_strengths import CrowdStrengths

BOOTSTRAPS = 200

DRAWN_TOLERANCE = 1e-4
"""Movement of strengths that counts as none in a draw for a crowd: small beside the 5% to which 200 draws know an error."""


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
        if not 0 < self.level < 1:
            raise BadInputError(
                "out of range", parameter="level", value=self.level, expected="a number between 0 and 1"
            )

    @property
    def davidson(self) -> bool:
        """Whether ties have a probability of their own."""
        return self.ties == "davidson"


def fit_tally(tally: Tally, options: RankingOptions) -> tuple[ModelStrengths, CrowdStrengths | None]:
    """The models' strengths, and with annotators in the tally what is believed of them; all models must be comparable.

    Raises:
        BadInputError: nothing but ties, or too few votes to draw from.
    """
    games, davidson = tally.games, options.davidson
    if tally.annotator is None or tally.annotators is None:
        if tally.pairs is None or options.intervals == "bootstrap":
            found = fit_strengths(games, davidson=davidson)
        else:
            from votewise.inference.strength_errors import fit_strengths_of_pairs

            found = fit_strengths_of_pairs(games, tally.pairs, davidson=davidson)
        believed = None
    else:
        from votewise.inference.strength_errors import fit_crowd_strengths

        believed = fit_crowd_strengths(
            games, tally.annotator, len(tally.annotators), davidson=davidson, pairs=tally.pairs
        )
        found = believed.strengths
    if options.intervals == "bootstrap":
        found = _with_bootstrap(tally, found, believed, options)
    return found, believed


def _with_bootstrap(
    tally: Tally, found: ModelStrengths, believed: CrowdStrengths | None, options: RankingOptions
) -> ModelStrengths:
    """The strengths with their covariance, and the effect with its standard error, over drawn pairs.

    A prior over reliabilities stays as it was fitted to all votes.
    """
    strengths, effects = [], []
    for games in draws(tally, options.seed):
        if not largest_comparable(games).all():
            raise BadInputError(
                "too few votes to draw from: some draws leave a model without a win or without a loss",
                parameter="intervals",
                value="bootstrap",
                expected="'sandwich'",
            )
        if believed is None or tally.annotator is None:
            drawn = most_likely(games, davidson=options.davidson, start=found)
        else:
            from votewise.inference.crowd_strengths import most_likely_crowd

            people = len(believed.reliability)
            drawn = most_likely_crowd(
                games, tally.annotator, people, davidson=options.davidson, start=believed, tolerance=DRAWN_TOLERANCE
            ).strengths
        strengths.append(drawn.strength)
        effects.append(drawn.effect[0] if drawn.effect is not None else 0.0)
    effect = None if found.effect is None else (found.effect[0], float(np.std(effects, ddof=1)))
    return replace(found, covariance=np.atleast_2d(np.cov(np.array(strengths).T)), effect=effect)


def draws(tally: Tally, seed: int, number: int = BOOTSTRAPS) -> Iterator[Games]:
    """The games of as many pairs as there are, drawn with replacement, ``number`` times.

    Pairs with one vote of the same kind are the same, so kinds are drawn; pairs with several votes are drawn one by one.

    Args:
        tally: the votes; without ``pairs`` every vote is on a pair of its own.
        seed: of the draws.
        number: of draws.
    """
    rng, games = np.random.default_rng(seed), tally.games
    single: Floats = np.concatenate([games.won, games.lost, games.tied])
    several = tally.pairs
    if several is not None:
        alone = np.asarray(several.sum(axis=1)).ravel() <= 1
        single = np.asarray(several[np.flatnonzero(alone)].sum(axis=0)).ravel()
        several = several[np.flatnonzero(~alone)]
    weights = np.concatenate([single, np.ones(0 if several is None else several.shape[0])])
    pairs = round(float(weights.sum()))
    for _ in range(number):
        drawn = rng.multinomial(pairs, weights / weights.sum()).astype(np.float64)
        votes = drawn[: len(single)]
        if several is not None:
            votes = votes + drawn[len(single) :] @ several
        won, lost, tied = votes.reshape(3, -1)
        yield replace(games, won=won, lost=lost, tied=tied)
