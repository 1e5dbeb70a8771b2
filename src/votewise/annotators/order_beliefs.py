"""What follows for annotators, votes and pairs where judgements are read as orders of answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import logit

from votewise.annotators.fitted import Fit, OrderBeliefs
from votewise.annotators.order_fit import OrderFit, OrderProblem, covered_pairs, likely_order_fits
from votewise.annotators.ordered_prompts import OrderedPrompts, ordered_prompts
from votewise.arrays import Bools, Floats, Ints
from votewise.inference.diagnostic import Diagnostic
from votewise.inference.orders import KINDS, NODES, OrderKind, order_noise
from votewise.inference.priors import Grid

FINE = 4
"""Nodes of the final grid for each node of the grid on which likelihoods are computed."""

MOST_CELLS, MOST_ROWS = 12_000_000, 50_000_000
"""Judgements times orders times settings, and annotators times shapes times orders times settings, beyond which a kind of
error is not tried: a pass over the judgements takes about a second."""

WORDS: dict[OrderKind, str] = {
    "whole": "a judgement is right as a whole, or random",
    "alike": "all comparisons are equally hard",
    "half": "some judgements are random as a whole, in others single comparisons are wrong",
    "prompts": "some prompts are harder than others",
    "qualities": "answers of nearly equal quality are confused most",
}


def with_orders(fit: Fit, answers: Ints | None) -> Fit:
    """Read the judgements as orders where that is possible, starting from a fit of their votes one by one.

    Args:
        fit: the fit of the votes one by one.
        answers: (M, 2) see ``Votes.answers``.

    Returns:
        ``fit`` with other reliabilities, another prior and ``orders``; as it was where no judgement can be read so.
    """
    evidence, k = fit.model.evidence, len(fit.log_odds)
    prompts = list(ordered_prompts(evidence, answers))
    kinds = [kind for kind in KINDS if prompts and _is_affordable(prompts, kind, k)]
    if not kinds:
        return fit
    covered = covered_pairs(prompts, len(evidence.margin))
    margin = fit.temperature * evidence.margin
    before = [p.log_prior(margin) if evidence.informed else None for p in prompts]
    problem = OrderProblem(prompts, before, evidence.select(~covered), fit)
    likely, share = likely_order_fits(problem, kinds)
    return _average(problem, likely, share, covered)


def _is_affordable(prompts: Sequence[OrderedPrompts], kind: OrderKind, annotators: int) -> bool:
    cells = [len(p.orders.place) * len(order_noise(p.orders.n, kind).log_weight) for p in prompts]
    judged = sum(c * len(p.annotator) for c, p in zip(cells, prompts, strict=True))
    rows = max(c * len(p.shapes) * annotators for c, p in zip(cells, prompts, strict=True))
    return judged <= MOST_CELLS and rows <= MOST_ROWS


def _average(problem: OrderProblem, likely: Sequence[OrderFit], share: Floats, covered: Bools) -> Fit:
    """The average over the likely kinds of errors."""
    fit, best = problem.fit, likely[int(np.argmax(share))]
    evidence = fit.model.evidence
    mass = np.asarray(sum(w * _mass(f) for w, f in zip(share, likely, strict=True)))
    log_odds = logit(mass @ Grid.of_size(mass.shape[1]).x)
    posterior = np.zeros(len(covered))
    posterior[~covered] = problem.rest.posterior_log_odds(log_odds, fit.temperature)
    by_others = evidence.log_odds_without_own_vote(posterior, log_odds)
    for i, prompts in enumerate(problem.prompts):
        known = prompts.pair >= 0
        first = sum(w * f.steps[i].p_first for w, f in zip(share, likely, strict=True))
        others = np.asarray(sum(w * f.steps[i].by_others for w, f in zip(share, likely, strict=True)))
        posterior[prompts.pair[known]] = (prompts.side * _log_odds(first))[known]
        side = evidence.sign[prompts.vote] * prompts.side[prompts.prompt[prompts.of], prompts.about]
        by_others[prompts.vote] = side * _log_odds(others[prompts.of, prompts.about])
    slopes, curvatures = np.sum([step.scores for step in best.steps], axis=0)
    widening = float(np.sqrt(np.clip(slopes / max(curvatures, 1e-300), 1.0, 4.0)))
    beliefs = OrderBeliefs(best.kind, problem.judgements, mass, posterior, by_others, widening)
    run = replace(fit.run, x=np.concatenate([log_odds, fit.run.x[len(log_odds) :]]))
    return replace(fit, model=replace(fit.model, prior=best.prior), run=run, orders=beliefs)


def _mass(found: OrderFit) -> Floats:
    """(K, FINE G) posterior mass of each annotator's reliability, on a ``Grid``."""
    from scipy.interpolate import CubicSpline  # here, because it takes a tenth of a second to import

    coarse, fine = Grid.of_size(NODES), Grid.of_size(NODES * FINE)
    middle, middles = ((g.edges[:-1] + g.edges[1:]) / 2 for g in (coarse, fine))
    log_posterior = CubicSpline(middle, found.alone, axis=1)(middles) + fine.log_mass(found.prior)
    mass = np.exp(log_posterior - log_posterior.max(axis=1, keepdims=True))
    below = np.cumsum(mass, axis=1) / mass.sum(axis=1, keepdims=True)
    # The masses belong to shares in whole rankings; a vote's reliability is another function of these for each annotator.
    borders = np.clip(CubicSpline(middle, found.reliability, axis=1)(fine.edges[1:]), 0.0, 1.0)
    borders = np.maximum.accumulate(borders, axis=1)
    wanted = np.sin(np.pi / 2 * fine.edges[1:-1]) ** 2
    at = [np.interp(wanted, b, c, left=0.0, right=1.0) for b, c in zip(borders, below, strict=True)]
    return np.diff(np.array(at), axis=1, prepend=0.0, append=1.0)


def _log_odds(p: Any) -> Floats:
    return np.asarray(logit(np.clip(p, 1e-12, 1 - 1e-12)))


def order_findings(orders: OrderBeliefs | None) -> Iterator[Diagnostic]:
    """How judgements were read; nothing where votes were taken one by one."""
    if orders is not None:
        yield Diagnostic(
            "orders",
            "info",
            f"{orders.judgements:,} judgements of 3 to 6 answers were read as orders of the answers. What explains their "
            f"errors best: {WORDS[orders.kind]}.",
        )
