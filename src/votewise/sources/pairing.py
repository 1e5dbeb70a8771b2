"""Which pair every vote is about, in which order it shows the responses, and whether it contradicts an earlier row."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.arrays import Bools
from votewise.data.identity import ALSO, Codes, joined_codes, pair_codes, text_keys
from votewise.sources.codes import codes_of, first_of_each, is_known
from votewise.sources.rows import Rows

TOLERANCE = 1e-6
"""By how much two rows' margins for one pair may differ."""

TextCodes = tuple[Codes, Codes, Codes]
"""Codes of prompt, response_a and response_b."""


def text_codes(rows: Rows, table: pa.Table) -> TextCodes | None:
    """Codes of prompt, response_a and response_b, -1 where null; equal responses have equal codes."""
    if "response_a" not in table.column_names:
        return None
    a, b = text_keys(table.column("response_a")), text_keys(table.column("response_b"))
    if a.type != b.type and rows.source.stand_ins is not None:
        a, b = (c if pa.types.is_fixed_size_binary(c.type) else rows.source.stand_ins.of(c) for c in (a, b))
    n = len(table)
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(codes_of, pa.chunked_array([*a.chunks, *b.chunks], a.type))
        prompt = codes_of(text_keys(table.column("prompt")))[0] if "prompt" in table.column_names else np.full(n, -1)
        both, _ = coming.result()
    if ALSO in table.column_names:
        prompt = joined_codes(prompt, codes_of(table.column(ALSO))[0])
    return prompt, both[:n], both[n:]


def identical_responses(table: pa.Table, texts: TextCodes | None) -> Bools:
    """Where both responses are the same and the source does not name the pair."""
    if texts is None:
        return np.zeros(len(table), bool)
    named = is_known(table, "pair") if "pair" in table.column_names else np.zeros(len(table), bool)
    same: Bools = (texts[1] == texts[2]) & (texts[1] >= 0) & ~named
    return same


def find_pairs(rows: Rows, table: pa.Table, texts: TextCodes | None, keep: Bools) -> tuple[Codes, Bools, Bools]:
    """Find each vote's pair, whether its row swaps the responses, and whether it has different texts.

    Rows are compared with the first row of their pair. Rows with different texts are noted in ``rows``.

    Returns:
        (n,) codes of pairs; (n,) True where the responses are swapped; (n,) True where the texts differ.
    """
    n = len(table)
    named = codes_of(table.column("pair"))[0] if "pair" in table.column_names else np.full(n, -1, np.int64)
    if texts is None:
        return named, np.zeros(n, bool), np.zeros(n, bool)
    prompt, a, b = texts
    pair = pair_codes(named, texts)
    kept = np.flatnonzero(keep)
    first = np.zeros(int(pair.max(initial=0)) + 1, np.int64)
    there = first_of_each(pair[kept])
    first[: len(there)] = kept[there] if len(kept) else 0
    start = first[pair]
    flipped = (a == b[start]) & (b == a[start]) & (a != b)
    straight = (a == a[start]) & (b == b[start])
    wrong = keep & ~((straight | flipped) & (prompt == prompt[start]))
    source = table.column("row").to_numpy()
    for i in np.flatnonzero(wrong).tolist():
        other = rows.source.number(int(source[start[i]]))
        value = table.column("pair")[i].as_py()
        problem = f"the texts of this pair differ from those in row {other:,}"
        rows.reject(
            int(source[i]), problem, column="pair", value=value, expected="the same prompt and responses", whole=False
        )
    return pair, flipped & ~wrong, wrong


def contradictions(rows: Rows, table: pa.Table, name: str, pair: Codes, value: npt.NDArray[Any], keep: Bools) -> Bools:
    """Find the votes whose value, in the pair's orientation, differs from that of the pair's first row with a value."""
    known = np.flatnonzero(keep & is_known(table, name))
    wrong = np.zeros(len(pair), bool)
    _, first, inverse = np.unique(pair[known], return_index=True, return_inverse=True)
    start = known[first][inverse]
    wrong[known] = np.abs(value[known].astype(float) - value[start]) > TOLERANCE
    source = table.column("row").to_numpy()
    for i, j in zip(known[wrong[known]].tolist(), start[wrong[known]].tolist(), strict=True):
        problem = f"the {name} of this pair differs from that in row {rows.source.number(int(source[j])):,}"
        expected = "one per pair, reversed where the responses are swapped"
        value_there = table.column(name)[i].as_py()
        rows.reject(int(source[i]), problem, column=name, value=value_there, expected=expected, whole=False)
    return wrong
