"""Errors of strengths: of votes that depend on one another, and of strengths that were fitted together with reliabilities.

Everything is an estimate from equations that sum over votes. If one vote weighed a little more, the estimate would
move by its *influence*: minus the inverse derivatives of the equations times the vote's own terms. The covariance is the
sum over pairs of the squared sums of their votes' influences: the sandwich estimator, clustered by pairs, and the plain one
where each vote is on a pair of its own.

For a crowd the parameters are the strengths phi (with the effect of length and log nu), the log-odds t of each reliability,
and the factor s that brings strengths to the scale of the votes, which has an equation of its own: the votes as they were
cast, by Bradley and Terry's or Davidson's model. With C(x) = log(2 cosh(x / 2)), a vote for the first has the log-likelihood

    C(t + d) - C(t) - log(D),     one for the second     C(t - d) - C(t) - log(D),     a tie     log(nu) - log(D)

(nu = 0, and no log(nu), where ties count half). These are the observed data's own terms, whose second derivatives are what
Louis' formula gives for EM. Given phi the annotators do not depend on one another, so each t is eliminated by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix, diags, hstack, identity, vstack
from scipy.special import expit

from votewise.arrays import Floats, Ints
from votewise.errors import BadInputError
from votewise.inference.bradley_terry import (
    Games,
    ModelStrengths,
    closed,
    design_products,
    design_sums,
    log_odds,
    most_likely,
)
from votewise.inference.crowd_strengths import CrowdStrengths, most_likely_crowd, scale_slopes
from votewise.inference.tie_model import TieModel


def fit_crowd_strengths(
    games: Games, annotator: Ints, annotators: int, *, davidson: bool = False, pairs: Any = None
) -> CrowdStrengths:
    """``most_likely_crowd`` with the covariance of strengths, and the standard error of the effect of length.

    Args:
        games: who beat whom, each kind of game by one annotator.
        annotator: (R,) whose votes these are.
        annotators: A.
        davidson: whether ties have a probability of their own, and do not count half.
        pairs: which votes may depend on one another, as ``spread_of`` takes it; None for none.

    Raises:
        BadInputError: as ``fit_strengths``.
    """
    found = most_likely_crowd(games, annotator, annotators, davidson=davidson)
    return replace(found, strengths=_with(found.strengths, crowd_covariance(games, annotator, found, pairs)))


def fit_strengths_of_pairs(games: Games, pairs: Any, *, davidson: bool = False) -> ModelStrengths:
    """``fit_strengths`` with a covariance that lets votes on one pair depend on one another in any way.

    Args:
        games: who beat whom.
        pairs: which votes are on one pair, as ``spread_of`` takes it.
        davidson: whether ties have a probability of their own, and do not count half.

    Raises:
        BadInputError: as ``fit_strengths``.
    """
    found = most_likely(games, davidson=davidson)
    return _with(found, plain_covariance(games, found, pairs))


def _with(found: ModelStrengths, covariance: Floats) -> ModelStrengths:
    k = len(found.strength)
    effect = None if found.effect is None else (found.effect[0], float(np.sqrt(covariance[k, k])))
    return replace(found, covariance=covariance[:k, :k], effect=effect)


def plain_covariance(games: Games, found: ModelStrengths, pairs: Any) -> Floats:
    """(P, P) covariance of strengths and of the effect of length, with votes on one pair in any dependence.

    Args:
        games: who beat whom.
        found: the fitted strengths.
        pairs: as ``spread_of`` takes it.
    """
    at = TieModel(log_odds(games, found), found.tie)
    columns = _Columns(games, found.tie is not None, 0, None)
    number = games.number
    curvature = columns.square(number * at.curve, -number * at.mean * at.p_tie, number * at.curve_of_tie)
    slopes = columns.slopes(at.slopes, at.slopes_of_tie, None, [])
    inverse = np.linalg.inv(closed(curvature, games.models))
    spread = spread_of(slopes, games, pairs).toarray()
    return np.asarray(inverse @ spread @ inverse)


def crowd_covariance(games: Games, annotator: Ints, found: CrowdStrengths, pairs: Any = None) -> Floats:
    """(P, P) covariance of strengths on the scale of the votes and of the effect of length.

    Args:
        games: who beat whom, each kind of game by one annotator.
        annotator: (R,) whose votes these are.
        found: the fit.
        pairs: as ``spread_of`` takes it.

    Raises:
        BadInputError: reliabilities of exactly one half leave nothing to rank by.
    """
    seen, scale, eta = found.seen, found.scale, found.reliability
    d, davidson, a = log_odds(games, seen), seen.tie is not None, len(eta)
    trust = (np.log(eta) - np.log1p(-eta))[annotator]
    if not np.isfinite(trust).all() or not np.abs(trust).max() > 0:
        raise BadInputError("reliabilities of exactly one half leave nothing to rank by")
    at, cast = TieModel(d, seen.tie), TieModel(scale * d, found.strengths.tie)
    columns = _Columns(games, davidson, a, annotator)
    won, lost, number = games.won, games.lost, games.number
    said, opposite, plain = expit(trust + d), expit(trust - d), expit(trust)
    # Second derivatives of the log-likelihood of a vote for the first, and for the second: in d, and in d and t.
    for_first, for_second = said * (1 - said), opposite * (1 - opposite)
    curvature = columns.square(
        number * at.curve - won * for_first - lost * for_second,
        -number * at.mean * at.p_tie,
        number * at.curve_of_tie,
    )
    cross = columns.by_annotator(lost * for_second - won * for_first)
    of_votes = (won + lost) * plain * (1 - plain) - won * for_first - lost * for_second
    own = np.bincount(annotator, of_votes, minlength=a) + (found.prior.c + found.prior.d) * eta * (1 - eta)
    eliminate = (diags(1 / np.maximum(own, 1e-12)) @ cross).tocsr()
    left = closed(curvature - (cross.T @ eliminate).toarray(), games.models)
    scale_of = _Scale(games, d, scale, cast, columns)
    slopes = columns.slopes(
        [said - 0.5 - at.mean, 0.5 - opposite - at.mean, -at.mean],
        at.slopes_of_tie,
        [said - plain, opposite - plain, np.zeros_like(d)],
        scale_of.slopes,
    )
    # Slopes of a vote in the strengths that go through its annotator's reliability are taken out, annotator by annotator.
    p, a, extra = columns.size, columns.annotators, len(scale_of.slopes)
    free = vstack(
        [
            hstack([identity(p), -eliminate.T, csr_matrix((p, extra))]),
            hstack([csr_matrix((extra, p + a)), identity(extra)]),
        ]
    ).tocsr()
    spread = (free @ spread_of(slopes, games, pairs) @ free.T).toarray()
    inverse = np.linalg.inv(left)
    shown = columns.shown
    value = np.concatenate([seen.strength, [seen.effect[0]] if seen.effect is not None else []])
    move = np.outer(value, scale_of.inverse[0])
    influence = np.hstack([(scale * np.eye(shown, p) + move @ scale_of.cross) @ inverse, move])
    return np.asarray(influence @ spread @ influence.T)


def spread_of(slopes: Any, games: Games, pairs: Any) -> Any:
    """Sum over pairs of the products of their votes' summed slopes, sparse.

    Args:
        slopes: sparse (3R, Q) slopes of one vote of each kind: first won, second won, tied.
        games: R kinds of games.
        pairs: sparse (P, 3R) votes of each pair by kind; None where each vote is on a pair of its own.
    """
    if pairs is not None:
        sums = pairs @ slopes
        return (sums.T @ sums).tocsr()
    counts = np.concatenate([games.won, games.lost, games.tied])
    return (slopes.T @ (diags(counts) @ slopes)).tocsr()


class _Columns:
    """Where parameters stand: strengths, the effect of length, log(nu); in slopes, then annotators and the scale."""

    def __init__(self, games: Games, davidson: bool, annotators: int, annotator: Ints | None) -> None:
        self.games, self.davidson, self.annotator, self.annotators = games, davidson, annotator, annotators
        self.shown = games.models + (games.covariate is not None)
        self.size = self.shown + davidson

    def square(self, of_d: Floats, of_both: Floats, of_tie: Floats) -> Floats:
        """(size, size) sums of products of the parts of parameters, weighted by second derivatives (R,) in d and log(nu)."""
        found = design_products(self.games, of_d, self.size)
        if self.davidson:
            column = self.sums(of_both)
            column[-1] = of_tie.sum()
            found[-1], found[:, -1] = column, column
        return found

    def sums(self, value: Floats) -> Floats:
        """(size,) sums of ``value`` (R,) times each parameter's part in d."""
        return design_sums(self.games, value, self.size)

    def by_annotator(self, value: Floats) -> Any:
        """Sparse (A, size) sums of ``value`` (R,) times each parameter's part in d, by annotator."""
        assert self.annotator is not None  # noqa: S101 - called for crowds alone
        rows, columns, parts = self._parts(np.arange(len(value)), value)
        return coo_matrix((parts, (self.annotator[rows], columns)), (self.annotators, self.size)).tocsr()

    def slopes(
        self, of_d: Sequence[Floats], of_tie: Sequence[Floats], of_trust: Sequence[Floats] | None, more: Sequence[Any]
    ) -> Any:
        """Sparse (3R, size + A + more) slopes of one vote that the first won, that the second won, and that was tied.

        Votes that nobody cast have none. All arguments have three arrays (R,), one per outcome.
        """
        r = len(of_d[0])
        use = np.concatenate([self.games.won, self.games.lost, self.games.tied]) > 0
        at = np.flatnonzero(use)
        kind = at % r
        entries = [self._parts(kind, np.concatenate(of_d)[at])]
        entries = [(at[rows], columns, parts) for rows, columns, parts in entries]
        if self.davidson:
            entries.append((at, np.full(len(at), self.size - 1), np.concatenate(of_tie)[at]))
        if of_trust is not None and self.annotator is not None:
            entries.append((at, self.size + self.annotator[kind], np.concatenate(of_trust)[at]))
        for i, slope in enumerate(more):
            entries.append((at, np.full(len(at), self.size + self.annotators + i), np.concatenate(slope)[at]))
        rows, columns, parts = (np.concatenate(part) for part in zip(*entries, strict=True))
        return coo_matrix((parts, (rows, columns)), (3 * r, self.size + self.annotators + len(more))).tocsr()

    def _parts(self, kind: Any, value: Floats) -> tuple[Any, Any, Floats]:
        """Places in ``kind``, columns and values of what ``value`` (as long as ``kind``) times the parts in d is."""
        games, place = self.games, np.arange(len(kind))
        rows, columns, parts = [place, place], [games.first[kind], games.second[kind]], [value, -value]
        if games.covariate is not None:
            rows, columns = [*rows, place], [*columns, np.full(len(kind), games.models)]
            parts = [*parts, value * games.covariate[kind]]
        return np.concatenate(rows), np.concatenate(columns), np.concatenate(parts)


class _Scale:
    """The equations of the factor s, and of log(nu) at that scale: the votes as they were cast, at log-odds s d.

    Attributes:
        slopes: of s, and with ties of log(nu), three arrays (R,) each.
        inverse: of minus their own derivatives.
        cross: (1 or 2, size) their derivatives in the strengths, the effect and log(nu) as seen.
    """

    def __init__(self, games: Games, d: Floats, scale: float, cast: TieModel, columns: _Columns) -> None:
        number = games.number
        self.slopes = [[slope * d for slope in cast.slopes]]
        counts = (games.won, games.lost, games.tied)
        total = np.asarray(sum(n * s for n, s in zip(counts, cast.slopes, strict=True)))
        self.cross = columns.sums(total - scale * number * d * cast.curve)[None]
        if cast.tie is not None:
            self.slopes.append([*cast.slopes_of_tie])
            self.cross = np.vstack([self.cross, columns.sums(scale * number * cast.mean * cast.p_tie)])
        self.inverse = np.linalg.inv(scale_slopes(games, d, cast)[1])
