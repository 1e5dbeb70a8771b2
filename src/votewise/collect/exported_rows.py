"""Beliefs about votes and people -> the rows of a training set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from votewise.annotators.carried import carried_columns, for_trl
from votewise.annotators.results import ReliabilityResult
from votewise.annotators.select import select_votes
from votewise.annotators.selected_rows import vote_rows
from votewise.collect.snapshots import Snapshot
from votewise.data.preference_shapes import preference_table
from votewise.data.votes import Votes
from votewise.inference.observation import to_attentiveness

PEOPLE = ("attentiveness", "attentiveness_low", "attentiveness_high", "flag")
"""Columns about whoever voted. For annotators, attentiveness is 2 x reliability - 1 and the flag is the one of an audit."""


@dataclass(frozen=True, eq=False)
class ExportedRows:
    """The rows of a training set, and how many votes were left out and why.

    Attributes:
        table: the rows.
        inattentive: votes of people below the least attentiveness.
        unlikely: votes below the least confidence.
        ties: votes that prefer neither answer.
        erased: votes on texts that were erased.
    """

    table: pa.Table = field(repr=False)
    inattentive: int = 0
    unlikely: int = 0
    ties: int = 0
    erased: int = 0

    @property
    def left_out(self) -> dict[str, int]:
        """The numbers of votes that were left out, by the reason."""
        return {name: getattr(self, name) for name in ("inattentive", "unlikely", "ties", "erased")}


def audit_beliefs(votes: Votes, result: ReliabilityResult) -> pa.Table:
    """What an audit says about every vote: ``PEOPLE`` and ``confidence`` (null for a tie)."""
    people = result.annotators.take(pa.array(votes.annotator))
    found: dict[str, Any] = {
        own: to_attentiveness(people[name].to_numpy())
        for own, name in zip(PEOPLE, ("reliability", "low", "high"), strict=False)
    }
    return pa.table({**found, "flag": people["flag"], "confidence": result.confidence})


def beliefs_by_name(votes: Votes, clicks: pa.Table, beliefs: pa.Table) -> pa.Table:
    """Beliefs about clicks in the order of the votes, which are some of them; the names are those of comparisons."""
    if votes.table is None:
        raise ValueError("these votes have no names")
    return beliefs.take(pc.index_in(votes.table["comparison"], clicks["comparison"].combine_chunks()))


def preference_rows(
    votes: Votes, beliefs: pa.Table, *, to: Literal["trl", "votes"], min_confidence: float, threshold: float | None
) -> ExportedRows:
    """The votes that prefer an answer and are likely enough to be right, in TRL's shape or as plain votes.

    Args:
        votes: the votes of a snapshot, as they were read.
        beliefs: ``PEOPLE`` and ``confidence`` of each of them.
        to: the shape.
        min_confidence: leave out votes of less confidence.
        threshold: leave out votes of people of less attentiveness; None leaves out none.
    """
    confidence = beliefs["confidence"].to_numpy()
    low = _below(beliefs, threshold)
    sign = np.where(low | np.isnan(confidence), 0, votes.sign).astype(np.int8)
    selection = select_votes(sign, confidence, min_confidence=min_confidence)
    carried = carried_columns(votes)
    if to == "trl":
        carried, _ = for_trl(votes.table, carried)
    table = vote_rows(votes, selection, carried)
    for name in PEOPLE:
        table = table.append_column(name, beliefs[name].take(pa.array(selection.rows)))
    if to == "trl":
        table = preference_table(table, source="the collection", carried=[*carried, *PEOPLE])
    inattentive = int((low & (votes.sign != 0)).sum())
    return ExportedRows(table, inattentive, selection.dropped, ties=int((votes.sign == 0).sum()))


def click_rows(snapshot: Snapshot, beliefs: pa.Table, threshold: float | None) -> ExportedRows:
    """All clicks as ``votewise filter`` reads them, with ``PEOPLE`` and ``confidence``; but none of inattentive people."""
    rows = snapshot.clicks()
    for name in beliefs.column_names:
        rows = rows.append_column(name, beliefs[name])
    low = _below(beliefs, threshold)
    there = np.asarray(pc.is_valid(rows["prompt"]))
    return ExportedRows(
        table=rows.filter(pa.array(~low & there)), inattentive=int(low.sum()), erased=int((~there & ~low).sum())
    )


def _below(beliefs: pa.Table, threshold: float | None) -> Any:
    """(n,) whether the person's attentiveness is below a threshold; where it is unknown it is not above."""
    attentiveness = beliefs["attentiveness"].to_numpy()
    return np.zeros(len(attentiveness), bool) if threshold is None else ~(attentiveness >= threshold)
