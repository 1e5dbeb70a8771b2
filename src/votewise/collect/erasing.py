"""A person's name and texts removed; the votes stay under the pseudonym and count.

Removed are the name, links and sessions, the prompts that the person wrote, the answers to them, and reasons for votes. A
prompt stays as long as somebody else who is not erased posted the same texts, or where the owner imported its pair. Digests
go with the texts, because they would confirm a guess.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, exists, func, insert, or_, select, update

from votewise.collect.schema import (
    admin_log,
    answer,
    campaign,
    campaign_pair,
    comparison,
    export_manifest,
    identity,
    invite,
    pair,
    person,
    product,
    prompt,
    session,
    vote,
    vote_log,
)
from votewise.collect.states import OPEN
from votewise.errors import BadInputError

ACT = "erase"
"""What ``admin_log`` calls it."""

GONE = "erased"
"""In the place of the digest of a request; a product that sends the request again is told that its key is taken."""

AT_A_TIME = 500


@dataclass(frozen=True)
class ErasedPerson:
    """A person who was erased.

    Attributes:
        pseudonym: under which the votes stay.
        at: when it was done, as ISO text.
        votes: votes that stay.
        prompts: prompts whose texts were removed, with the answers to them.
    """

    pseudonym: str
    at: str
    votes: int
    prompts: int


def erase_person(connection: Connection, name: str, now: float, *, of_product: str | None = None) -> ErasedPerson:
    """Remove a person's name and texts for good, and log that it was done.

    Args:
        connection: in a transaction that writes.
        name: what a product calls the person, or the pseudonym.
        now: the time for the log.
        of_product: the product that calls the person so; None where only one does.

    Raises:
        BadInputError: nobody has this name, several products have a person of this name, or all of it is done already.
    """
    row = _person(connection, name, of_product)
    written = _prompts_of(connection, row.id)
    if row.product is None and not written:
        raise BadInputError("is erased already", value=name, expected="a person who is not")
    _remove_texts(connection, row.id, written)
    for table in (identity, invite, session):
        connection.execute(delete(table).where(table.c.person_id == row.id))
    connection.execute(insert(admin_log).values(at=now, act=ACT, about=row.pseudonym))
    (found,) = _erased(connection, [(row.id, row.pseudonym, now)])
    return found


def list_erased(connection: Connection) -> tuple[ErasedPerson, ...]:
    """Everybody who was erased, in that order; who was erased twice is there once, with the last time."""
    last = func.max(admin_log.c.at).label("at")
    rows = connection.execute(
        select(person.c.id, person.c.pseudonym, last)
        .join(admin_log, admin_log.c.about == person.c.pseudonym)
        .where(admin_log.c.act == ACT)
        .group_by(person.c.id, person.c.pseudonym)
        .order_by(last, person.c.id)
    ).all()
    return tuple(_erased(connection, [tuple(row) for row in rows]))


def exports_until(connection: Connection, now: float) -> tuple[str, ...]:
    """The names of the training sets that were written until now, which nobody but the owner can erase."""
    contents = select(export_manifest.c.content).where(export_manifest.c.at <= now).order_by(export_manifest.c.id)
    names = [str(json.loads(content)["file"]) for content in connection.execute(contents).scalars()]
    return tuple(dict.fromkeys(names))


def _person(connection: Connection, name: str, of_product: str | None) -> Any:
    """The person's number (``id``) and pseudonym, and the product that knows the name; None where it is erased."""
    known = (
        select(person.c.id, person.c.pseudonym, product.c.name.label("product"))
        .outerjoin(identity, person.c.id == identity.c.person_id)
        .outerjoin(product, product.c.id == identity.c.product_id)
        .where(or_(identity.c.name == name, person.c.pseudonym == name))
        .order_by(product.c.name)
    )
    if of_product is not None:
        known = known.where(product.c.name == of_product)
    rows = connection.execute(known).all()
    if not rows:
        raise BadInputError("nobody has this name", value=name, expected="a name that a product posted")
    if len(rows) > 1:
        raise BadInputError(
            f"several products know a person of this name: {', '.join(row.product for row in rows)}",
            parameter="product",
            expected="one of them",
        )
    return rows[0]


def _prompts_of(connection: Connection, mine: int) -> list[int]:
    """The prompts that only this person wrote, as far as they still have texts."""
    here = pair.c.prompt_id == prompt.c.id
    asked = exists().where(here, comparison.c.pair_id == pair.c.id)
    others = asked.where(comparison.c.person_id != mine, identity.c.person_id == comparison.c.person_id)
    imported = exists().where(here, campaign_pair.c.pair_id == pair.c.id)
    own = select(pair.c.prompt_id).join(comparison, comparison.c.pair_id == pair.c.id)
    there = prompt.c.id.in_(own.where(comparison.c.person_id == mine)), prompt.c.content.is_not(None)
    return [*connection.execute(select(prompt.c.id).where(*there, ~others, ~imported)).scalars()]


def _remove_texts(connection: Connection, mine: int, prompts: Sequence[int]) -> None:
    for start in range(0, len(prompts), AT_A_TIME):
        some = prompts[start : start + AT_A_TIME]
        nothing = dict.fromkeys(("content", "system", "history"))
        connection.execute(update(prompt).where(prompt.c.id.in_(some)).values(**nothing))
        connection.execute(update(answer).where(answer.c.prompt_id.in_(some)).values(content=None))
        connection.execute(update(pair).where(pair.c.prompt_id.in_(some)).values(digest=None))
    theirs = comparison.c.person_id == mine
    # An answer that comes later would be a text again.
    waiting = theirs, comparison.c.state.in_(OPEN), comparison.c.product_id.not_in(select(campaign.c.product_id))
    connection.execute(update(comparison).where(*waiting).values(state="expired"))
    connection.execute(update(comparison).where(theirs).values(request_digest=GONE))
    names = select(comparison.c.id).where(theirs)
    for table in (vote, vote_log):
        given = table.c.comparison_id.in_(names), table.c.reasons.is_not(None)
        connection.execute(update(table).where(*given).values(reasons=None))


def _erased(connection: Connection, people: Sequence[tuple[int, str, float]]) -> Iterator[ErasedPerson]:
    for number, pseudonym, at in people:
        theirs = comparison.c.person_id == number
        votes = select(func.count()).select_from(vote.join(comparison)).where(theirs)
        gone = (
            select(func.count(prompt.c.id.distinct()))
            .select_from(prompt)
            .join(pair, pair.c.prompt_id == prompt.c.id)
            .join(comparison, comparison.c.pair_id == pair.c.id)
            .where(theirs, prompt.c.content.is_(None))
        )
        yield ErasedPerson(
            pseudonym=pseudonym,
            at=datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds"),
            votes=connection.execute(votes).scalar_one(),
            prompts=connection.execute(gone).scalar_one(),
        )
