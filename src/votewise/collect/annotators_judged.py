"""What follows from the annotators' reliabilities: who gets pairs, how many, and who audits."""

from __future__ import annotations

import numpy as np
from sqlalchemy import Connection, select, update

from votewise.collect.assignment import AssignmentRule, auditors, is_active, mean_step, shares
from votewise.collect.campaign import LEAST_AUDITOR
from votewise.collect.schema import annotator, campaign


def judge_annotators(connection: Connection, rule: AssignmentRule) -> None:
    """Write it down for all annotators, as ``votewise.collect.campaign.Campaign`` does in memory."""
    columns = annotator.c.person_id, annotator.c.reliability, annotator.c.high
    rows = connection.execute(select(*columns).order_by(annotator.c.person_id)).all()
    reliability = np.array([row.reliability for row in rows], np.float64)
    active = is_active(rule, np.array([row.high for row in rows], np.float64))
    share = shares(rule, reliability, active)
    trusted = active & (reliability >= LEAST_AUDITOR)
    auditor = auditors(reliability, active) & trusted
    for row, *found in zip(rows, active, share, auditor, trusted, strict=True):
        values = {"active": bool(found[0]), "share": float(found[1])}
        flags = {"auditor": bool(found[2]), "trusted": bool(found[3])}
        mine = annotator.c.person_id == row.person_id
        connection.execute(update(annotator).where(mine).values(**values, **flags))
    connection.execute(update(campaign).values(step=mean_step(reliability, active)))
