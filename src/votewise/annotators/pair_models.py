"""Models in which pairs differ: which one explains the votes, and what follows from it.

``difficulty``: some pairs are harder than others. ``items``: answers that recur in several pairs have a strength of their
own. ``equal`` is the model of ``votewise.annotators.fit``. ``auto`` hides one vote of each pair, and takes a larger model
only where it predicts these votes better than ``equal`` by two standard errors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
from scipy.special import expit, logit

from votewise.annotators.evidence import evidence_of
from votewise.annotators.fit import fit_reliability
from votewise.annotators.fit_settings import FitSettings, PriorChoice, Progress
from votewise.annotators.fitted import Fit, StrengthBeliefs
from votewise.annotators.hidden_votes import HiddenVotes, ModelScore, hide_votes, score_model
from votewise.arrays import Floats, Ints
from votewise.data.answer_codes import answer_codes, recurring
from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.inference.answer_strengths import fit_answers
from votewise.inference.diagnostic import Diagnostic
from votewise.inference.em import EMRun
from votewise.inference.observation import Evidence, vote_probability
from votewise.inference.pair_strengths import StrengthFit, fit_difficulty

PairModel = Literal["equal", "difficulty", "items", "auto"]
LargerModel = Literal["difficulty", "items"]
PAIR_MODELS: tuple[PairModel, ...] = ("equal", "difficulty", "items", "auto")

MEANING: dict[LargerModel, str] = {
    "difficulty": "pairs differ in difficulty; p_a is what this pair's voters say, and a vote on a hard pair says less",
    "items": "answers have a strength that they keep in every pair; p_a is also about which answer is better in general, "
    "and on pairs with a clear majority it is right a little less often than with equal pairs",
}


def check_pair_model(model: str, evidence: Evidence, answers: Ints | None, settings: FitSettings) -> None:
    """Raise BadInputError where a model of pairs does not go with the votes or the other settings."""
    if model not in PAIR_MODELS:
        raise BadInputError("no such model", parameter="model", value=model, expected=", ".join(PAIR_MODELS))
    if model == "equal":
        return
    reasons = {
        "votes of judgements such as rankings": evidence.judgement is not None,
        "shared_pairs=False": not settings.shared_pairs,
        "point='mode'": settings.point == "mode",
        "a fitted temperature": settings.temperature == "fit",
    }
    for what, given in reasons.items():
        if given:
            raise BadInputError(
                f"pairs that differ do not go with {what}", parameter="model", value=model, expected="model 'equal'"
            )
    if model == "items" and answers is None:
        raise BadInputError(
            "nothing says which pairs have an answer in common",
            parameter="model",
            value=model,
            expected="votes with texts, or model 'difficulty'",
        )
    if model == "items" and answers is not None and not recurring(answers):
        raise BadInputError(
            "no answer is in two pairs", parameter="model", value=model, expected="model 'difficulty' or 'equal'"
        )


def compare_pair_models(
    evidence: Evidence,
    answers: Ints | None,
    settings: FitSettings,
    progress: Progress | None = None,
    *,
    seed: int = 0,
) -> list[ModelScore]:
    """Predict one hidden vote of each pair with every model that the votes allow; ``equal`` is the first.

    Returns:
        No scores where no pair has two votes.
    """
    hidden = hide_votes(evidence, seed)
    if hidden is None:
        return []
    fit = fit_reliability(hidden.rest, settings, progress=progress)
    beliefs = fit.beliefs()
    p_a = np.asarray(expit(beliefs.posterior[hidden.pair]))
    equal = vote_probability(p_a, beliefs.reliability[hidden.annotator])
    scores = [score_model("equal", hidden, equal, equal)]
    models: list[LargerModel] = ["difficulty"]
    if answers is not None and recurring(answers):
        models.append("items")
    for model in models:
        found = _fit(model, fit, answers, progress)
        scores.append(score_model(model, hidden, _predict(found, hidden), equal, found.spread))
    return scores


def compare_models(votes: Votes, *, prior: PriorChoice = "fit", progress: Progress | None = None) -> list[ModelScore]:
    """Predict one hidden vote of each pair with every model of pairs that the votes allow; ``equal`` is the first.

    Args:
        votes: the votes, at least two on some pair. Ties are left out.
        prior: of reliabilities, as in ``estimate_reliability``.
        progress: called after every step.

    Raises:
        BadInputError: votes of judgements such as rankings, or no pair with two votes.
    """
    settings = FitSettings(prior=prior, intervals=False)
    evidence = evidence_of(votes)
    check_pair_model("difficulty", evidence, None, settings)
    scores = compare_pair_models(evidence, answer_codes(votes), settings, progress)
    if not scores:
        raise BadInputError(
            "no pair has two votes, so none can be hidden",
            parameter="compare_models",
            expected="several votes per pair",
        )
    return scores


def best_model(scores: list[ModelScore]) -> Literal["equal", "difficulty", "items"]:
    """The model that predicts hidden votes best, if it beats equal pairs by two standard errors; else ``equal``.

    ``items`` must also beat ``difficulty``, by two standard errors of its gain: it changes what the answer is about.
    """
    winners = {score.model: score for score in scores if score.wins}
    items, difficulty = winners.get("items"), winners.get("difficulty")
    if items is not None and (difficulty is None or items.gain - difficulty.gain > 2 * items.standard_error):
        return "items"
    return "equal" if difficulty is None else "difficulty"


def with_pair_model(fit: Fit, wanted: PairModel, answers: Ints | None, progress: Progress | None = None) -> Fit:
    """Let pairs differ, starting from the fit of equal pairs; ``fit`` itself for the model ``equal``.

    Args:
        fit: the fit of equal pairs.
        wanted: see ``votewise.annotators.pair_models``.
        answers: (M, 2) codes of the pairs' answers, for ``items``; see ``votewise.data.answer_codes``.
        progress: called after every sweep.
    """
    scores: tuple[ModelScore, ...] = ()
    if wanted == "auto":
        scores = tuple(compare_pair_models(fit.model.evidence, answers, fit.settings, progress))
    model = best_model(list(scores)) if wanted == "auto" else wanted
    if model == "equal":
        return replace(fit, compared=scores)
    found = _fit(model, fit, answers, progress)
    messages = found.messages
    tails = (1 - fit.settings.level) / 2
    low, high = (found.over_pairs(ends) for ends in messages.quantiles((tails, 1 - tails)))
    log_odds = logit(messages.mean(found.over_pairs))
    strengths = StrengthBeliefs(
        model=model,
        spread=found.spread,
        posterior=messages.log_odds,
        by_others=logit(np.clip(messages.by_others(), 1e-12, 1 - 1e-12)),
        predicted=messages.predicted(),
        low=low,
        high=high,
    )
    return replace(
        fit,
        model=replace(fit.model, prior=found.prior),
        run=EMRun(log_odds, found.converged, found.sweeps, ()),
        steps=fit.steps + found.sweeps,
        strengths=strengths,
        compared=scores,
    )


def pair_model_findings(fit: Fit) -> list[Diagnostic]:
    """What the model of pairs means for the numbers; nothing where only equal pairs were asked for."""
    if fit.strengths is not None:
        text = f"Model '{fit.strengths.model}' (spread {fit.strengths.spread:.2f}): {MEANING[fit.strengths.model]}."
    elif fit.compared:
        text = "Model 'equal': no larger model predicts hidden votes better by two standard errors."
    else:
        return []
    return [Diagnostic("pair-model", "info", text)]


def _fit(model: LargerModel, fit: Fit, answers: Ints | None, progress: Progress | None) -> StrengthFit:
    watch: Callable[[int, float], None] | None = None
    if progress is not None:
        watch = lambda sweeps, moved: progress(f"Belief propagation, {model}", sweeps, moved)  # noqa: E731
    refit = fit.settings.prior == "fit"
    evidence, start, prior = fit.model.evidence, fit.log_odds, fit.prior
    if fit.temperature != 1 and evidence.informed:
        evidence = evidence.with_margin(fit.temperature * evidence.margin)
    if model == "items" and answers is not None:
        return fit_answers(evidence, answers, start, prior, refit_prior=refit, watch=watch)
    return fit_difficulty(evidence, start, prior, refit_prior=refit, watch=watch)


def _predict(found: StrengthFit, hidden: HiddenVotes) -> Floats:
    return found.messages.predict(hidden.pair, hidden.annotator)
