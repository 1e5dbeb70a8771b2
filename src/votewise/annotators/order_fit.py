"""Reliabilities from whole judgements: the hidden truth of a prompt is the order of its answers, not one sign per pair.

EM over the nodes of a grid. The E-step gives every prompt its posterior over orders (and over how hard it is); the M-step
takes each annotator's best node. The kinds of errors that judgements may have are averaged over, each as likely as it makes
the judgements: docs/method.md, "Several votes of one judgement".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logit

from votewise.annotators.order_problem import OrderProblem, expected_of_rest, rest_alone, right_shares
from votewise.annotators.order_steps import OrderLikelihood, OrderStep, order_step
from votewise.annotators.prior import START, START_ANNOTATORS
from votewise.arrays import Floats, Ints
from votewise.inference.beta_fit import fit_beta
from votewise.inference.orders import KINDS, NODES, OrderKind, nodes
from votewise.inference.priors import Beta, Grid

STEPS = 60
"""Most EM steps for one kind of error."""

LEAST_GAIN = 0.1
"""Nats gained in an EM step that are not worth another one."""

PRIOR_ROUNDS = 2
"""How often the prior is fitted again."""

LEAST_SHARE = 0.01
"""A kind of error that is less likely than this is left out."""

TRIAL_GAP = 10.0
"""Nats by which a kind of error may fall behind where it is tried on a part of the judgements."""


@dataclass(frozen=True, eq=False)
class Climb:
    """Where EM ended for one kind of error.

    Attributes:
        kind: the kind of error.
        prior: the prior, of the share of right comparisons in whole rankings.
        node: (K,) the annotators' nodes.
        log_likelihood: of all judgements.
        history: objective at each step.
        converged: whether EM ended because it gained next to nothing.
    """

    kind: OrderKind
    prior: Beta | None
    node: Ints
    log_likelihood: float
    history: tuple[float, ...]
    converged: bool


@dataclass(frozen=True, eq=False)
class OrderFit:
    """What follows for one kind of error.

    Attributes:
        climb: where EM ended.
        alone: (K, G) log-likelihood of each annotator's votes, given those of all others.
        reliability: (K, G) probability that a vote of the annotator is right, at each node.
        steps: the last pass over the judgements, for each number of answers.
    """

    climb: Climb
    alone: Floats
    reliability: Floats
    steps: Sequence[OrderStep]


def likely_order_fits(problem: OrderProblem, kinds: Sequence[OrderKind] = KINDS) -> tuple[list[OrderFit], Floats]:
    """The fits of all ``kinds`` of errors that are likely at all, and (L,) the log of how likely each is, 0 at most."""
    trial, node = problem.trial(), _nearest(problem.fit.log_odds)
    tried = [
        climb_from(trial, trial.likelihoods(kind), Climb(kind, problem.fit.prior, node, 0.0, (), False))
        for kind in kinds
    ]
    if trial is not problem:
        near = [_with_own_prior(trial, c).climb for c in _near(tried, TRIAL_GAP)]
        tried = [climb_from(problem, problem.likelihoods(c.kind), c) for c in near]
    found = [_with_own_prior(problem, c) for c in _near(tried, -np.log(LEAST_SHARE))]
    value = np.array([f.climb.log_likelihood for f in found])
    return found, value - value.max()


def _near(tried: Sequence[Climb], gap: float) -> list[Climb]:
    best = max(c.log_likelihood for c in tried)
    return [c for c in tried if c.log_likelihood > best - gap]


def _nearest(log_odds: Floats) -> Ints:
    x = logit(nodes())
    return np.searchsorted((x[1:] + x[:-1]) / 2, log_odds).astype(np.int32)


def _with_own_prior(problem: OrderProblem, climb: Climb) -> OrderFit:
    """What follows, with the prior fitted to what is known of each annotator where it is not given."""
    likelihoods = problem.likelihoods(climb.kind)
    found = _finish(problem, likelihoods, climb)
    for _ in range(PRIOR_ROUNDS if problem.fit.settings.prior == "fit" else 0):
        start = climb.prior or START
        voted = problem.fit.model.evidence.counts > 0
        fitted = fit_beta(
            found.alone[voted], Grid.of_size(NODES), start, anchor=START, anchor_annotators=START_ANNOTATORS
        )
        climb = climb_from(problem, likelihoods, replace(climb, prior=replace(fitted, outliers=start.outliers)))
        found = _finish(problem, likelihoods, climb)
    return found


def climb_from(problem: OrderProblem, likelihoods: Sequence[OrderLikelihood], start: Climb) -> Climb:
    """EM for one kind of error, from where ``start`` ended and with its prior."""
    grid, eta, node, alone_too = Grid.of_size(NODES), nodes(), start.node, len(problem.rest.sign) > 0
    # The density over log-odds, as for votes one by one.
    held = grid.log_mass(start.prior) - grid.log_width + np.log(grid.x) + np.log1p(-grid.x)
    history: list[float] = []
    log_likelihood, converged = 0.0, False
    while not converged and len(history) < STEPS:
        steps = [order_step(likelihood, node, last=False) for likelihood in likelihoods]
        log_likelihood = sum(step.log_likelihood for step in steps)
        objective, reached = held + sum(step.by_node for step in steps), log_likelihood + float(held[node].sum())
        if alone_too:
            expected, of_rest = expected_of_rest(problem, logit(eta[node]))
            objective, reached = objective + expected, reached + of_rest
        new = objective.argmax(axis=1).astype(np.int32)
        problem.told(float(np.abs(eta[new] - eta[node]).max()))
        history.append(reached)
        converged = bool((new == node).all()) or (len(history) > 1 and reached - history[-2] < LEAST_GAIN)
        if not converged and len(history) < STEPS:
            node = new
    return Climb(start.kind, start.prior, node, log_likelihood, tuple(history), converged)


def _finish(problem: OrderProblem, likelihoods: Sequence[OrderLikelihood], climb: Climb) -> OrderFit:
    """What follows where EM ended."""
    steps = [order_step(likelihood, climb.node, last=True) for likelihood in likelihoods]
    alone = np.asarray(sum(step.by_node for step in steps))
    if len(problem.rest.sign) > 0:
        alone = alone + rest_alone(problem, logit(nodes()[climb.node]))
    return OrderFit(climb, alone, right_shares(problem, likelihoods), steps)
