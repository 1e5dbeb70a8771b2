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

from votewise.annotators.fitted import Fit
from votewise.annotators.order_steps import OrderLikelihood, OrderStep, order_step
from votewise.annotators.ordered_prompts import OrderedPrompts
from votewise.annotators.prior import START, START_ANNOTATORS
from votewise.arrays import Bools, Floats, Ints
from votewise.inference import intervals as iv
from votewise.inference.beta_fit import fit_beta
from votewise.inference.observation import Evidence
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

TRIAL, TRIAL_GAP = 1500, 10.0
"""Judgements on which all kinds of errors are tried first, and the nats by which a kind may fall behind there."""


@dataclass(frozen=True, eq=False)
class OrderProblem:
    """Everything that stays the same while kinds of errors are tried.

    Attributes:
        prompts: the judgements, by number of answers.
        log_prior: for each of them (P, N) log-probabilities of orders before any vote; None where all are equal.
        rest: the votes that are not in these judgements.
        fit: the fit of the votes one by one.
    """

    prompts: Sequence[OrderedPrompts]
    log_prior: Sequence[Floats | None]
    rest: Evidence
    fit: Fit

    @property
    def judgements(self) -> int:
        """How many judgements there are."""
        return sum(len(p.annotator) for p in self.prompts)

    def trial(self) -> OrderProblem:
        """A part of the prompts, with about ``TRIAL`` judgements."""
        step = max(1, self.judgements // TRIAL)
        if step == 1:
            return self
        parts = [np.arange(0, len(p.start), step) for p in self.prompts]
        prompts = [p.part(which) for p, which in zip(self.prompts, parts, strict=True)]
        before = [None if b is None else b[which] for b, which in zip(self.log_prior, parts, strict=True)]
        return replace(self, prompts=prompts, log_prior=before)


@dataclass(frozen=True, eq=False)
class OrderFit:
    """Where EM ended for one kind of error.

    Attributes:
        kind: the kind of error.
        prior: the prior, of the share of right comparisons in whole rankings.
        node: (K,) the annotators' nodes.
        log_likelihood: of all judgements.
        alone: (K, G) log-likelihood of each annotator's votes, given those of all others.
        reliability: (K, G) probability that a vote of the annotator is right, at each node.
        steps: the last pass over the judgements, for each number of answers.
    """

    kind: OrderKind
    prior: Beta | None
    node: Ints
    log_likelihood: float
    alone: Floats
    reliability: Floats
    steps: Sequence[OrderStep]


def likely_order_fits(problem: OrderProblem, kinds: Sequence[OrderKind] = KINDS) -> tuple[list[OrderFit], Floats]:
    """The fits of all ``kinds`` of errors that are likely at all, and (L,) how likely each is."""
    trial, node = problem.trial(), _nearest(problem.fit.log_odds)
    tried = [_climb(trial, kind, problem.fit.prior, node) for kind in kinds]
    best = max(f.log_likelihood for f in tried)
    if trial is not problem:
        near = [_with_own_prior(trial, f) for f in tried if f.log_likelihood > best - TRIAL_GAP]
        tried = [_climb(problem, f.kind, f.prior, f.node) for f in near]
    found = [_with_own_prior(problem, f) for f, w in zip(tried, _shares(tried), strict=True) if w > LEAST_SHARE]
    return found, _shares(found)


def _nearest(log_odds: Floats) -> Ints:
    x = logit(nodes())
    return np.searchsorted((x[1:] + x[:-1]) / 2, log_odds).astype(np.int32)


def _shares(found: Sequence[OrderFit]) -> Floats:
    value = np.array([f.log_likelihood for f in found])
    share = np.exp(value - value.max())
    return np.asarray(share / share.sum())


def _with_own_prior(problem: OrderProblem, found: OrderFit) -> OrderFit:
    """The same with the prior fitted to what is known of each annotator, where it is not given."""
    for _ in range(PRIOR_ROUNDS if problem.fit.settings.prior == "fit" else 0):
        start = found.prior or START
        voted = problem.fit.model.evidence.counts > 0
        fitted = fit_beta(
            found.alone[voted], Grid.of_size(NODES), start, anchor=START, anchor_annotators=START_ANNOTATORS
        )
        found = _climb(problem, found.kind, replace(fitted, outliers=start.outliers), found.node)
    return found


def _climb(problem: OrderProblem, kind: OrderKind, prior: Beta | None, node: Ints) -> OrderFit:
    """EM for one kind of error, from the annotators' nodes (K,)."""
    likelihoods = [OrderLikelihood.of(p, kind, b) for p, b in zip(problem.prompts, problem.log_prior, strict=True)]
    grid, x, alone_too = Grid.of_size(NODES), logit(nodes()), len(problem.rest.sign) > 0
    # The density over log-odds, as for votes one by one.
    held = grid.log_mass(prior) - grid.log_width + np.log(grid.x) + np.log1p(-grid.x)
    reached = -np.inf
    for _ in range(STEPS):
        steps = [order_step(likelihood, node, last=False) for likelihood in likelihoods]
        objective = held + sum(step.by_node for step in steps)
        before, reached = reached, sum(s.log_likelihood for s in steps) + float(held[node].sum())
        if alone_too:
            expected, log_likelihood = _expected_of_rest(problem, x[node])
            objective, reached = objective + expected, reached + log_likelihood
        new = objective.argmax(axis=1).astype(np.int32)
        if reached - before < LEAST_GAIN or (new == node).all():
            break
        node = new
    steps = [order_step(likelihood, node, last=True) for likelihood in likelihoods]
    alone = np.asarray(sum(step.by_node for step in steps))
    if alone_too:
        alone = alone + _rest_alone(problem, x[node])
    log_likelihood = sum(step.log_likelihood for step in steps)
    return OrderFit(kind, prior, node, log_likelihood, alone, _reliability(problem, likelihoods), steps)


def _expected_of_rest(problem: OrderProblem, log_odds: Floats) -> tuple[Floats, float]:
    """(K, G) expected log-likelihood of the votes outside the judgements, and their log-likelihood now."""
    rest, grid, worth = problem.rest, Grid.of_size(NODES), problem.fit.model.worth
    temperature = problem.fit.temperature
    posterior = rest.posterior_log_odds(log_odds, temperature)
    right = rest.expected_right(posterior)
    wrong = rest.counts - right
    if worth is not None:
        right, wrong = right * worth, wrong * worth
    expected = np.outer(right, np.log(grid.x)) + np.outer(wrong, np.log1p(-grid.x))
    return expected, rest.log_likelihood(posterior, log_odds, temperature)


def _rest_alone(problem: OrderProblem, log_odds: Floats) -> Floats:
    """(K, G) log-likelihood of each annotator's votes outside the judgements, given those of all others."""
    rest, worth = problem.rest, problem.fit.model.worth
    posterior = rest.posterior_log_odds(log_odds, problem.fit.temperature)
    histograms = iv.vote_histograms(rest, posterior, log_odds)
    if worth is not None:
        histograms = histograms * worth[:, None]
    return iv.log_likelihood_on(Grid.of_size(NODES), histograms)


def _reliability(problem: OrderProblem, likelihoods: Sequence[OrderLikelihood]) -> Floats:
    """(K, G) probability that a vote of each annotator is right, at each node.

    The best of several answers is told from the others more often than two of these from one another, so it depends on
    what an annotator was asked.
    """
    eta, counts = nodes(), problem.rest.counts
    votes, right = counts.copy(), counts[:, None] * eta
    for likelihood in likelihoods:
        prompts, share = likelihood.prompts, likelihood.right_share
        for h, shape in enumerate(prompts.shapes):
            number = np.bincount(prompts.annotator[prompts.shape == h], minlength=len(counts)) * np.abs(shape).sum()
            votes, right = votes + number, right + number[:, None] * share[h]
    return np.where(votes[:, None] > 0, right / np.maximum(votes, 1e-300)[:, None], eta)


def covered_pairs(prompts: Sequence[OrderedPrompts], pairs: int) -> Bools:
    """(M,) whether each of ``pairs`` pairs belongs to one of the ``prompts``."""
    covered = np.zeros(pairs, bool)
    for p in prompts:
        covered[p.pair[p.pair >= 0]] = True
    return covered
