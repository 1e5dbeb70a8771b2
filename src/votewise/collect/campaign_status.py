"""What a campaign holds, and how often its labels are right: what audit votes show beside what the posteriors claim."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from sqlalchemy import Connection, func, select

from votewise.collect.audited_accuracy import AuditedAccuracy, AuditVotes, audited_accuracy
from votewise.collect.campaign import LEAST_AUDITOR
from votewise.collect.leases import sign_of
from votewise.collect.schema import annotator, answer, campaign, campaign_pair, comparison, model, pair, vote


@dataclass(frozen=True)
class CampaignCounts:
    """Counts of a campaign.

    Attributes:
        state: ``open``, ``paused`` or ``closed``.
        pairs: pairs in each state that occurs: open, sure, contested, closed.
        votes: votes that count for the labels, those that can still be undone included.
        annotators: people who were invited.
        retired: how many of them get no more pairs.
        claimed: the posteriors' mean probability of being right, over pairs that were ever finished; None without any.
        accuracy: how often labels of these pairs are right, by audit votes; None without any.
    """

    state: str
    pairs: dict[str, int]
    votes: int
    annotators: int
    retired: int
    claimed: float | None
    accuracy: AuditedAccuracy | None


def count_campaign(connection: Connection) -> CampaignCounts | None:
    """Count what there is; None where there is no campaign."""
    state = connection.execute(select(campaign.c.state)).scalar()
    if state is None:
        return None
    by_state = select(campaign_pair.c.state, func.count(), func.sum(campaign_pair.c.votes)).group_by(
        campaign_pair.c.state
    )
    rows = connection.execute(by_state.order_by(campaign_pair.c.state)).all()
    active = list(connection.execute(select(annotator.c.active)).scalars())
    finished = select(campaign_pair.c.log_odds).where(campaign_pair.c.propensity.is_not(None))
    log_odds = np.array(list(connection.execute(finished).scalars()), np.float64)
    claimed = float(expit(np.abs(log_odds)).mean()) if len(log_odds) else None
    return CampaignCounts(
        state=state,
        pairs={row[0]: row[1] for row in rows},
        votes=sum(row[2] for row in rows),
        annotators=len(active),
        retired=active.count(False),
        claimed=claimed,
        accuracy=None if claimed is None else _audited(connection, claimed),
    )


def judged_other_models(connection: Connection) -> bool:
    """Whether there are votes on answers of models that are not in the settings, or of none that is known."""
    answered = answer.outerjoin(model, model.c.id == answer.c.model_id)
    other = select(answer.c.id).select_from(answered).where((model.c.role == "other") | model.c.id.is_(None))
    theirs = comparison.c.left_answer.in_(other) | comparison.c.right_answer.in_(other)
    there = select(comparison.c.id).where(comparison.c.state.in_(["voted", "final"]), theirs).limit(1)
    return connection.execute(there).first() is not None


def _audited(connection: Connection, claimed: float) -> AuditedAccuracy | None:
    """How often labels are right, as ``votewise.collect.campaign.Campaign.accuracy`` estimates it."""
    rows = connection.execute(
        select(
            comparison.c.person_id,
            comparison.c.propensity,
            vote.c.choice,
            (comparison.c.left_answer == pair.c.answer_1).label("as_stored"),
            campaign_pair.c.log_odds,
            annotator.c.reliability,
            annotator.c.low,
            annotator.c.high,
        )
        .join(vote, vote.c.comparison_id == comparison.c.id)
        .join(pair, pair.c.id == comparison.c.pair_id)
        .join(campaign_pair, campaign_pair.c.pair_id == comparison.c.pair_id)
        .join(annotator, annotator.c.person_id == comparison.c.person_id)
        .where(
            comparison.c.purpose == "audit",
            comparison.c.state.in_(["voted", "final"]),
            vote.c.choice.in_(["left", "right"]),
            annotator.c.reliability >= LEAST_AUDITOR,
        )
        .order_by(comparison.c.id)
    ).all()
    if not rows:
        return None
    people = {row.person_id: row for row in rows}
    code = {person: place for place, person in enumerate(people)}
    signs = [sign_of(row.choice, as_stored=row.as_stored) * np.sign(row.log_odds) for row in rows]
    votes = AuditVotes(
        agrees=np.array(signs, np.int8),
        propensity=np.array([row.propensity for row in rows], np.float64),
        annotator=np.array([code[row.person_id] for row in rows], np.int32),
        reliability=np.array([row.reliability for row in people.values()], np.float64),
        # An interval of 95% has 2 * 1.96 standard errors.
        error=np.array([(row.high - row.low) / 3.92 for row in people.values()], np.float64),
    )
    return audited_accuracy(votes, claimed)
