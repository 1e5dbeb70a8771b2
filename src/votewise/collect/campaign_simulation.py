"""A campaign with simulated annotators: how many votes it takes, how often it is right, and how often it says so.

All annotators work at the same time and equally fast: each has at most one pair, and whoever votes asks for the next one.
Without difficulty a vote of annotator k is right with probability eta_k. With difficulty tau it is right with probability
sigmoid(a_k d_i), where a_k = logit(eta_k) and log d_i ~ N(0, tau^2): eta_k is then the reliability on a median pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit, ndtri

from votewise.annotators.audited_tables import audited_reliability
from votewise.arrays import Floats
from votewise.collect.assignment import AssignmentRule
from votewise.collect.audited_accuracy import AuditedAccuracy, AuditVotes, audited_accuracy
from votewise.collect.campaign import Campaign
from votewise.errors import BadInputError
from votewise.inference.observation import clipped_logit
from votewise.simulate.distributions import read_prior


@dataclass(frozen=True)
class CampaignWorld:
    """Who votes, and on what.

    Attributes:
        reliability: a prior that ``votewise.simulate.distributions.read_prior`` knows, or (K,) reliabilities.
        annotators: number K of annotators; that of the reliabilities where they are given.
        pairs: number of pairs.
        difficulty: tau, how much pairs differ in difficulty; 0 for equally hard pairs.
        margins_right: how often a reward model with calibrated margins is right; None for margins of 0.
    """

    reliability: Any = "beta:6,2"
    annotators: int = 30
    pairs: int = 1000
    difficulty: float = 0.0
    margins_right: float | None = None

    def __post_init__(self) -> None:
        if self.margins_right is not None and not 0.5 < self.margins_right < 1:
            raise BadInputError(
                "out of range", parameter="margins_right", value=self.margins_right, expected="between 0.5 and 1"
            )
        if self.difficulty < 0:
            raise BadInputError("out of range", parameter="difficulty", value=self.difficulty, expected="at least 0")

    def draw_reliabilities(self, rng: np.random.Generator) -> Floats:
        """(K,) reliabilities: those given, or draws of the prior."""
        if isinstance(self.reliability, str):
            return read_prior(self.reliability).draw(self.annotators, rng)
        return np.asarray(self.reliability, np.float64)

    def draw_margins(self, truth: Floats, rng: np.random.Generator) -> Floats:
        """(M,) log-odds of a calibrated reward model: normal with mean z v / 2 and variance v, v = 4 Phi^-1(right)^2."""
        if self.margins_right is None:
            return np.zeros(len(truth))
        deviation = 2 * float(ndtri(self.margins_right))
        return np.asarray(truth * deviation**2 / 2 + deviation * rng.standard_normal(len(truth)))


@dataclass(frozen=True)
class SimulatedCampaign:
    """What a campaign came to.

    Attributes:
        votes: votes a pair, audit votes left out.
        audit_share: share of audit votes among all votes.
        right: share of pairs whose label is right.
        claimed: what the posteriors claim that share to be.
        contested: share of pairs that had all their votes and are not sure.
        finished: share of pairs that are finished.
        retired: annotators who got no more pairs at the end.
        most: largest number of pairs of one annotator, as a multiple of a fair share of all.
        audited: the accuracy that audit votes show, for finished pairs.
        checked: the same where the owner, always right, looks at the drawn pairs.
        finished_right: share of finished pairs whose label is right: what these two estimate.
    """

    votes: float
    audit_share: float
    right: float
    claimed: float
    contested: float
    finished: float
    retired: int
    most: float
    audited: AuditedAccuracy
    checked: AuditedAccuracy
    finished_right: float


def audit_reliabilities(folder: str | Path) -> Floats:
    """(K,) the reliabilities in a folder that ``votewise audit`` wrote; BadInputError where there are none."""
    return np.array(list(audited_reliability(Path(folder)).values()), np.float64)


def simulate_campaign(rule: AssignmentRule, world: CampaignWorld, *, seed: int = 0) -> SimulatedCampaign:
    """Run one campaign to its end: until nobody can be given a pair any more."""
    rng = np.random.default_rng([seed, 1])
    eta = world.draw_reliabilities(rng)
    truth = rng.choice(np.array([-1, 1]), world.pairs)
    skill = clipped_logit(eta)
    ease = np.exp(world.difficulty * rng.standard_normal(world.pairs))
    campaign = Campaign(rule, world.pairs, len(eta), seed=seed, margins=world.draw_margins(truth.astype(float), rng))
    _work(campaign, truth, skill, ease, rng)
    campaign.refit()
    _work(campaign, truth, skill, ease, rng)  # what the last refit opened again
    return _measured(campaign, truth)


def _work(campaign: Campaign, truth: Any, skill: Floats, ease: Floats, rng: np.random.Generator) -> None:
    """Let all annotators ask and vote until nobody has or gets a pair."""
    people = len(skill)
    at_work: list[tuple[int, int]] = []
    idle = set(range(people))

    def ask(annotator: int, *, late: bool = False) -> bool:
        found = campaign.ask(annotator, late=late)
        if found is None:
            idle.add(annotator)
            return False
        idle.discard(annotator)
        at_work.append((annotator, found.pair))
        return True

    while True:
        if not at_work:
            for annotator in rng.permutation(people).tolist():
                ask(annotator)
            # Nobody whose turn it is can take what is left: then whoever is below the limit may.
            if not at_work and not any(ask(k, late=True) for k in rng.permutation(people).tolist()):
                return
        place = int(rng.integers(len(at_work)))
        at_work[place], at_work[-1] = at_work[-1], at_work[place]
        annotator, pair = at_work.pop()
        right = rng.random() < expit(skill[annotator] * ease[pair])
        campaign.vote(annotator, pair, int(truth[pair] if right else -truth[pair]))
        ask(annotator)
        if idle:
            ask(sorted(idle)[int(rng.integers(len(idle)))])


def _measured(campaign: Campaign, truth: Any) -> SimulatedCampaign:
    log_odds, states = campaign.beliefs.log_odds, np.array(campaign.states)
    right = np.where(log_odds == 0, 0.5, np.sign(log_odds) == truth)
    finished = np.isfinite(campaign.propensity)
    audited = campaign.accuracy()
    drawn = np.flatnonzero(campaign.drawn)
    by_owner = AuditVotes(
        agrees=(np.sign(log_odds) * truth)[drawn].astype(np.int8),
        propensity=campaign.propensity[drawn],
        annotator=np.zeros(len(drawn), np.int32),
        reliability=np.ones(1),
        error=np.zeros(1),
    )
    main = int(campaign.counts.sum())
    return SimulatedCampaign(
        votes=main / len(truth),
        audit_share=1 - main / max(len(campaign.votes), 1),
        right=float(right.mean()),
        claimed=float(expit(np.abs(log_odds)).mean()),
        contested=float((states == "contested").mean()),
        finished=float((states != "open").mean()),
        retired=int((~campaign.active).sum()),
        most=float(campaign.given.max() * len(campaign.given) / max(campaign.given.sum(), 1)),
        audited=audited,
        checked=audited_accuracy(by_owner, audited.claimed),
        finished_right=float(right[finished].mean()) if finished.any() else float("nan"),
    )
