"""Simulated clicks -> a table or a file that ``votewise filter`` reads, with the truth in further columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.simulate.comparisons import ScoredComparisons
from votewise.simulate.streams import StreamProgress, write_stream
from votewise.simulate.users import ClickOptions, SimulatedUsers, attentivenesses, user_blocks
from votewise.simulate.vote_files import DAY, PACE, START
from votewise.simulate.votes import WITH_TEXTS

OWN = ("user", "comparison", "winner", "time", "true_attentiveness", "attentive", "attentive_winner", "correct")
"""Columns that are ours: the source's columns of these names are left out."""

NAMES = ("model_a", "model_b", "domain")
"""Columns of the source that are written even where its texts are not."""


@dataclass(frozen=True)
class ClicksSummary:
    """What was drawn: ``clicks`` by ``users``, and how many were ``attentive``, ``correct`` and ``for_a``."""

    clicks: int
    users: int
    attentive: int
    correct: int
    for_a: int


def write_clicks(
    out: Path,
    comparisons: ScoredComparisons,
    options: ClickOptions,
    *,
    texts: bool | None = None,
    progress: StreamProgress | None = None,
) -> ClicksSummary:
    """Draw and write the clicks, a block of users at a time.

    Columns: ``user``, ``comparison`` (the source's row, from 0), the source's columns, ``winner`` (``model_a`` or
    ``model_b``), ``time``, and the truth: ``true_attentiveness``, ``attentive``, ``attentive_winner`` (what an
    attentive user would have clicked) and ``correct``.

    Args:
        out: a .parquet, .jsonl or .csv file.
        comparisons: from ``read_comparisons`` or ``made_up_comparisons``.
        options: who clicks, and how; ``simulate_users`` gives the same clicks for the same options.
        texts: whether to write all columns of the source instead of only the models and the domain; None for up to a
            million clicks.
        progress: called with the clicks written so far.

    Raises:
        BadInputError: settings that cannot be used, or a file that cannot be written.
    """
    drawn = _Clicks(_source(comparisons, options, texts), options)
    write_stream(out, drawn.tables(), progress)
    return drawn.summary()


def clicks_table(
    comparisons: ScoredComparisons, options: ClickOptions, *, texts: bool | None = None
) -> tuple[pa.Table, ClicksSummary]:
    """Draw the clicks into one table of the columns that ``write_clicks`` writes."""
    drawn = _Clicks(_source(comparisons, options, texts), options)
    table = pa.concat_tables(drawn.tables())
    return table, drawn.summary()


def _source(comparisons: ScoredComparisons, options: ClickOptions, texts: bool | None) -> ScoredComparisons:
    """The comparisons with those columns only that are written."""
    number = options.comparisons_per_user
    most = number if isinstance(number, int) else number[1]
    keep = options.users * most <= WITH_TEXTS if texts is None else texts
    columns = [name for name in comparisons.table.column_names if name not in OWN and (keep or name in NAMES)]
    return ScoredComparisons(comparisons.table.select(columns), comparisons.row, comparisons.probability)


@dataclass(frozen=True, eq=False)
class _Clicks:
    """Clicks that are drawn block by block, and counted meanwhile."""

    source: ScoredComparisons
    options: ClickOptions
    totals: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("clicks", "attentive", "correct", "for_a"), 0)
    )

    def summary(self) -> ClicksSummary:
        """What has been drawn so far."""
        return ClicksSummary(users=self.options.users, **self.totals)

    def tables(self) -> Iterator[pa.Table]:
        """The clicks as tables, a block of users at a time."""
        options = self.options
        rho = attentivenesses(options)
        begins = np.random.default_rng([options.seed, 9]).integers(0, 30 * DAY, options.users) + START
        for block in user_blocks(self.source.probability, rho, options):
            self.totals["clicks"] += len(block)
            for name in ("attentive", "correct", "for_a"):
                self.totals[name] += int(getattr(block, name).sum())
            yield _rows(block, self.source, begins)


def _rows(block: SimulatedUsers, source: ScoredComparisons, begins: Any) -> pa.Table:
    """The clicks of a block of whole users, each user's clicks in their order."""
    first = np.flatnonzero(np.diff(block.user, prepend=-1))
    index = np.arange(len(block)) - np.repeat(first, np.diff(np.append(first, len(block))))
    shown = source.table.take(pa.array(block.comparison)) if source.table.num_columns else None
    columns: dict[str, Any] = {"user": block.user, "comparison": source.row[block.comparison]}
    columns |= {name: shown[name] for name in source.table.column_names} if shown is not None else {}
    for name in ("model_a", "model_b"):
        if name not in columns:
            columns[name] = pa.DictionaryArray.from_arrays(np.zeros(len(block), np.int8), [name[-1].upper()])
    columns["winner"] = _winners(block.for_a)
    columns["time"] = pa.array(1000 * (begins[block.user] + PACE * index)).cast(pa.timestamp("ms", "UTC"))
    columns["true_attentiveness"] = block.attentiveness[block.user]
    columns["attentive"] = block.attentive
    columns["attentive_winner"] = _winners(block.preferred)
    columns["correct"] = block.correct
    return pa.table(columns)


def _winners(for_a: Any) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array((~for_a).astype(np.int8)), ["model_a", "model_b"])
