"""Comparisons -> the clicks of simulated users on them, as a file that ``votewise filter`` reads, with the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.special import expit

from votewise.arrays import Floats
from votewise.errors import BadInputError
from votewise.simulate.streams import Progress, write_stream
from votewise.simulate.users import Follow, SimulatedUsers, attentivenesses, user_blocks
from votewise.simulate.vote_files import DAY, PACE, START
from votewise.simulate.votes import WITH_TEXTS
from votewise.sources.opening import load

OWN = ("user", "comparison", "winner", "time", "true_attentiveness", "attentive", "preferred", "correct")
"""Columns that are ours: the source's of these names go."""

NAMES = ("model_a", "model_b", "domain")
"""Columns of the source that stay where its texts do not."""


@dataclass(frozen=True, eq=False)
class ScoredComparisons:
    """M comparisons of model A's answer with model B's.

    Attributes:
        table: the source's columns, one row per comparison.
        row: (M,) number of each in the source, from 0.
        probability: (M,) probability that an attentive user prefers the row's response_a.
        unscored: rows of the source without a score, which nobody is shown.
    """

    table: pa.Table
    row: Any
    probability: Floats
    unscored: int = 0


def read_comparisons(
    source: Any, *, probability: str | None = None, margin: str | None = None, temperature: float = 1.0
) -> ScoredComparisons:
    """Read comparisons and what a scorer thinks of them.

    Args:
        source: a file, a table's URL or a table in memory.
        probability: column with the probability that response_a is better.
        margin: column with its log-odds. Without either: ``probability``, else ``margin``, else ``score_a`` and
            ``score_b``, whose difference is the margin.
        temperature: factor on margins.

    Raises:
        BadInputError: columns that are missing or hold no such numbers, or no comparison with a score.
    """
    read = load(source)
    table, name = read.table, read.name
    if probability is not None and margin is not None:
        raise BadInputError("both a probability and a margin", source=name, expected="one of them")
    found = set(table.column_names)
    if probability is None and margin is None and "probability" in found:
        probability = "probability"
    if margin is None and "margin" in found:
        margin = "margin"
    if probability is not None:
        p = _numbers(table, probability, name)
        if ((p < 0) | (p > 1)).any():
            row = int(np.flatnonzero((p < 0) | (p > 1))[0])
            raise BadInputError("is no probability", source=name, row=row + 1, column=probability, value=float(p[row]))
    elif margin is not None:
        p = expit(temperature * _numbers(table, margin, name))
    elif {"score_a", "score_b"} <= found:
        p = expit(temperature * (_numbers(table, "score_a", name) - _numbers(table, "score_b", name)))
    else:
        raise BadInputError(
            f"says nothing of which answer is better; found the columns {', '.join(table.column_names)}",
            source=name,
            expected="probability, margin, or score_a and score_b; `votewise score` writes them",
        )
    known = np.flatnonzero(~np.isnan(p))
    if len(known) == 0:
        raise BadInputError("no comparison has a score", source=name)
    whole = len(known) == len(p)
    return ScoredComparisons(table if whole else table.take(pa.array(known)), known, p[known], len(p) - len(known))


def made_up_comparisons(size: int, win_rate: float) -> ScoredComparisons:
    """``size`` comparisons without texts; on a share ``win_rate`` of them A's answer is truly better.

    Raises BadInputError for a number or a share out of range.
    """
    if size < 1 or not 0 <= win_rate <= 1:
        raise BadInputError(f"{size:,} comparisons, win rate {win_rate:g}", expected="at least 1, and 0 to 1")
    return ScoredComparisons(
        pa.table({}), np.arange(size), (np.arange(size) < round(win_rate * size)).astype(np.float64)
    )


@dataclass
class ClicksSummary:
    """What was written: ``clicks`` by ``users``, and how many were ``attentive``, ``correct`` and ``for_a``."""

    clicks: int = 0
    users: int = 0
    attentive: int = 0
    correct: int = 0
    for_a: int = 0


def write_clicks(
    out: Path,
    comparisons: ScoredComparisons,
    *,
    users: int = 400,
    prior: Any = "beta:6,2",
    comparisons_per_user: int | tuple[int, int] = 50,
    follow: Follow = "sign",
    texts: bool | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> ClicksSummary:
    """Draw and write the clicks, a block of users at a time.

    Columns: ``user``, ``comparison`` (the source's row, from 0), the source's columns, ``winner`` (``model_a`` or
    ``model_b``), ``time``, and the truth: ``true_attentiveness``, ``attentive``, ``preferred`` (what an attentive user would
    have clicked) and ``correct``.

    Args:
        out: a .parquet, .jsonl or .csv file.
        comparisons: from ``read_comparisons`` or ``made_up_comparisons``.
        users: how many; this and the following as for ``simulate_users``, which gives the same clicks.
        prior: what attentiveness is drawn from.
        comparisons_per_user: how many each user sees, or the fewest and the most.
        follow: what an attentive user clicks, ``sign`` or ``sampled``.
        texts: whether to write all columns of the source rather than the models and the domain alone; None for up to a
            million clicks.
        seed: seed.
        progress: called with the clicks written so far.

    Raises:
        BadInputError: settings that cannot be used, or a file that cannot be written.
    """
    rho = attentivenesses(prior, users, seed)
    most = comparisons_per_user if isinstance(comparisons_per_user, int) else comparisons_per_user[1]
    keep = users * most <= WITH_TEXTS if texts is None else texts
    blocks = user_blocks(
        comparisons.probability, rho, comparisons_per_user=comparisons_per_user, follow=follow, seed=seed
    )
    begins = np.random.default_rng([seed, 9]).integers(0, 30 * DAY, users) + START
    summary = ClicksSummary(users=users)
    columns = [name for name in comparisons.table.column_names if name not in OWN and (keep or name in NAMES)]
    source = ScoredComparisons(comparisons.table.select(columns), comparisons.row, comparisons.probability)
    write_stream(out, _tables(blocks, source, begins, summary), progress)
    return summary


def _tables(
    blocks: Iterator[SimulatedUsers], source: ScoredComparisons, begins: Any, summary: ClicksSummary
) -> Iterator[pa.Table]:
    for block in blocks:
        summary.clicks += len(block)
        for name in ("attentive", "correct", "for_a"):
            setattr(summary, name, getattr(summary, name) + int(getattr(block, name).sum()))
        # The block holds whole users, each user's clicks in their order.
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
        columns["preferred"] = _winners(block.preferred)
        columns["correct"] = block.correct
        yield pa.table(columns)


def _winners(for_a: Any) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array((~for_a).astype(np.int8)), ["model_a", "model_b"])


def _numbers(table: pa.Table, column: str, source: str) -> Floats:
    """(rows,) a column's numbers, NaN where null."""
    if column not in table.column_names:
        raise BadInputError(f"there is no column '{column}'", source=source, expected=", ".join(table.column_names))
    try:
        found = table[column].cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowException as error:
        raise BadInputError("holds no numbers", source=source, column=column) from error
    if np.isinf(found).any():
        row = int(np.flatnonzero(np.isinf(found))[0])
        raise BadInputError("is not finite", source=source, row=row + 1, column=column, value=float(found[row]))
    return np.asarray(found, np.float64)
