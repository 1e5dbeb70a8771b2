"""Where a fit of reliabilities begins and where it ends."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import expit

from votewise.annotators.beliefs import Beliefs, predict_votes
from votewise.annotators.em_steps import ReliabilityModel, prior_pull
from votewise.annotators.fit_settings import FitSettings
from votewise.annotators.group_beliefs import GroupBeliefs
from votewise.annotators.hidden_votes import ModelScore
from votewise.arrays import Bools, Floats
from votewise.errors import many
from votewise.inference import intervals as iv
from votewise.inference.diagnostic import Diagnostic
from votewise.inference.em import EMRun
from votewise.inference.orders import KINDS, OrderKind
from votewise.inference.partial_intervals import intervals_under_all
from votewise.inference.priors import Beta


@dataclass(frozen=True, eq=False)
class Start:
    """Where an earlier fit ended, to begin from.

    Attributes:
        log_odds: (K,) logit of each reliability.
        temperature: the factor on margins, if it is fitted.
        prior: the prior, if it is fitted; None to begin with the usual one.
    """

    log_odds: Floats
    temperature: float = 1.0
    prior: Beta | None = None


@dataclass(frozen=True, eq=False)
class OrderBeliefs:
    """What follows where judgements were read as orders of answers (``votewise.annotators.order_beliefs``).

    Attributes:
        kind: which kind of error explains the judgements best, see ``votewise.inference.orders``.
        judgements: how many were read so.
        masses: (L, K, G) posterior mass of each annotator's reliability at the nodes of a ``Grid``, for each likely kind.
        plausible: (L,) how plausible each kind is, 1 for the likeliest.
        posterior: (M,) log-odds that response_a is truly better.
        by_others: (n,) log-odds that each vote is right according to everything but its judgement.
        widening: (L,) factor on intervals, because a kind of error is not quite right.
        read: (n,) whether each vote is about a prompt whose judgements were read so.
        best_only: (n,) whether all that each vote's judgement says is which answer is the best. Which pairs it compares then
            depends on what it says, so its votes cannot be predicted pair by pair.
        tried: the kinds of errors that were tried.
        at_one_end: how much of what may be outside an interval may be at one end of it, from 1/2 to 1.
        partial: how many judgements compare only some of too many answers.
    """

    kind: OrderKind
    judgements: int
    masses: Floats
    plausible: Floats
    posterior: Floats
    by_others: Floats
    widening: Floats
    read: Bools
    best_only: Bools
    tried: tuple[OrderKind, ...] = KINDS
    at_one_end: float = 1.0
    partial: int = 0

    def intervals(self, level: float, widening: Floats) -> tuple[Floats, Floats]:
        """(K,) lower and upper ends of intervals that hold whichever of the plausible kinds of error is the true one.

        Outside is at most 1 - ``level`` of the mass under every kind; of a kind that is only a tenth as plausible as
        another, ten times as much.
        """
        outside = (1 - level) / self.plausible
        some = outside < 1
        stretch = widening * self.widening[some, None]
        return intervals_under_all(self.masses[some], outside[some], stretch, at_one_end=self.at_one_end)


@dataclass(frozen=True, eq=False)
class StrengthBeliefs:
    """What follows where pairs differ (``votewise.annotators.pair_models``).

    Attributes:
        model: why they differ.
        spread: by how much: tau, or s of recurring answers.
        posterior: (M,) log-odds that response_a is truly better.
        by_others: (n,) log-odds that each vote is right according to everything but itself.
        predicted: (n,) probability of each vote being as it is, predicted from everything but itself.
        low, high: (K,) ends of the intervals of the reliabilities.
    """

    model: Literal["difficulty", "items"]
    spread: float
    posterior: Floats
    by_others: Floats
    predicted: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, eq=False)
class Fit:
    """Reliabilities that fit the votes.

    Attributes:
        settings: how the fit was made.
        model: the votes, with the prior as fitted.
        run: the last run of EM, whose end ``run.x`` is the answer.
        steps: EM steps of all runs together.
        mirrored: whether EM had first found the mirror image.
        orders: what follows where judgements were read as orders of answers; None where all votes were taken one by one.
        strengths: what follows where pairs differ; None where all are equally hard.
        compared: how well the models of pairs predict hidden votes, where that was asked for.
        groups: what follows where groups of annotators err together; None without groups.
    """

    settings: FitSettings
    model: ReliabilityModel
    run: EMRun
    steps: int = 0
    mirrored: bool = False
    orders: OrderBeliefs | None = None
    strengths: StrengthBeliefs | None = None
    compared: tuple[ModelScore, ...] = ()
    groups: GroupBeliefs | None = None

    @property
    def prior(self) -> Beta | None:
        """The prior, given or fitted; None for none."""
        return self.model.prior

    @property
    def log_odds(self) -> Floats:
        """(K,) logit of each reliability."""
        return self.model.split(self.run.x)[0]

    @property
    def temperature(self) -> float:
        """The factor on all margins."""
        return self.model.split(self.run.x)[1]

    @property
    def prior_width(self) -> float:
        """Width of the interval that the prior alone gives."""
        return iv.prior_width(self.prior, self.settings.level)

    def beliefs(self) -> Beliefs:
        """What follows for annotators, votes and pairs."""
        evidence = self.model.evidence
        if self.strengths is not None:
            posterior = self.strengths.posterior
        elif self.groups is not None:
            posterior = self.groups.posterior
        elif self.orders is not None:
            posterior = self.orders.posterior
        else:
            posterior = evidence.posterior_log_odds(self.log_odds, self.temperature)
        return Beliefs(
            log_odds=self.log_odds,
            posterior=posterior,
            confidence=evidence.confidence(posterior),
            expected_right=evidence.expected_right(posterior),
        )

    def pseudo_votes(self) -> tuple[Floats, Floats]:
        """(K,) right and (K,) wrong votes that the prior counts for in each annotator's M-step."""
        pull = prior_pull(self.model, self.log_odds)
        return pull.right, pull.wrong

    def by_others(self, posterior: Floats) -> Floats:
        """(n,) log-odds that each vote is right, without it; ``posterior`` (M,) as in ``beliefs``."""
        if self.strengths is not None:
            return self.strengths.by_others
        if self.groups is not None:
            return self.groups.by_others
        if self.orders is not None:
            return self.orders.by_others
        return self.model.evidence.log_odds_without_own_vote(posterior, self.log_odds)

    def intervals(self, posterior: Floats) -> tuple[Floats, Floats]:
        """(K,) lower and upper ends of intervals; ``posterior`` (M,) as in ``beliefs``."""
        if self.strengths is not None:
            return self.strengths.low, self.strengths.high
        if self.groups is not None:
            return self.groups.low, self.groups.high
        evidence, log_odds, worth = self.model.evidence, self.log_odds, self.model.worth
        own = iv.precision(evidence, posterior, log_odds, sum(self.pseudo_votes()))
        widening = iv.inflation(evidence, posterior, own)
        if self.orders is not None:
            return self.orders.intervals(self.settings.level, widening)
        histograms = iv.vote_histograms(evidence, posterior, log_odds)
        if worth is not None:
            own, histograms = own * worth, histograms * worth[:, None]
        return iv.reliability_intervals(histograms, self.prior, self.settings.level, log_odds, own, widening)

    def predicted(self, beliefs: Beliefs, by_others: Floats) -> Floats:
        """(n,) probability of each vote being as it is, predicted from everything except itself."""
        if self.strengths is not None:
            return self.strengths.predicted
        if self.groups is not None:
            return self.groups.predicted
        return predict_votes(self.model.evidence, beliefs, np.asarray(expit(by_others)), self.pseudo_votes())

    def findings(self) -> list[Diagnostic]:
        """What a reader should know about the run itself."""
        found = [] if self.groups is None else self.groups.findings()
        if not self.run.converged:
            text = (
                f"EM stopped after {many(self.steps, 'step')} before its tolerance was reached; raise max_iterations."
            )
            found.append(Diagnostic("not-converged", "warning", text))
        if self.mirrored:
            text = "EM first found the mirror image, which explains the votes worse; its flip was used instead."
            found.append(Diagnostic("mirror-flipped", "warning", text))
        return found

    def prior_facts(self) -> dict[str, Any]:
        """The prior as JSON can hold it."""
        if self.prior is None:
            return {"family": "none"}
        return {"family": "beta", **asdict(self.prior), "fitted": self.settings.prior == "fit"}
