"""Votes: put, undone within ten seconds, final after them. The log keeps every act.

    ready -> shown -> voted -> final        a choice
    ready -> shown -> skipped               the choice ``skip``
    voted, skipped -> shown                 undone

A vote that is sent twice counts once. A second choice within the ten seconds revises the first one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from votewise.collect.folder import Collection
from votewise.collect.moves import OutOfOrderError, found, move
from votewise.collect.schema import comparison, vote, vote_log
from votewise.collect.states import UNDO_SECONDS, Choice, State

Act = Literal["vote", "undo", "final", "void"]


@dataclass(frozen=True)
class GivenVote:
    """What a person said.

    Attributes:
        choice: ``left``, ``right``, ``tie``, ``both_bad`` or ``skip``.
        strength: how clearly, where it was asked; 1 is least.
        reasons: why, in the person's or the product's words.
        ms_visible: milliseconds for which both answers were seen.
        at: when, in seconds since 1970; None for now.
    """

    choice: Choice
    strength: int | None = None
    reasons: tuple[str, ...] = ()
    ms_visible: int | None = None
    at: float | None = None

    def columns(self) -> dict[str, Any]:
        """What the tables of votes and of acts both keep."""
        reasons = json.dumps(self.reasons, ensure_ascii=False) if self.reasons else None
        return {
            "choice": self.choice,
            "strength": self.strength,
            "reasons": reasons,
            "ms_visible": self.ms_visible,
        }


def mark_shown(connection: Connection, product: int, name: str) -> None:
    """Say that a person sees the comparison; one that is shown, or was voted on, stays as it is.

    Raises:
        NoSuchComparisonError: the product has no such comparison.
        OutOfOrderError: its answers are not both there.
    """
    if found(connection, product, name).state not in ("shown", "voted", "skipped", "final"):
        move(connection, name, "shown")


def put_vote(connection: Connection, collection: Collection, product: int, name: str, given: GivenVote) -> State:
    """Put a vote on a comparison that is ready or shown, or revise one that can still be undone.

    Returns:
        The state that the comparison is in afterwards.

    Raises:
        NoSuchComparisonError: the product has no such comparison.
        OutOfOrderError: its answers are not both there, it ended without a vote, or another vote on it is final.
    """
    row = found(connection, product, name)
    now = collection.clock()
    state: State = row.state
    if state in ("voted", "skipped", "final"):
        if _is_there(connection, name, given):
            return state
        if state == "final" or not _can_be_undone(row, now):
            raise OutOfOrderError(
                "another vote on this comparison is final", value=name, expected="the same vote, or none"
            )
        _take_back(connection, name, "undo", now)
        move(connection, name, "shown", voted_at=None)
    elif state == "ready":
        move(connection, name, "shown")
    state = "skipped" if given.choice == "skip" else "voted"
    move(connection, name, state, voted_at=now)
    before = select(func.max(vote_log.c.revision)).where(vote_log.c.comparison_id == name)
    revision = (connection.execute(before).scalar() or 0) + 1
    chosen = {**given.columns(), "comparison_id": name, "revision": revision}
    at = now if given.at is None else given.at
    connection.execute(insert(vote).values(at=at, **chosen))
    connection.execute(insert(vote_log).values(act="vote", at=now, **chosen))
    return state


def undo_vote(connection: Connection, collection: Collection, product: int, name: str) -> None:
    """Undo a vote or a skip within ten seconds; where there is none, nothing changes.

    Raises:
        NoSuchComparisonError: the product has no such comparison.
        OutOfOrderError: the vote is final.
    """
    row = found(connection, product, name)
    if row.state not in ("voted", "skipped", "final"):
        return
    now = collection.clock()
    if row.state == "final" or not _can_be_undone(row, now):
        raise OutOfOrderError(
            "the vote is final", value=name, expected=f"less than {UNDO_SECONDS:g} seconds between vote and undo"
        )
    _take_back(connection, name, "undo", now)
    move(connection, name, "shown", voted_at=None)


def void(connection: Connection, collection: Collection, product: int, name: str) -> None:
    """Take a comparison back for good, with its vote; the log keeps both acts. A second time changes nothing.

    Raises:
        NoSuchComparisonError: the product has no such comparison.
        OutOfOrderError: it ended without a vote.
    """
    if found(connection, product, name).state == "voided":
        return
    _take_back(connection, name, "void", collection.clock())
    move(connection, name, "voided")


def finalise_due(connection: Connection, now: float) -> int:
    """Make votes final whose ten seconds are over; returns how many."""
    due = comparison.c.state == "voted", comparison.c.voted_at <= now - UNDO_SECONDS
    moved = update(comparison).where(*due).values(state="final").returning(comparison.c.id)
    names = list(connection.execute(moved).scalars())
    for name in names:
        _log(connection, name, "final", now)
    return len(names)


def _can_be_undone(row: Row[Any], now: float) -> bool:
    return bool(now - row.voted_at < UNDO_SECONDS)


def _is_there(connection: Connection, name: str, given: GivenVote) -> bool:
    """Whether the vote that counts says the same; a time that was not given is no difference."""
    there = connection.execute(select(vote).where(vote.c.comparison_id == name)).mappings().one()
    same = all(there[key] == value for key, value in given.columns().items())
    return same and given.at in (None, there["at"])


def _take_back(connection: Connection, name: str, act: Act, now: float) -> None:
    _log(connection, name, act, now)
    connection.execute(delete(vote).where(vote.c.comparison_id == name))


def _log(connection: Connection, name: str, act: Act, now: float) -> None:
    """Copy the vote that counts, if there is one, into the log."""
    kept = ("comparison_id", "revision", "choice", "strength", "reasons", "ms_visible")
    there = (
        connection.execute(select(*(vote.c[key] for key in kept)).where(vote.c.comparison_id == name))
        .mappings()
        .first()
    )
    if there is not None:
        connection.execute(insert(vote_log).values(act=act, at=now, **there))
