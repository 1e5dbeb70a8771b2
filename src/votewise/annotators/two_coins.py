"""Two-coin annotators: how often each is right where the response shown first is better, and where the second one is.

The two-class model of Dawid and Skene [DS79, Raykar]: the classes are positions, because responses of different pairs have
nothing else in common. With alpha_k = P(votes for the first | the first is better) and beta_k = P(votes for the second |
the second is better), a vote for the first adds log(alpha / (1 - beta)) to the log-odds that the first is better, one for
the second log((1 - alpha) / beta). Where alpha = beta this is the one-coin model of ``votewise.inference.observation``.

EM from the one-coin estimate. M-step, with a Beta(c, d) prior on either coin:

    alpha_k = (expected votes for a better first + c) / (expected number of better firsts + c + d)
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import expit

from votewise.annotators.em_steps import ReliabilityModel, prior_pull
from votewise.annotators.evidence import evidence_of
from votewise.annotators.fit import fit_reliability
from votewise.annotators.fit_settings import MAX_ITERATIONS, TOLERANCE, FitSettings, PriorChoice, Progress
from votewise.annotators.identifiability import identifiability
from votewise.annotators.results import ReliabilityResult
from votewise.arrays import Floats, Signs
from votewise.data.votes import Votes
from votewise.errors import BadInputError, many
from votewise.inference.diagnostic import Diagnostic, worst_first
from votewise.inference.em import EMOptions, run_em
from votewise.inference.observation import Evidence, clipped_logit
from votewise.inference.priors import Beta


@dataclass(frozen=True, eq=False)
class TwoCoinModel:
    """What EM maximises over x, the (K,) logits of alpha followed by the (K,) logits of beta.

    Attributes:
        evidence: the n votes that are not ties.
        shown: (n,) +1 where response_a of the pair was shown first, -1 where response_b was.
        prior: the prior of either coin; None for none.
    """

    evidence: Evidence
    shown: Signs
    prior: Beta | None

    @property
    def weight(self) -> Floats:
        """(n,) how many votes each counts for."""
        return np.ones(len(self.shown)) if self.evidence.weight is None else self.evidence.weight

    @property
    def for_first(self) -> npt.NDArray[np.bool_]:
        """(n,) whether each vote is for the response shown first."""
        return np.asarray(self.evidence.sign == self.shown)

    def log_chances(self, x: Floats) -> tuple[Floats, Floats]:
        """(n,) log-probability of each vote where the response shown first is better, and where the second one is."""
        alpha, beta = (logits[self.evidence.annotator] for logits in np.split(x, 2))
        first = self.for_first
        if_first = -np.logaddexp(0, np.where(first, -alpha, alpha))
        if_second = -np.logaddexp(0, np.where(first, beta, -beta))
        return if_first, if_second

    def posterior(self, x: Floats) -> Floats:
        """(M,) log-odds that response_a is truly better."""
        if_first, if_second = self.log_chances(x)
        worth = self.weight * self.shown * (if_first - if_second)
        return self.evidence.margin + np.bincount(self.evidence.pair, worth, minlength=len(self.evidence.margin))

    def log_likelihood(self, x: Floats, posterior: Floats) -> float:
        """Log-likelihood of the votes with the truth of each pair summed out; ``posterior`` (M,) at the same x."""
        chances = self.log_chances(x)
        if_b = np.where(self.shown > 0, chances[1], chances[0])  # log-probability of each vote where b is better
        margin = self.evidence.margin
        return float((self.weight * if_b).sum() + (np.logaddexp(0, posterior) - np.logaddexp(0, margin)).sum())

    def pulls(self, x: Floats) -> tuple[Floats, Floats, float]:
        """(2K,) right and wrong votes that the prior counts for, and its log-density at x."""
        found = [prior_pull(ReliabilityModel(self.evidence, self.prior, "mean", 1.0), part) for part in np.split(x, 2)]
        right, wrong = (np.concatenate(parts) for parts in zip(*((p.right, p.wrong) for p in found), strict=True))
        return right, wrong, float(sum(p.log_density.sum() for p in found))

    def step(self, x: Floats) -> tuple[Floats, float]:
        """The point after an E-step and an M-step, and the log-posterior at ``x``."""
        posterior = self.posterior(x)
        right, wrong, log_density = self.pulls(x)
        first_better = self.weight * expit(self.shown * posterior[self.evidence.pair])
        second_better = self.weight - first_better
        annotator, first, k = self.evidence.annotator, self.for_first, len(x) // 2
        hits = np.concatenate(
            [
                np.bincount(annotator, first_better * first, minlength=k),
                np.bincount(annotator, second_better * ~first, minlength=k),
            ]
        )
        tried = np.concatenate(
            [np.bincount(annotator, first_better, minlength=k), np.bincount(annotator, second_better, minlength=k)]
        )
        number = tried + right + wrong
        with np.errstate(invalid="ignore", divide="ignore"):
            new = np.where(number > 0, clipped_logit((hits + right) / number), x)
        return new, self.log_likelihood(x, posterior) + log_density


@dataclass(frozen=True, eq=False)
class TwoCoinResult:
    """Beliefs about annotators, votes and pairs under the two-coin model.

    Attributes:
        annotators: one row per annotator: ``annotator``, ``votes`` (without ties), ``right_if_first`` (alpha),
            ``right_if_second`` (beta), ``reliability`` (their mean: with random positions, the share of right votes)
            and ``first_bias`` (alpha - beta, positive for a preference for the first).
        confidence: (n,) probability that each vote agrees with the truth; NaN for a tie.
        p_a: (M,) probability that response_a is truly better.
        log_likelihood: of the votes, in nats; ``one_coin`` the same at the one-coin estimate that EM began at.
        converged: whether the tolerance was reached. ``history``: log-posterior after each accepted step.
        diagnostics: what a reader should know, worst first.
    """

    annotators: pa.Table = field(repr=False)
    confidence: Floats = field(repr=False)
    p_a: Floats = field(repr=False)
    log_likelihood: float
    one_coin: float
    converged: bool
    history: tuple[float, ...] = field(repr=False)
    diagnostics: tuple[Diagnostic, ...] = ()

    def beside(self, result: ReliabilityResult) -> ReliabilityResult:
        """The one-coin estimate of the same votes with the columns ``right_if_first`` and ``right_if_second``."""
        annotators = result.annotators
        for name in ("right_if_first", "right_if_second"):
            annotators = annotators.append_column(name, self.annotators[name])
        return replace(result, annotators=annotators)

    def facts(self) -> dict[str, Any]:
        """What JSON can hold: ``log_likelihood``, ``one_coin``, ``converged``."""
        return {"log_likelihood": self.log_likelihood, "one_coin": self.one_coin, "converged": self.converged}


def estimate_two_coins(
    votes: Votes,
    *,
    margins: npt.ArrayLike | None = None,
    prior: PriorChoice = "fit",
    tolerance: float = TOLERANCE,
    max_iterations: int = MAX_ITERATIONS,
    accelerate: bool = True,
    progress: Progress | None = None,
) -> TwoCoinResult:
    """Estimate how often each annotator is right where the response shown first is better, and where the second one is.

    A baseline beside ``estimate_reliability``: twice the parameters, and no intervals.

    Args:
        votes: votes that say which response was shown first; a tie counts neither for an annotator nor against one.
        margins: (M,) log-odds that response_a of each pair is truly better; the votes' own by default, 0 without any.
        prior: what is believed of either coin before any vote: ``"fit"`` (the prior of reliabilities that the one-coin
            estimate fits), a ``Beta(c, d)``, or ``None``.
        tolerance: largest movement of a coin in one EM step that counts as none.
        max_iterations: most EM steps, of the one-coin and of the two-coin model each.
        accelerate: extrapolate between EM steps; the answer is the same.
        progress: called after every EM step.

    Raises:
        BadInputError: votes without positions, or of judgements (rankings); a setting out of range; margins that do not fit.
    """
    if votes.swapped is None:
        raise BadInputError(
            "two coins need to know which response was shown first",
            expected="a column that says so, or estimate_reliability",
        )
    if votes.judgement is not None:
        raise BadInputError(
            "two coins take every vote on its own, and these come from judgements such as rankings",
            expected="votes without a judgement column, or estimate_reliability",
        )
    settings = FitSettings(
        prior=prior, intervals=False, tolerance=tolerance, max_iterations=max_iterations, accelerate=accelerate
    )
    evidence = evidence_of(votes if margins is None else votes.with_margins(margins))
    one_coin = fit_reliability(evidence, settings, progress=progress)
    swapped = votes.swapped if evidence.decided is None else votes.swapped[evidence.decided]
    model = TwoCoinModel(evidence, np.where(swapped, -1, 1).astype(np.int8), one_coin.prior)
    start = np.concatenate([one_coin.log_odds, one_coin.log_odds])
    run = run_em(
        model.step,
        start,
        EMOptions(
            tolerance=tolerance,
            max_iterations=max_iterations,
            accelerate=accelerate,
            on_iteration=None if progress is None else lambda i, moved: progress("EM", one_coin.steps + i, moved),
        ),
        distance=lambda x, y: float(np.abs(expit(x) - expit(y)).max()),
    )
    posterior = model.posterior(run.x)
    found = list(identifiability(evidence))
    if not run.converged:
        text = (
            f"EM stopped after {many(run.iterations, 'step')} before its tolerance was reached; raise max_iterations."
        )
        found.append(Diagnostic("not-converged", "warning", text))
    confidence = np.full(len(votes), np.nan)
    confidence[slice(None) if evidence.decided is None else evidence.decided] = evidence.confidence(posterior)
    alpha, beta = np.split(expit(run.x), 2)
    return TwoCoinResult(
        annotators=pa.table(
            {
                "annotator": votes.annotator_ids,
                "votes": np.bincount(evidence.annotator, minlength=votes.n_annotators),
                "right_if_first": alpha,
                "right_if_second": beta,
                "reliability": (alpha + beta) / 2,
                "first_bias": alpha - beta,
            }
        ),
        confidence=confidence,
        p_a=np.asarray(expit(posterior)),
        log_likelihood=model.log_likelihood(run.x, posterior),
        one_coin=model.log_likelihood(start, model.posterior(start)),
        converged=run.converged,
        history=run.history,
        diagnostics=tuple(worst_first(found)),
    )
