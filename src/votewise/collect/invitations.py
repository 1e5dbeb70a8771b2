"""Annotators are invited with links that work once, and stay signed in by a cookie.

The database has the SHA-256 of links and cookies only. Signing in makes a new session, whatever cookie was sent, so nobody
can prepare one for somebody else. Whose name is erased from ``identity`` is signed out.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, delete, insert, select, update

from votewise.collect.annotators_judged import judge_annotators
from votewise.collect.asking import person_called
from votewise.collect.folder import Collection
from votewise.collect.importing import make_campaign
from votewise.collect.pair_beliefs import PairBeliefs
from votewise.collect.product_keys import hash_of
from votewise.collect.schema import annotator, campaign, identity, invite, session
from votewise.errors import BadInputError

DAY = 86_400.0

SESSION_DAYS = 30
"""How long an annotator stays signed in."""

LONGEST_NAME = 200


@dataclass(frozen=True)
class SignedIn:
    """An annotator who is signed in: the number of the person, and the name that the owner gave."""

    person_id: int
    name: str


def make_invite(connection: Connection, collection: Collection, name: str, group: str | None, days: int) -> str:
    """Invite somebody, for the first time or again; earlier links that were not used are worthless from now on.

    Args:
        connection: in a transaction that writes.
        collection: the collection.
        name: what the owner calls the annotator.
        group: the annotator's group; None leaves it as it is.
        days: how long the link works.

    Returns:
        The token of the link, which is stored nowhere.

    Raises:
        BadInputError: a name that cannot be kept.
    """
    for parameter, text in (("names", name), ("group", group)):
        if text is not None and not (0 < len(text.strip()) <= LONGEST_NAME and text.isprintable()):
            raise BadInputError("is no name", parameter=parameter, value=text, expected="1 to 200 printable characters")
    now = collection.clock()
    person = person_called(connection, make_campaign(connection, now), name, now)
    mine = annotator.c.person_id == person
    if connection.execute(select(annotator.c.person_id).where(mine)).first() is None:
        usual = PairBeliefs.before_votes(np.zeros(0), 1)
        believed = {key: float(getattr(usual, key)[0]) for key in ("reliability", "low", "high")}
        flags = dict.fromkeys(("auditor", "trusted", "idle"), False)
        connection.execute(
            insert(annotator).values(person_id=person, at=now, given=0, active=True, share=0.0, **believed, **flags)
        )
        judge_annotators(connection, collection.settings.campaign.rule)
    if group is not None:
        connection.execute(update(annotator).where(mine).values(group_name=group))
    connection.execute(delete(invite).where(invite.c.person_id == person, invite.c.used_at.is_(None)))
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(invite).values(token_hash=hash_of(token), person_id=person, at=now, expires_at=now + days * DAY)
    )
    return token


def sign_in(connection: Connection, collection: Collection, token: str, before: str | None) -> str | None:
    """Use up a link.

    Args:
        connection: in a transaction that writes.
        collection: the collection.
        token: the link's.
        before: the cookie that the browser sent; its session ends.

    Returns:
        What the cookie of the new session says; None where the link was used before, has expired, or is none.
    """
    now = collection.clock()
    usable = invite.c.token_hash == hash_of(token), invite.c.used_at.is_(None), invite.c.expires_at > now
    used = update(invite).where(*usable).values(used_at=now).returning(invite.c.person_id)
    person = connection.execute(used).scalar()
    if person is None:
        return None
    connection.execute(delete(session).where(session.c.expires_at <= now))
    if before is not None:
        sign_out(connection, before)
    made = secrets.token_urlsafe(32)
    connection.execute(
        insert(session).values(id_hash=hash_of(made), person_id=person, at=now, expires_at=now + SESSION_DAYS * DAY)
    )
    return made


def sign_out(connection: Connection, cookie: str) -> None:
    """End a session."""
    connection.execute(delete(session).where(session.c.id_hash == hash_of(cookie)))


def signed_in(connection: Connection, collection: Collection, cookie: str) -> SignedIn | None:
    """Whom a cookie belongs to, None where nobody is signed in with it."""
    alive = session.c.id_hash == hash_of(cookie), session.c.expires_at > collection.clock()
    found = (
        select(session.c.person_id, identity.c.name)
        .join(identity, identity.c.person_id == session.c.person_id)
        .join(campaign, campaign.c.product_id == identity.c.product_id)
        .where(*alive)
    )
    row = connection.execute(found).first()
    return None if row is None else SignedIn(row.person_id, row.name)
