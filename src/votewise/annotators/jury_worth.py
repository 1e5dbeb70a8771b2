"""What a jury of judges is worth: to each figure its definition in docs/judges.md, and an interval over pairs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import expit

from votewise.annotators.jury_figures import Figure, JuryTogether, JuryWorth
from votewise.annotators.jury_judges import judge_figures
from votewise.annotators.jury_resampling import Resampling
from votewise.annotators.jury_votes import JuryVotes
from votewise.annotators.jury_without_reference import without_reference
from votewise.arrays import Floats, Ints, Signs
from votewise.inference.jury_model import (
    JuryModel,
    cheapest_part,
    fit_jury,
    kish_judges,
    mean_error_correlation,
    votes_to_settle,
    worth_in_judges,
)

FOLDS = 10
SURE = 0.95
"""A pair is settled when one answer has this probability."""
USUAL_PERSON = 0.8
"""Reliability of the people to be asked where no votes of people tell it."""
KEPT = 0.95
"""Share of what the jury knows that the cheapest part must know."""


def jury_worth(
    votes: JuryVotes, *, costs: Mapping[str, float] | None = None, level: float = 0.95, seed: int = 0
) -> JuryWorth:
    """Measure a jury.

    Args:
        votes: what its judges say.
        costs: what each judge costs, by name; 1 each without.
        level: of the intervals, which are percentiles over pairs drawn anew.
        seed: of the drawing.
    """
    reference, kind = votes.reference
    rng = np.random.default_rng(seed)
    cost = np.array([1.0 if costs is None else float(costs.get(name, 0.0)) for name in votes.names])
    if not cost.sum() > 0:
        cost = np.ones(len(cost))
    draw = Resampling(level, rng)
    singles = tuple(judge_figures(votes, j, reference, float(cost[j]), draw) for j in range(len(votes.names)))
    person, known = _person(votes)
    together = _together(votes, reference, cost, person, draw)
    notes = []
    if together is None:
        notes.append(without_reference(votes))
        kind = None
    elif kind == "people":
        notes.append("Judges are compared with the majority of people, so people's own errors count as the judges'.")
    return JuryWorth(singles, len(votes.gold), kind, together, person, known, level, tuple(notes))


def _together(votes: JuryVotes, reference: Signs, cost: Floats, person: float, draw: Resampling) -> JuryTogether | None:
    said, j = votes.said, len(votes.names)
    right = np.where((said != 0) & (reference != 0)[:, None], (said == reference[:, None]).astype(float), np.nan)
    at = np.flatnonzero(np.isfinite(right).any(axis=1)).astype(np.int32)
    if len(at) < FOLDS:
        return None

    def numbers(some: Ints) -> list[float]:
        model, phi = fit_jury(right[some], votes.family), mean_error_correlation(right[some])
        sure = expit(np.abs(model.log_odds(rows)))[row[some]].mean()
        return [phi, kish_judges(j, phi) if j > 1 else 1.0, worth_in_judges(model), float(sure)]

    rows, row = np.unique(said, axis=0, return_inverse=True)
    row = row.ravel()
    correlation, kish, worth, itself = draw.of(numbers, at)
    model = fit_jury(right[at], votes.family)
    odds, chosen = _from_other_pairs(votes, right, at, draw.rng)
    sure = float(expit(np.abs(odds)).mean())
    good = np.where(odds == 0, 0.5, (np.sign(odds) == reference[at]).astype(float))
    votes_for = said[at].sum(axis=1)
    most = np.where(votes_for == 0, 0.5, (np.sign(votes_for) == reference[at]).astype(float))
    part = cheapest_part(model, cost, KEPT)
    told = model.information()
    log_odds = _log_odds(model, said)
    open_ = (np.abs(log_odds) < np.log(SURE / (1 - SURE))) & votes.spoke.any(axis=1)
    return JuryTogether(
        compared=len(at),
        kish=kish,
        worth=worth,
        correlation=correlation,
        within=model.within,
        across=model.across,
        jury=draw.mean(good),
        majority=draw.mean(most),
        # How sure a jury is hangs on its fit more than on the pairs, so the fit is drawn anew, too. That fit sees the pairs
        # that it judges, unlike the one behind the figure, which may then lie beyond an end.
        said=Figure(sure, min(itself.low, sure), max(itself.high, sure)),
        best=draw.mean(chosen),
        ahead=draw.mean(good - chosen, least=-1.0),
        best_name=votes.names[_best(right[at])],
        cheapest=tuple(votes.names[k] for k in part),
        cheapest_share=model.only(part).information() / told if told > 0 else float("nan"),
        cheapest_cost=float(cost[part].sum() / cost.sum()),
        open_pairs=int(open_.sum()),
        human_votes=float(votes_to_settle(log_odds[open_], person, SURE).sum()),
        probability=np.where(votes.spoke.any(axis=1), expit(log_odds), np.nan),
    )


def _log_odds(model: JuryModel, said: Signs) -> Floats:
    """(M,) log-odds by the model; equal rows are computed once."""
    rows, where = np.unique(said, axis=0, return_inverse=True)
    return np.asarray(model.log_odds(rows)[where.ravel()])


def _halves(right: Floats) -> Floats:
    """Right verdicts as 1, wrong ones as 0, and one half where a judge says nothing, or both."""
    return np.where(np.isfinite(right), right, 0.5)


def _best(right: Floats) -> int:
    """The judge that is right most often, where nothing said counts as one half."""
    return int(np.argmax(_halves(right).mean(axis=0)))


def _from_other_pairs(votes: JuryVotes, right: Floats, at: Ints, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """For the pairs ``at``: the jury's log-odds, and whether the best judge is right, both from other pairs' fits."""
    fold = rng.permutation(len(at)) % min(FOLDS, len(at))
    odds, best = np.zeros(len(at)), np.zeros(len(at))
    for number in np.unique(fold):
        out = fold == number
        others = right[at[~out]]
        odds[out] = _log_odds(fit_jury(others, votes.family), votes.said[at[out]])
        best[out] = _halves(right[at[out], _best(others)])
    return odds, best


def _person(votes: JuryVotes) -> tuple[float, bool]:
    """Reliability of one person: from gold where there is any, else from how often two people agree."""
    pair, sign = votes.human_votes
    gold = votes.gold[pair] if len(pair) else np.zeros(0, np.int8)
    if (gold != 0).sum() >= 20:
        return float(np.clip((sign == gold)[gold != 0].mean(), 0.55, 0.99)), True
    number, total = np.bincount(pair, minlength=len(votes.gold)), np.bincount(pair, sign, minlength=len(votes.gold))
    several = number > 1
    if several.sum() < 20:
        return USUAL_PERSON, False
    # E[v w] = (2 eta - 1)^2 for two votes on one pair.
    products = (total**2 - number)[several].sum() / (number * (number - 1))[several].sum()
    return float(np.clip((1 + np.sqrt(max(products, 0.0))) / 2, 0.55, 0.99)), True
