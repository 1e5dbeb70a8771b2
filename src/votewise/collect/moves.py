"""A comparison found and moved on: every change of state goes through ``move``, in the caller's transaction."""

from __future__ import annotations

import re
import secrets
import time
import uuid
from typing import Any

from sqlalchemy import Connection, Row, select, update

from votewise.collect.schema import campaign, comparison
from votewise.collect.states import OPEN, State, sources_of
from votewise.errors import BadInputError


class NoSuchComparisonError(BadInputError):
    """A comparison that is not there, or is another product's."""


class OutOfOrderError(BadInputError):
    """What is asked for does not fit the state that a comparison is in, or contradicts what was said before."""


def new_id(now: float | None = None) -> str:
    """A UUID of version 7 [RFC 9562]: 48 bits of milliseconds since 1970, then 74 random bits."""
    ms = int((time.time() if now is None else now) * 1000) & (2**48 - 1)
    bits = secrets.randbits(74)
    return str(uuid.UUID(int=ms << 80 | 7 << 76 | (bits >> 62) << 64 | 2 << 62 | bits & (2**62 - 1)))


def no_such_comparison(name: str) -> NoSuchComparisonError:
    """The error for a comparison that is not there, and for one that belongs to somebody else."""
    return NoSuchComparisonError("there is no such comparison", value=name, expected="an id that you were given")


def found(connection: Connection, product: int, name: str) -> Row[Any]:
    """The row of a comparison, locked until the transaction ends.

    Args:
        connection: in a transaction that writes.
        product: the product that asks; another one's comparisons are not shown to it.
        name: the comparison's id.

    Raises:
        NoSuchComparisonError: the product has no such comparison.
    """
    # What is no id is not asked for: PostgreSQL refuses some characters.
    row = None
    if re.fullmatch("[0-9a-f-]{36}", name):
        rows = select(comparison).where(comparison.c.id == name, comparison.c.product_id == product)
        row = connection.execute(rows.with_for_update()).first()
    if row is None:
        raise no_such_comparison(name)
    return row


def move(connection: Connection, name: str, to: State, **values: Any) -> None:
    """Move a comparison to a state that may follow the one it is in.

    Args:
        connection: in a transaction that writes.
        name: the comparison's id.
        to: the new state.
        values: other columns to set at the same time.

    Raises:
        OutOfOrderError: the new state may not follow the one that it is in.
    """
    this = comparison.c.id == name
    moved = connection.execute(
        update(comparison).where(this, comparison.c.state.in_(sources_of(to))).values(state=to, **values)
    )
    if moved.rowcount != 1:
        state = connection.execute(select(comparison.c.state).where(this)).scalar()
        before = ", ".join(sources_of(to))
        raise OutOfOrderError(
            f"a comparison that is {state} cannot become {to}", value=name, expected=f"one that is {before}"
        )


def expire_due(connection: Connection, now: float) -> int:
    """End the comparisons on which nobody voted in time; returns how many. Annotators' leases are ``leases``' business."""
    annotators = select(campaign.c.product_id)
    due = comparison.c.state.in_(OPEN), comparison.c.lease_until < now, comparison.c.product_id.not_in(annotators)
    return connection.execute(update(comparison).where(*due).values(state="expired")).rowcount
