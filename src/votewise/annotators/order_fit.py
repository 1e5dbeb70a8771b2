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

from votewise.annotators.order_problem import Likelihood, OrderProblem, expected_of_rest, rest_alone, right_shares
from votewise.annotators.order_steps import OrderStep
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

EQUALLY_PLAUSIBLE = 2.0
"""Nats by which a kind of error may explain the judgements worse than the best one and still count as much."""

LEAST_PLAUSIBLE, LEAST_IN_TRIAL = 0.01, 1e-4
"""A kind of error that is less plausible than this is left out; the same where it is tried on a part of the judgements."""


@dataclass(frozen=True, eq=False)
class Climb:
    """Where EM ended for one kind of error.

    Attributes:
        kind: the kind of error.
        prior: the prior, of the share of right comparisons in whole rankings.
        node: (K,) the annotators' nodes.
        by_prompt: (P,) log-likelihood of each prompt's judgements.
        history: objective at each step.
        converged: whether EM ended because it gained next to nothing.
    """

    kind: OrderKind
    prior: Beta | None
    node: Ints
    by_prompt: Floats
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
    """The fits of all ``kinds`` of errors that are plausible at all, and (L,) how plausible each is, 1 at most."""
    trial, node = problem.trial(), _nearest(problem.fit.log_odds)
    start = Climb("whole", problem.fit.prior, node, np.zeros(0), (), False)
    tried = [climb_from(trial, trial.likelihoods(kind), replace(start, kind=kind)) for kind in kinds]
    if trial is not problem:
        near = [_with_own_prior(trial, c).climb for c in _near(tried, LEAST_IN_TRIAL)]
        tried = [climb_from(problem, problem.likelihoods(c.kind), c) for c in near]
    found = [_with_own_prior(problem, c) for c in _near(tried, LEAST_PLAUSIBLE)]
    return found, _or_its_parts([f.climb for f in found])


def _near(tried: Sequence[Climb], least: float) -> list[Climb]:
    return [c for c, value in zip(tried, _or_its_parts(tried), strict=True) if value > least]


def _or_its_parts(climbs: Sequence[Climb]) -> Floats:
    """(L,) how plausible each kind of error is; where the mixture of two is likeliest, each of these two is as plausible.

    Such a mixture fits best also where some annotators err in one way and others in the other.
    """
    value = plausible_kinds(np.stack([c.by_prompt for c in climbs]))
    if max(climbs, key=lambda c: float(c.by_prompt.sum())).kind == "half":
        value[[c.kind in ("whole", "alike") for c in climbs]] = 1.0
    return value


def plausible_kinds(by_prompt: Floats) -> Floats:
    """(L,) how plausible each kind of error is, from the log-likelihoods (L, P) of the prompts under each.

    All kinds may be a little wrong, so what counts is whether the best one is better in more than a few prompts: the squared
    distance in standard errors over prompts, halved, stands for the nats between two kinds where it is smaller [Vuong].
    """
    total = by_prompt.sum(axis=1)
    gap, difference = total.max() - total, by_prompt[total.argmax()] - by_prompt
    error = np.sqrt(by_prompt.shape[1]) * difference.std(axis=1)
    nats = np.minimum(gap, np.square(gap / np.maximum(error, 1e-12)) / 2)
    return np.asarray(np.exp(np.minimum(EQUALLY_PLAUSIBLE - nats, 0.0)))


def share_at_one_end(climbs: Sequence[Climb]) -> float:
    """How much of what may be outside an interval may be at one end of it, from 1/2 to 1: all if one kind may be right.

    If the best of two kinds is right, it is better than the other by about half the variance of the difference [Vuong]. If
    it is better by much less, the judgements could tell the two apart and yet do not: neither is right, and the truth may
    lie beyond both. (A mixture of two kinds that is likeliest is not compared with them: see ``_or_its_parts``.)
    """
    by_prompt = np.stack([c.by_prompt for c in climbs])
    total = by_prompt.sum(axis=1)
    best = int(total.argmax())
    parts = ("whole", "alike") if climbs[best].kind == "half" else ()
    others = [i for i, c in enumerate(climbs) if i != best and c.kind not in parts]
    gap = total[best] - total[others]
    expected = by_prompt.shape[1] * (by_prompt[best] - by_prompt[others]).var(axis=1) / 2
    # The variance of the difference is twice what is expected of it, so this is a squared distance in standard errors.
    nats = np.square(np.maximum(expected - gap, 0.0)) / np.maximum(4 * expected, 1e-12)
    return float(0.5 + 0.5 * np.exp(np.minimum(EQUALLY_PLAUSIBLE - nats, 0.0)).min(initial=1.0))


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


def climb_from(problem: OrderProblem, likelihoods: Sequence[Likelihood], start: Climb) -> Climb:
    """EM for one kind of error, from where ``start`` ended and with its prior."""
    grid, eta, node, alone_too = Grid.of_size(NODES), nodes(), start.node, len(problem.rest.sign) > 0
    # The density over log-odds, as for votes one by one.
    held = grid.log_mass(start.prior) - grid.log_width + np.log(grid.x) + np.log1p(-grid.x)
    history: list[float] = []
    by_prompt, converged = start.by_prompt, False
    while not converged and len(history) < STEPS:
        steps = [likelihood.step(node, last=False) for likelihood in likelihoods]
        by_prompt = np.concatenate([step.by_prompt for step in steps])
        objective, reached = held + sum(step.by_node for step in steps), float(by_prompt.sum() + held[node].sum())
        if alone_too:
            expected, of_rest = expected_of_rest(problem, logit(eta[node]))
            objective, reached = objective + expected, reached + of_rest
        new = objective.argmax(axis=1).astype(np.int32)
        problem.told(float(np.abs(eta[new] - eta[node]).max()))
        history.append(reached)
        converged = bool((new == node).all()) or (len(history) > 1 and reached - history[-2] < LEAST_GAIN)
        if not converged and len(history) < STEPS:
            node = new
    return Climb(start.kind, start.prior, node, by_prompt, tuple(history), converged)


def _finish(problem: OrderProblem, likelihoods: Sequence[Likelihood], climb: Climb) -> OrderFit:
    """What follows where EM ended."""
    steps = [likelihood.step(climb.node, last=True) for likelihood in likelihoods]
    alone = np.asarray(sum(step.by_node for step in steps))
    if len(problem.rest.sign) > 0:
        alone = alone + rest_alone(problem, logit(nodes()[climb.node]))
    return OrderFit(climb, alone, right_shares(problem, likelihoods), steps)
