"""An audit -> a training file: plain votes, TRL's preference shape or OpenAI's preference fine-tuning shape.

Plain votes come first; the other shapes are made from them. Data formats: docs/formats.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from votewise.annotators.saved import Audit, load_votes
from votewise.annotators.select import Selection, select_pairs, select_votes
from votewise.arrays import Bools, Signs
from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.storage.files import write_json_lines
from votewise.storage.row_files import SUFFIXES, write_rows

SHAPES = ("trl", "votes", "openai")
CONSENSUS = "consensus"
"""Stands in for the annotator where a row speaks for all votes on a pair."""

TEXTS = ("prompt", "response_a", "response_b", "model_a", "model_b")

_OTHER = {"response_a": "response_b", "response_b": "response_a", "model_a": "model_b", "model_b": "model_a"}
_BATCH = 10_000


def export_audit(
    audit: Audit,
    out: Path,
    *,
    shape: str = "trl",
    min_confidence: float = 0.5,
    flip_below: float | None = None,
    one_per_pair: bool = False,
) -> Selection:
    """Write the trustworthy preferences of an audit to ``out`` and tell which they were.

    Args:
        audit: from ``votewise.annotators.saved.load_audit``.
        out: a .jsonl or .parquet file; written to a temporary name first.
        shape: ``trl`` (prompt, chosen, rejected, annotator, confidence), ``votes`` (plain votes with their confidence)
            or ``openai`` (input, preferred_output, non_preferred_output; .jsonl only).
        min_confidence: leave out what is less likely right than this.
        flip_below: flip the votes that are less likely right than this; see ``votewise.annotators.select``.
        one_per_pair: one row per pair, its likelier response preferred, in place of one row per vote.

    Raises:
        BadInputError: for settings that contradict each other, votes without texts, or a file that cannot be written.
    """
    check_export(out, shape=shape, flip_below=flip_below, one_per_pair=one_per_pair)
    if one_per_pair:
        p_a = audit.pairs["p_a"].to_numpy()
        selection = select_pairs(p_a, min_confidence=min_confidence)
        table = _plain_pairs(audit.pairs, selection)
    else:
        votes = load_votes(audit)
        confidence = audit.votes["confidence"].to_numpy(zero_copy_only=False)
        selection = select_votes(votes.sign, confidence, min_confidence=min_confidence, flip_below=flip_below)
        table = _plain_votes(votes, selection)
    if shape != "votes":
        table = preference_table(table, source=str(audit.folder))
    if shape == "openai":
        write_json_lines(out, openai_rows(table))
    else:
        write_rows(out, table)
    return selection


def check_export(out: Path, *, shape: str, flip_below: float | None, one_per_pair: bool) -> None:
    """Raise BadInputError for settings that cannot work together, before anything is read."""
    if shape not in SHAPES:
        raise BadInputError("no such shape", source="--to", value=shape, expected=", ".join(SHAPES))
    if out.suffix not in SUFFIXES:
        raise BadInputError("unknown kind of file", source=str(out), expected="a name ending in .jsonl or .parquet")
    if shape == "openai" and out.suffix != ".jsonl":
        raise BadInputError("OpenAI's shape is JSON lines", source=str(out), expected="a name ending in .jsonl")
    if one_per_pair and flip_below is not None:
        raise BadInputError(
            "pairs are not flipped: each takes its likelier response", source="flip_below", expected="no one_per_pair"
        )


def preference_table(plain: pa.Table, *, source: str) -> pa.Table:
    """Plain votes without ties -> TRL's preference shape, standard or conversational as the texts came.

    Where only some of prompt and responses are lists of messages, the others become messages too, since TRL takes one
    kind or the other.
    """
    if "response_a" not in plain.column_names:
        raise BadInputError(
            "the votes have no texts, so there is nothing to train on",
            source=source,
            expected="columns prompt, response_a and response_b, or --to votes",
        )
    swap = np.asarray(pc.equal(plain["label"], "b"))
    texts = {"prompt": plain["prompt"]} if "prompt" in plain.column_names else {}
    texts |= {
        "chosen": _pick(plain["response_a"], plain["response_b"], swap),
        "rejected": _pick(plain["response_b"], plain["response_a"], swap),
    }
    if any(not _is_text(column.type) for column in texts.values()):
        texts = {
            name: as_messages(column, "user" if name == "prompt" else "assistant") for name, column in texts.items()
        }
    return pa.table(texts | {"annotator": plain["annotator"], "confidence": plain["confidence"]})


def openai_rows(preferences: pa.Table) -> Iterator[dict[str, Any]]:
    """TRL's preference shape -> one dict per line of OpenAI's preference fine-tuning file, always as messages."""
    names = {"prompt": "user", "chosen": "assistant", "rejected": "assistant"}
    columns = {
        name: as_messages(preferences[name], role) for name, role in names.items() if name in preferences.column_names
    }
    for batch in pa.table(columns).to_batches(max_chunksize=_BATCH):
        for row in batch.to_pylist():
            yield {
                "input": {"messages": row.get("prompt", [])},
                "preferred_output": row["chosen"],
                "non_preferred_output": row["rejected"],
            }


def as_messages(column: pa.ChunkedArray, role: str) -> pa.ChunkedArray:
    """Texts -> lists of one message each; lists of messages stay as they are."""
    if not _is_text(column.type):
        return column
    texts = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    roles = pa.repeat(pa.scalar(role), len(texts))
    messages = pa.StructArray.from_arrays([roles, texts], ["role", "content"])
    return pa.chunked_array([pa.ListArray.from_arrays(pa.array(np.arange(len(texts) + 1), pa.int32()), messages)])


def _plain_pairs(pairs: pa.Table, selection: Selection) -> pa.Table:
    texts = [name for name in TEXTS if name in pairs.column_names]
    return (
        pairs.take(pa.array(selection.rows))
        .select(["pair", *texts])
        .append_column("annotator", pa.repeat(pa.scalar(CONSENSUS), len(selection.rows)))
        .append_column("label", _labels(selection.sign))
        .append_column("confidence", pa.array(selection.confidence))
    )


def _plain_votes(votes: Votes, selection: Selection) -> pa.Table:
    """The selected votes in the plain format, each with its responses in the order in which they were shown."""
    rows, pair = selection.rows, votes.pair[selection.rows]
    swapped = np.zeros(len(rows), bool) if votes.swapped is None else votes.swapped[rows]
    shown = np.where(swapped, -1, 1).astype(np.int8)
    table = pa.table({"pair": votes.pair_ids.take(pa.array(pair))})
    if votes.texts is not None:
        texts = votes.texts.take(pa.array(pair))
        for name in (name for name in TEXTS if name in texts.column_names):
            column = texts[name]
            if name in _OTHER:
                column = _pick(column, texts[_OTHER[name]], swapped)
            table = table.append_column(name, column)
    table = table.append_column("annotator", votes.annotator_ids.take(pa.array(votes.annotator[rows])))
    table = table.append_column("label", _labels(selection.sign * shown))
    table = table.append_column("confidence", pa.array(selection.confidence))
    if votes.domain is not None:
        codes = votes.domain[pair]
        domains = pa.array(codes, mask=codes < 0)
        table = table.append_column("domain", pa.array(votes.domain_ids, pa.string()).take(domains))
    if votes.time is not None:
        seconds = votes.time[rows]
        known = np.isfinite(seconds)
        micros = np.where(known, seconds, 0) * 1e6
        stamps = pa.array(micros.round().astype(np.int64), mask=~known)
        table = table.append_column("time", stamps.cast(pa.timestamp("us", "UTC")))
    if votes.margin is not None:
        table = table.append_column("margin", pa.array(votes.margin[pair] * shown))
    if votes.gold is not None:
        table = table.append_column("gold", _labels(votes.gold[pair] * shown))
    return table


def _labels(sign: Signs) -> pa.Array:
    """+1 -> a, -1 -> b, 0 -> null."""
    return pa.array(np.where(sign > 0, "a", "b"), pa.string(), mask=sign == 0)


def _pick(first: pa.ChunkedArray, second: pa.ChunkedArray, swap: Bools) -> pa.ChunkedArray:
    """Row by row from ``first``, or from ``second`` where ``swap`` is set; both columns must have one type."""
    both = pa.chunked_array([*first.chunks, *second.chunks], first.type)
    return both.take(pa.array(np.arange(len(first)) + len(first) * swap))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
