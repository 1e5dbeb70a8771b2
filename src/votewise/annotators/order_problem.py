"""What stays the same while kinds of errors are tried on judgements that are read as orders, and the votes beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

import numpy as np

from votewise.annotators.choice_prompts import ChoicePrompts
from votewise.annotators.choice_steps import ChoiceLikelihood
from votewise.annotators.fitted import Fit
from votewise.annotators.order_steps import OrderLikelihood
from votewise.annotators.ordered_prompts import OrderedPrompts
from votewise.arrays import Bools, Floats
from votewise.inference import intervals as iv
from votewise.inference.observation import Evidence
from votewise.inference.orders import NODES, OrderKind, nodes
from votewise.inference.priors import Grid

Likelihood = OrderLikelihood | ChoiceLikelihood

TRIAL = 1500
"""Judgements on which all kinds of errors are tried first."""


@dataclass(frozen=True, eq=False)
class OrderProblem:
    """Everything that stays the same while kinds of errors are tried.

    Attributes:
        prompts: the judgements, by number of answers.
        log_prior: for each of them what its ``log_prior`` says about orders before any vote; None where all are equal.
        rest: the votes that are not in these judgements.
        fit: the fit of the votes one by one.
        told: called after every EM step with its largest movement of a reliability.
    """

    prompts: Sequence[OrderedPrompts | ChoicePrompts]
    log_prior: Sequence[Floats | None]
    rest: Evidence
    fit: Fit
    told: Callable[[float], None] = lambda moved: None

    @property
    def judgements(self) -> int:
        """How many judgements there are."""
        return sum(len(p.annotator) for p in self.prompts)

    def likelihoods(self, kind: OrderKind) -> list[Likelihood]:
        """The likelihoods of the judgements under a kind of error."""
        return [likelihood_of(p, kind, b) for p, b in zip(self.prompts, self.log_prior, strict=True)]

    def trial(self) -> OrderProblem:
        """A part of the prompts, with about ``TRIAL`` judgements."""
        step = max(1, self.judgements // TRIAL)
        if step == 1:
            return self
        parts = [np.arange(0, len(p.start), step) for p in self.prompts]
        prompts = [p.part(which) for p, which in zip(self.prompts, parts, strict=True)]
        before = [None if b is None else b[which] for b, which in zip(self.log_prior, parts, strict=True)]
        return replace(self, prompts=prompts, log_prior=before)


def likelihood_of(prompts: OrderedPrompts | ChoicePrompts, kind: OrderKind, log_prior: Floats | None) -> Likelihood:
    """The likelihood of judgements under a kind of error; ``log_prior`` as their prompts make it, None for equal orders."""
    if isinstance(prompts, ChoicePrompts):
        return ChoiceLikelihood.of(prompts, kind, log_prior)
    return OrderLikelihood.of(prompts, kind, log_prior)


def expected_of_rest(problem: OrderProblem, log_odds: Floats) -> tuple[Floats, float]:
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


def rest_alone(problem: OrderProblem, log_odds: Floats) -> Floats:
    """(K, G) log-likelihood of each annotator's votes outside the judgements, given those of all others."""
    rest, worth = problem.rest, problem.fit.model.worth
    posterior = rest.posterior_log_odds(log_odds, problem.fit.temperature)
    histograms = iv.vote_histograms(rest, posterior, log_odds)
    if worth is not None:
        histograms = histograms * worth[:, None]
    return iv.log_likelihood_on(Grid.of_size(NODES), histograms)


def right_shares(problem: OrderProblem, likelihoods: Sequence[Likelihood]) -> Floats:
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


def is_read_singly(prompts: OrderedPrompts | ChoicePrompts) -> TypeGuard[OrderedPrompts]:
    """Whether beliefs about the pairs of these prompts come from votes one by one."""
    return isinstance(prompts, OrderedPrompts) and len(prompts.single) > 0


def covered_pairs(prompts: Sequence[OrderedPrompts | ChoicePrompts], pairs: int) -> tuple[Bools, Bools]:
    """(M,) whether each of ``pairs`` pairs gets its belief from orders; (M,) whether from single votes nevertheless."""
    covered, single = np.zeros(pairs, bool), np.zeros(pairs, bool)
    for p in prompts:
        if is_read_singly(p):
            single[p.single] = True
        else:
            covered[p.pair[p.pair >= 0]] = True
    return covered, single
