"""What follows for annotators, votes and pairs where judgements are read as orders of answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import logit

from votewise.annotators.choice_prompts import ChoicePrompts
from votewise.annotators.find_orders import MOST_SAMPLED_FROM, SAMPLED, ordered_prompts
from votewise.annotators.fit_settings import Progress
from votewise.annotators.fitted import Fit, OrderBeliefs
from votewise.annotators.judged_prompts import best_of
from votewise.annotators.judgements import judgements_of
from votewise.annotators.order_fit import OrderFit, likely_order_fits, plausible_kinds, share_at_one_end
from votewise.annotators.order_problem import OrderProblem, covered_pairs, is_read_singly
from votewise.annotators.ordered_prompts import OrderedPrompts
from votewise.arrays import Bools, Floats, Ints
from votewise.errors import many
from votewise.inference.diagnostic import Diagnostic
from votewise.inference.em import EMRun
from votewise.inference.orders import KINDS, MOST_ANSWERS, NODES, OrderKind
from votewise.inference.priors import Grid

FINE = 4
"""Nodes of the final grid for each node of the grid on which likelihoods are computed."""

MOST_CELLS, MOST_ROWS = 30_000_000, 50_000_000
"""Judgements times orders times settings, and annotators times shapes times orders times settings, beyond which a kind of
error is not tried: a pass over the judgements takes about a second."""

WORDS: dict[OrderKind, str] = {
    "whole": "a judgement is right as a whole, or random",
    "alike": "all comparisons are equally hard",
    "half": "some judgements are random as a whole, in others single comparisons are wrong",
    "prompts": "some prompts are harder than others",
    "qualities": "answers of nearly equal quality are confused most",
}


def with_orders(fit: Fit, answers: Ints | None, progress: Progress | None = None) -> Fit:
    """Read the judgements as orders where that is possible, starting from a fit of their votes one by one.

    Args:
        fit: the fit of the votes one by one.
        answers: (M, 2) see ``Votes.answers``.
        progress: called after every EM step.

    Returns:
        ``fit`` with other reliabilities, another prior and ``orders``; as it was where no judgement can be read so.
    """
    evidence, k = fit.model.evidence, len(fit.log_odds)
    prompts = list(ordered_prompts(evidence, answers))
    kinds = [kind for kind in KINDS if prompts and _is_affordable(prompts, kind, k)]
    if not kinds:
        return fit
    covered, single = covered_pairs(prompts, len(evidence.margin))
    margin = fit.temperature * evidence.margin
    before = [p.log_prior(margin) if evidence.informed else None for p in prompts]
    count = _Counted(fit.steps, progress)
    problem = OrderProblem(prompts, before, evidence.select(~(covered | single)), fit, count)
    likely, plausible = likely_order_fits(problem, kinds)
    found = _average(problem, likely, plausible, covered, single)
    partial = sum(p.partial for p in prompts if is_read_singly(p))
    orders = None if found.orders is None else replace(found.orders, tried=tuple(kinds), partial=partial)
    return replace(found, steps=count.steps, orders=orders)


class _Counted:
    """Counts EM steps, and reports each."""

    def __init__(self, steps: int, progress: Progress | None) -> None:
        self.steps, self._progress = steps, progress

    def __call__(self, moved: float) -> None:
        self.steps += 1
        if self._progress is not None:
            self._progress("EM over orders", self.steps, moved)


def _is_affordable(prompts: Sequence[OrderedPrompts | ChoicePrompts], kind: OrderKind, annotators: int) -> bool:
    rows = max(p.row(kind) * len(p.shapes) * annotators for p in prompts)
    return sum(p.cells(kind) for p in prompts) <= MOST_CELLS and rows <= MOST_ROWS


def _average(
    problem: OrderProblem, likely: Sequence[OrderFit], plausible: Floats, covered: Bools, single: Bools
) -> Fit:
    """The average over the likely kinds of errors; ``covered`` and ``single`` (M,) as in ``covered_pairs``."""
    fit, best = problem.fit, max(likely, key=lambda f: f.climb.by_prompt.sum())
    evidence = fit.model.evidence
    share = plausible_kinds(np.stack([f.climb.by_prompt for f in likely]))
    share /= share.sum()
    masses = np.stack([_mass(f) for f in likely])
    log_odds = logit(np.tensordot(share, masses, 1) @ Grid.of_size(masses.shape[2]).x)
    posterior = np.zeros(len(covered))
    posterior[~covered] = evidence.select(~covered).posterior_log_odds(log_odds, fit.temperature)
    by_others = evidence.log_odds_without_own_vote(posterior, log_odds)
    best_only = np.zeros(len(by_others), bool)
    for i, prompts in enumerate(problem.prompts):
        best_only[prompts.vote] = (prompts.shapes == best_of(prompts.n)).all(axis=1)[prompts.shape[prompts.of]]
        if is_read_singly(prompts):
            continue
        known = prompts.pair >= 0
        first = sum(w * f.steps[i].p_first for w, f in zip(share, likely, strict=True))
        others = np.asarray(sum(w * f.steps[i].by_others for w, f in zip(share, likely, strict=True)))
        posterior[prompts.pair[known]] = (prompts.side * _log_odds(first))[known]
        side = evidence.sign[prompts.vote] * prompts.side[prompts.prompt[prompts.of], prompts.about]
        by_others[prompts.vote] = side * _log_odds(others[prompts.of, prompts.about])
    widening = np.array([_widening(f) for f in likely])
    read = (covered | single)[evidence.pair]
    one_end = share_at_one_end([f.climb for f in likely])
    beliefs = OrderBeliefs(
        best.climb.kind,
        problem.judgements,
        masses,
        plausible,
        posterior,
        by_others,
        widening,
        read,
        best_only,
        at_one_end=one_end,
    )
    run = EMRun(
        np.concatenate([log_odds, fit.run.x[len(log_odds) :]]),
        best.climb.converged,
        len(best.climb.history),
        best.climb.history,
    )
    return replace(fit, model=replace(fit.model, prior=best.climb.prior), run=run, orders=beliefs)


def _widening(found: OrderFit) -> float:
    """How much wider intervals are because the kind of error is not quite right [Godambe]."""
    slopes, curvatures = np.sum([step.scores for step in found.steps], axis=0)
    return float(np.sqrt(np.clip(slopes / max(curvatures, 1e-300), 1.0, 4.0)))


def _mass(found: OrderFit) -> Floats:
    """(K, FINE G) posterior mass of each annotator's reliability, on a ``Grid``."""
    from scipy.interpolate import CubicSpline  # here, because it takes a tenth of a second to import

    coarse, fine = Grid.of_size(NODES), Grid.of_size(NODES * FINE)
    middle, middles = ((g.edges[:-1] + g.edges[1:]) / 2 for g in (coarse, fine))
    log_posterior = CubicSpline(middle, found.alone, axis=1)(middles) + fine.log_mass(found.climb.prior)
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


def order_findings(fit: Fit, answers: Ints | None) -> Iterator[Diagnostic]:
    """How judgements of several votes were read; nothing where there are none.

    Args:
        fit: what ``with_orders`` returned, or what it was given.
        answers: (M, 2) see ``Votes.answers``.
    """
    orders, evidence = fit.orders, fit.model.evidence
    if orders is not None:
        yield Diagnostic(
            "orders",
            "info",
            f"Read as orders of the answers: {many(orders.judgements, 'judgement')} of 3 answers or more (where there are "
            f"more than {MOST_ANSWERS} answers and not only the best is named, as orders of {SAMPLED} of them). "
            f"What explains their errors best: {WORDS[orders.kind]}.",
        )
        untried = [WORDS[kind] for kind in KINDS if kind not in orders.tried]
        if untried:
            yield Diagnostic(
                "orders-untried",
                "warning",
                f"There are too many judgements to try all explanations of their errors; not tried: {'; '.join(untried)}. "
                "Where that is how they go wrong, intervals may be too narrow.",
            )
        if orders.partial:
            yield Diagnostic(
                "choices-of-many",
                "warning",
                f"In {many(orders.partial, 'judgement')}, only some of more than {MOST_ANSWERS} answers are compared, such "
                "as the best with the others, in prompts that are judged in other ways, too. "
                f"{SAMPLED} answers are looked at, and where the best is not one of them, nothing is left. Where few whole "
                "rankings stand beside such judgements, reliabilities may come out up to 0.1 too high, and their intervals "
                "too narrow.",
            )
    judgements = judgements_of(evidence)
    if judgements is None:
        return
    read = np.zeros(len(evidence.pair), bool) if orders is None else orders.read
    left = int(((judgements.size > 1) & (judgements.sums(read.astype(np.float64)) == 0)).sum())
    if left:
        why = f"they have more than {MOST_SAMPLED_FROM} answers, contradict themselves, or are too many"
        if answers is None:
            why = "it is not known which answers their pairs have in common"
        elif evidence.weighted:
            why = f"votes of one judgement have several weights, {why.removeprefix('they ')}"
        yield Diagnostic(
            "one-by-one",
            "warning",
            f"Counted one vote at a time: {many(left, 'judgement')} of several votes, because {why}. Reliabilities may come "
            "out up to 0.05 too high where some answers are harder to tell apart or only the best one is named, and their "
            "intervals too narrow.",
        )
