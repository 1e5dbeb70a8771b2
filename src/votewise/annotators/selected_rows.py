"""The selected votes or pairs of an audit -> rows of the plain format, each with its confidence."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from votewise.annotators.select import Selection
from votewise.arrays import Floats, Signs
from votewise.data.identity import ALSO
from votewise.data.preference_shapes import pick
from votewise.data.votes import Votes

CONSENSUS = "consensus"
"""The annotator's name in a row that stands for all votes on a pair."""

TEXTS = ("prompt", "response_a", "response_b", ALSO, "model_a", "model_b")

_OTHER = {"response_a": "response_b", "response_b": "response_a", "model_a": "model_b", "model_b": "model_a"}


def pair_rows(pairs: pa.Table, selection: Selection) -> pa.Table:
    """The selected pairs in the plain format, one row each, with the likelier response as the label.

    Args:
        pairs: beliefs about pairs with their texts, as in ``pairs.parquet``.
        selection: from ``select_pairs``.
    """
    texts = [name for name in TEXTS if name in pairs.column_names]
    return (
        pairs.take(pa.array(selection.rows))
        .select(["pair", *texts])
        .append_column("annotator", pa.repeat(pa.scalar(CONSENSUS), len(selection.rows)))
        .append_column("label", _labels(selection.sign))
        .append_column("confidence", pa.array(selection.confidence))
    )


def vote_rows(votes: Votes, selection: Selection) -> pa.Table:
    """The selected votes in the plain format, each with its responses in the order in which they were shown."""
    rows, pair = selection.rows, votes.pair[selection.rows]
    swapped = np.zeros(len(rows), bool) if votes.swapped is None else votes.swapped[rows]
    shown = np.where(swapped, -1, 1).astype(np.int8)
    columns = {"pair": votes.pair_ids.take(pa.array(pair))}
    if votes.texts is not None:
        texts = votes.texts.take(pa.array(pair))
        for name in TEXTS:
            if name in texts.column_names:
                other = _OTHER.get(name)
                columns[name] = texts[name] if other is None else pick(texts[name], texts[other], swapped)
    columns["annotator"] = votes.annotator_ids.take(pa.array(votes.annotator[rows]))
    columns["label"] = _labels(selection.sign * shown)
    columns["confidence"] = pa.array(selection.confidence)
    if votes.domain is not None:
        codes = votes.domain[pair]
        columns["domain"] = pa.array(votes.domain_ids, pa.string()).take(pa.array(codes, mask=codes < 0))
    if votes.time is not None:
        columns["time"] = _timestamps(votes.time[rows])
    if votes.judgement is not None:
        columns["judgement"] = pa.array(votes.judgement[rows])
    if votes.margin is not None:
        columns["log_odds"] = pa.array(votes.margin[pair] * shown)
    if votes.gold is not None:
        columns["gold"] = _labels(votes.gold[pair] * shown)
    return pa.table(columns)


def _timestamps(seconds: Floats) -> pa.Array:
    known = np.isfinite(seconds)
    micros = (np.where(known, seconds, 0) * 1e6).round().astype(np.int64)
    return pa.array(micros, mask=~known).cast(pa.timestamp("us", "UTC"))


def _labels(sign: Signs) -> pa.Array:
    """+1 -> a, -1 -> b, 0 -> null."""
    return pa.array(np.where(sign > 0, "a", "b"), pa.string(), mask=sign == 0)
