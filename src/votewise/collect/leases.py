"""Pairs leased to annotators, and their votes on them: the acts of ``campaign`` in the database, one after another.

A lease is a comparison that is shown. It ends with a vote, or when its time is over; then the pair goes to others, and may
come back to the same annotator on the same sides. What a pair has is counted anew after each act that touches it.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy.special import logit
from sqlalchemy import Connection, Row, Select, exists, func, insert, literal, select, update

from votewise.collect.asking import DICE, digest_of
from votewise.collect.assignment import AssignmentRule, has_room, pair_states
from votewise.collect.folder import Collection
from votewise.collect.moves import found, new_id, no_such_comparison
from votewise.collect.pair_beliefs import votes_log_odds
from votewise.collect.schema import annotator, campaign, campaign_pair, comparison, pair, vote
from votewise.collect.states import OPEN, State
from votewise.collect.voting import GivenVote, put_vote, undo_vote

HERE_SECONDS = 300.0
"""How long after the last look an annotator counts as being there."""

LOCK = 7_380_146
"""The number of PostgreSQL's lock that orders all acts of a campaign."""


def lock_campaign(connection: Connection) -> Row[Any] | None:
    """Wait until no other act is under way; the campaign's row, None where there is no campaign.

    SQLite's transactions that write are one after another anyway.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
    return connection.execute(select(campaign)).first()


def next_comparison(
    connection: Connection, collection: Collection, person: int, *, dice: random.Random = DICE
) -> Row[Any] | None:
    """The comparison that an annotator has, or else gets; None where there is none for this annotator now.

    Args:
        connection: in a transaction that writes.
        collection: the collection.
        person: the annotator.
        dice: draws the sides.
    """
    there = lock_campaign(connection)
    if there is None:
        return None
    now = collection.clock()
    expire_leases(connection, collection)
    mine = comparison.c.product_id == there.product_id, comparison.c.person_id == person
    has = select(comparison).where(*mine, comparison.c.state.in_(OPEN))
    # What was undone has the newest lease and comes before what was given meanwhile.
    held = connection.execute(has.order_by(comparison.c.lease_until.desc()).limit(1)).first()
    if held is None and there.state == "open":
        held = _leased(connection, collection, there, person, dice)
    me = annotator.c.person_id == person
    connection.execute(update(annotator).where(me).values(seen_at=now, idle=held is None))
    return held


def vote_on_lease(connection: Connection, collection: Collection, person: int, name: str, given: GivenVote) -> State:
    """Put an annotator's vote, as ``put_vote`` does; somebody else's comparison is none. Returns the state."""
    row, product = _own(connection, person, name)
    state = put_vote(connection, collection, product, name, given)
    count_pairs(connection, collection.settings.campaign.rule, [row.pair_id])
    return state


def undo_on_lease(connection: Connection, collection: Collection, person: int, name: str) -> None:
    """Undo an annotator's vote, as ``undo_vote`` does; the lease begins anew."""
    row, product = _own(connection, person, name)
    undo_vote(connection, collection, product, name)
    settings = collection.settings.campaign
    until = collection.clock() + settings.lease_seconds
    open_again = comparison.c.id == name, comparison.c.state == "shown"
    connection.execute(update(comparison).where(*open_again).values(lease_until=until))
    count_pairs(connection, settings.rule, [row.pair_id])


def expire_leases(connection: Connection, collection: Collection, *, all_of_them: bool = False) -> int:
    """End the leases whose time is over, or all; returns how many. In a transaction that has the campaign's lock."""
    product = select(campaign.c.product_id).scalar_subquery()
    due = [comparison.c.product_id == product, comparison.c.state.in_(OPEN)]
    if not all_of_them:
        due.append(comparison.c.lease_until < collection.clock())
    ended = update(comparison).where(*due).values(state="expired")
    rows = connection.execute(ended.returning(comparison.c.pair_id, comparison.c.person_id)).all()
    for row in rows:
        mine = annotator.c.person_id == row.person_id
        connection.execute(update(annotator).where(mine).values(given=annotator.c.given - 1))
    count_pairs(connection, collection.settings.campaign.rule, {row.pair_id for row in rows})
    return len(rows)


def count_pairs(connection: Connection, rule: AssignmentRule, pairs: Iterable[int]) -> None:
    """Count what pairs have, and write down their log-odds and states."""
    numbers = sorted(pairs)
    if not numbers:
        return
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    given: dict[int, list[tuple[int, float, str | None, float]]] = defaultdict(list)
    rows = (
        select(
            comparison.c.pair_id,
            comparison.c.purpose,
            comparison.c.state,
            (comparison.c.left_answer == pair.c.answer_1).label("as_stored"),
            vote.c.choice,
            annotator.c.reliability,
            annotator.c.group_name,
            annotator.c.shared,
        )
        .join(annotator, annotator.c.person_id == comparison.c.person_id)
        .join(pair, pair.c.id == comparison.c.pair_id)
        .outerjoin(vote, vote.c.comparison_id == comparison.c.id)
        .where(comparison.c.pair_id.in_(numbers), comparison.c.state.in_([*OPEN, "voted", "final"]))
    )
    for row in connection.execute(rows):
        count = counts[row.pair_id]
        if row.purpose == "audit":
            count[2] += 1
        elif row.state in OPEN:
            count[1] += 1
        else:
            count[0] += 1
            sign = sign_of(row.choice, as_stored=row.as_stored)
            given[row.pair_id].append((sign, row.reliability, row.group_name, row.shared))
    wanted = select(campaign_pair.c.pair_id, campaign_pair.c.want, campaign_pair.c.drawn)
    for row in connection.execute(wanted.where(campaign_pair.c.pair_id.in_(numbers))).all():
        votes, leases, audits = counts[row.pair_id]
        log_odds = _log_odds_of(given[row.pair_id])
        # The rule's limit is that of all pairs, and a pair may have one of its own.
        promised = np.array([votes - row.want + rule.want])
        state = str(pair_states(rule, np.array([log_odds]), promised)[0])
        values = {"votes": votes, "leases": leases, "log_odds": log_odds, "state": state}
        this = campaign_pair.c.pair_id == row.pair_id
        connection.execute(update(campaign_pair).where(this).values(waiting=row.drawn and not audits, **values))


def _log_odds_of(votes: list[tuple[int, float, str | None, float]]) -> float:
    """What votes on a pair say together: the sign, reliability, group and shared error of each."""
    if not votes:
        return 0.0
    sign, reliability, group, shared = zip(*votes, strict=True)
    return votes_log_odds(np.array(sign, np.int8), np.array(reliability), group, np.array(shared))


def sign_of(choice: str, *, as_stored: bool) -> int:
    """Which answer of the pair a choice prefers: +1 for its first answer, -1 for its second, 0 for neither."""
    return {"left": 1, "right": -1}.get(choice, 0) * (1 if as_stored else -1)


def choice_of_pair(rule: AssignmentRule, person: int, step: float) -> Select[Any]:
    """The query for the pair that ``votewise.collect.assignment.choose_pair`` chooses for a vote that counts."""
    mine = campaign_pair.c
    seen = exists().where(
        comparison.c.person_id == person, comparison.c.pair_id == mine.pair_id, comparison.c.state != "expired"
    )
    key: Any = mine.votes + mine.leases
    limit = []
    if not rule.fixed:
        key = func.abs(mine.log_odds) + literal(step) * mine.leases
        limit = [key < float(logit(rule.sure))]
    open_ones = mine.state == "open", mine.votes + mine.leases < mine.want, ~seen
    # Equal up to rounding is equal.
    return select(mine.pair_id).where(*open_ones, *limit).order_by(func.round(key * 1e8), mine.turn).limit(1)


def _leased(
    connection: Connection, collection: Collection, there: Row[Any], person: int, dice: random.Random
) -> Row[Any] | None:
    """A new lease, if the annotator may have one and there is a pair."""
    settings, now = collection.settings.campaign, collection.clock()
    room, auditor = _may_have(connection, settings.rule, person, now)
    if not room:
        return None
    chosen: int | None = None
    purpose, propensity = "main", None
    if auditor:
        seen = exists().where(comparison.c.person_id == person, comparison.c.pair_id == campaign_pair.c.pair_id)
        waiting = select(campaign_pair.c.pair_id, campaign_pair.c.propensity).where(campaign_pair.c.waiting, ~seen)
        drawn = connection.execute(waiting.order_by(campaign_pair.c.turn).limit(1)).first()
        if drawn is not None:
            chosen, purpose, propensity = drawn.pair_id, "audit", drawn.propensity
    if chosen is None:
        chosen = connection.execute(choice_of_pair(settings.rule, person, there.step)).scalar()
    if chosen is None:
        return None
    two = connection.execute(select(pair).where(pair.c.id == chosen)).one()
    earlier = (
        connection.execute(
            select(comparison.c.left_answer).where(comparison.c.person_id == person, comparison.c.pair_id == chosen)
        )
        .scalars()
        .all()
    )
    first_left = earlier[0] == two.answer_1 if earlier else dice.random() < 0.5
    left, right = (two.answer_1, two.answer_2) if first_left else (two.answer_2, two.answer_1)
    # A person has a pair once; the number tells a lease from those that ran out.
    key = f"{person}-{chosen}-{len(earlier)}"
    row = insert(comparison).values(
        id=new_id(now),
        product_id=there.product_id,
        client_key=key,
        request_digest=digest_of(key),
        config_version=collection.config_version,
        person_id=person,
        pair_id=chosen,
        left_answer=left,
        right_answer=right,
        purpose=purpose,
        propensity=propensity,
        state="shown",
        lease_until=now + settings.lease_seconds,
        created_at=now,
    )
    made = connection.execute(row.returning(comparison)).one()
    mine = annotator.c.person_id == person
    connection.execute(update(annotator).where(mine).values(given=annotator.c.given + 1))
    count_pairs(connection, settings.rule, [chosen])
    return made


def _may_have(connection: Connection, rule: AssignmentRule, person: int, now: float) -> tuple[bool, bool]:
    """Whether an annotator may have one more pair, and whether for an audit vote.

    Those whose turn it is come first. If none of them is there, or there was nothing left for them, it is everybody's turn.
    """
    people = connection.execute(select(annotator).order_by(annotator.c.person_id)).all()
    place = next((at for at, one in enumerate(people) if one.person_id == person), None)
    if place is None:
        return False, False
    given = np.array([one.given for one in people], np.int64)
    share = np.array([one.share for one in people], np.float64)
    active = np.array([one.active for one in people], bool)
    room = has_room(rule, given, share, active)
    me = people[place]
    if room[place]:
        return True, bool(me.auditor)
    there = [(one.seen_at or 0.0) > now - HERE_SECONDS and not one.idle for one in people]
    if any(turn and here for turn, here in zip(room, there, strict=True)):
        return False, False
    late = has_room(rule, given, share, active, late=True)
    return bool(late[place]), bool(me.auditor or me.trusted)


def _own(connection: Connection, person: int, name: str) -> tuple[Row[Any], int]:
    """A comparison of an annotator, and the product that it belongs to."""
    there = lock_campaign(connection)
    product = -1 if there is None else int(there.product_id)
    row = found(connection, product, name)
    if row.person_id != person:
        raise no_such_comparison(name)
    return row, product
