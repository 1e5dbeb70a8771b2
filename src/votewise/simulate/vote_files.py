"""Simulated votes -> a table or a file that reads back as plain votes, with the truth in further columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.arrays import Bools
from votewise.simulate.design import Codes
from votewise.simulate.profiles import KINDS
from votewise.simulate.streams import StreamProgress, write_stream
from votewise.simulate.votes import Block, VotesPlan

START, DAY, PACE = 1_735_689_600, 86_400, 30
"""When the first vote may be (2025-01-01), seconds in a day, and seconds between two votes of an annotator."""

_OTHER = {"response_a": "response_b", "response_b": "response_a", "model_a": "model_b", "model_b": "model_a"}


@dataclass(frozen=True)
class VotesSummary:
    """What was drawn: ``votes``, of them ``correct``, and per kind of annotator ``annotators``, ``votes``, ``correct``."""

    votes: int
    correct: int
    pairs: int
    kinds: dict[str, dict[str, int]]


def write_votes(out: Path, plan: VotesPlan, *, progress: StreamProgress | None = None) -> VotesSummary:
    """Draw and write the votes, a block at a time.

    Columns: ``pair``, ``annotator``, ``label`` and ``time``; where the pairs have them ``prompt``, ``response_a``,
    ``response_b``, ``model_a``, ``model_b``, ``domain``; and the truth: ``gold``, ``annotator_kind``,
    ``true_reliability`` (probability that this vote agrees with the truth, noise included) and ``correct``. For pairs of
    a file ``swapped`` tells whether the row's response_a is the file's response_b: per vote where there are texts,
    otherwise per pair.

    Args:
        out: a .parquet, .jsonl or .csv file.
        plan: from ``plan_votes``.
        progress: called with the votes written so far.

    Raises:
        BadInputError: a file that cannot be written.
    """
    totals = _no_totals(plan)
    write_stream(out, _tables(plan, totals), progress)
    return _summary(plan, totals)


def votes_table(plan: VotesPlan) -> tuple[pa.Table, VotesSummary]:
    """Draw the votes into one table of the columns that ``write_votes`` writes."""
    totals = _no_totals(plan)
    table = pa.concat_tables(_tables(plan, totals))
    return table, _summary(plan, totals)


def _no_totals(plan: VotesPlan) -> Any:
    """Annotators, votes and correct votes by kind, before the first vote."""
    totals = np.zeros((3, len(KINDS)), np.int64)
    totals[0] = np.bincount(plan.annotators.kind, minlength=len(KINDS))
    return totals


def _summary(plan: VotesPlan, totals: Any) -> VotesSummary:
    kinds = {
        name: {"annotators": int(totals[0, i]), "votes": int(totals[1, i]), "correct": int(totals[2, i])}
        for i, name in enumerate(KINDS)
        if totals[0, i]
    }
    return VotesSummary(int(totals[1].sum()), int(totals[2].sum()), len(plan.pairs), kinds)


def _tables(plan: VotesPlan, totals: Any) -> Iterator[pa.Table]:
    """The blocks as tables; ``totals`` (annotators, votes, correct votes; by kind) are counted meanwhile."""
    begins = np.random.default_rng([plan.seed, 9]).integers(0, 30 * DAY, len(plan.annotators.kind)) + START
    pools = _pools(plan)
    for block in plan.blocks():
        kind = plan.annotators.kind[block.annotator]
        totals[1] += np.bincount(kind, minlength=len(KINDS))
        totals[2] += np.bincount(kind[block.correct], minlength=len(KINDS))
        pairs = plan.pairs
        columns: dict[str, Any] = {"pair": block.pair if pairs.ids is None else pairs.ids.take(pa.array(block.pair))}
        columns |= {name: _as_shown(pool, block, len(pairs), name) for name, pool in pools.items()}
        columns["annotator"] = block.annotator.astype(np.int32)
        columns["label"] = sides(block.sign > 0, block.swapped)
        if pairs.domain is not None:
            columns["domain"] = pairs.domain.take(pa.array(block.pair))
        columns["time"] = _stamps(begins[block.annotator] + PACE * block.index)
        columns["gold"] = sides(pairs.truth[block.pair] > 0, block.swapped)
        if pairs.ids is not None:
            columns["swapped"] = block.swapped
        columns["annotator_kind"] = pa.DictionaryArray.from_arrays(pa.array(kind), list(KINDS))
        columns["true_reliability"] = block.chance
        columns["correct"] = block.correct
        yield pa.table(columns)


def sides(for_a: Bools, swapped: Bools) -> pa.DictionaryArray:
    """``a`` or ``b``, as it is called in a row that shows the responses ``swapped``."""
    return pa.DictionaryArray.from_arrays(pa.array((for_a == swapped).astype(np.int8)), ["a", "b"])


def _pools(plan: VotesPlan) -> dict[str, pa.Array]:
    """Each column of texts, followed by the column that it swaps places with."""
    texts = plan.pairs.texts
    if texts is None:
        return {}
    pools = {}
    for name in texts.column_names:
        other = texts[_OTHER.get(name, name)]
        pools[name] = pa.concat_arrays([*texts[name].chunks, *(other.chunks if name in _OTHER else [])])
    return pools


def _as_shown(pool: pa.Array, block: Block, size: int, name: str) -> pa.Array:
    """A column of texts as the rows of the block show it."""
    at: Codes = block.pair + size * block.swapped if name in _OTHER else block.pair
    return pool.take(pa.array(at))


def _stamps(seconds: Codes) -> pa.Array:
    return pa.array(1000 * seconds).cast(pa.timestamp("ms", "UTC"))
