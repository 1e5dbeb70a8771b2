"""What a collection holds, counted in the database."""

from __future__ import annotations

import os
from dataclasses import dataclass

from sqlalchemy import Connection, Integer, column, func, select, table

from votewise.collect.erasing import list_erased
from votewise.collect.folder import Collection
from votewise.collect.schema import answer, comparison, model

VIEW = table("comparisons", *(column(name) for name in ("user", "winner", "time", "purpose")))
"""The votes that cannot be undone any more, without skips; also those on texts that were erased."""

LABELS: dict[str | None, str] = {"model_a": "a", "model_b": "b"}
"""What the view calls the winner -> the label."""


@dataclass(frozen=True)
class Gathered:
    """Counts of a collection.

    Attributes:
        states: comparisons in each state that occurs.
        labels: votes with each label that occurs: ``a`` for the answer on the left, ``b``, ``tie``, ``both_bad``.
        probes: how many of these votes are on comparisons with the probe.
        people: people with such a vote.
        first, last: when the first and the last of them were given, in seconds since 1970; None without votes.
        shared_pairs: pairs on which several people voted.
        erased: people who were erased.
        cost: what the answers cost, as far as their tokens and prices are known; None where nothing is known.
    """

    states: dict[str, int]
    labels: dict[str, int]
    probes: int
    people: int
    first: float | None
    last: float | None
    shared_pairs: int
    erased: int
    cost: float | None

    @property
    def votes(self) -> int:
        """Votes that cannot be undone any more, without skips."""
        return sum(self.labels.values())


def count_gathered(connection: Connection) -> Gathered:
    """Count what there is."""
    states = connection.execute(select(comparison.c.state, func.count()).group_by(comparison.c.state))
    labels = connection.execute(select(VIEW.c.winner, func.count()).group_by(VIEW.c.winner))
    totals = connection.execute(
        select(func.count(VIEW.c.user.distinct()), func.min(VIEW.c.time), func.max(VIEW.c.time))
    ).one()
    probes = select(func.count()).select_from(VIEW).where(VIEW.c.purpose == "probe")
    by_pair = (
        select(comparison.c.pair_id)
        .where(comparison.c.state.in_(["voted", "final"]))
        .group_by(comparison.c.pair_id)
        .having(func.count(comparison.c.person_id.distinct()) > 1)
    )
    tokens = func.coalesce(answer.c.tokens_in, 0) * func.coalesce(model.c.price_in, 0.0)
    tokens += func.coalesce(answer.c.tokens_out, 0) * func.coalesce(model.c.price_out, 0.0)
    known = answer.c.tokens_in.is_not(None) & model.c.price_in.is_not(None)
    known |= answer.c.tokens_out.is_not(None) & model.c.price_out.is_not(None)
    cost = connection.execute(select(func.sum(tokens)).select_from(answer.join(model)).where(known)).scalar()
    return Gathered(
        states={row[0]: row[1] for row in states},
        labels={LABELS.get(row[0], str(row[0])): row[1] for row in labels},
        probes=connection.execute(probes).scalar_one(),
        people=totals[0],
        first=totals[1],
        last=totals[2],
        shared_pairs=connection.execute(select(func.count(type_=Integer)).select_from(by_pair.subquery())).scalar_one(),
        erased=len(list_erased(connection)),
        cost=None if cost is None else cost / 1e6,
    )


def url_of(collection: Collection, view: str) -> str:
    """The URL of a view, with its password, for ``votewise.audit`` and ``votewise.filter_clicks``."""
    variable = collection.settings.database_env
    if variable is None:
        return f"sqlite:///{(collection.folder / collection.settings.database).absolute()}?table={view}"
    place = os.environ[variable]
    return f"{place}{'&' if '?' in place else '?'}table={view}"
