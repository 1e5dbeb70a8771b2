"""Which pairs have an answer in common."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from votewise.arrays import Ints
from votewise.data.identity import compact_codes, joined_codes, text_keys
from votewise.data.votes import Votes


def answer_codes(votes: Votes) -> Ints | None:
    """(M, 2) codes of each pair's two answers: equal where the same response to the same prompt is in several pairs.

    None where neither the votes say so (``Votes.answers``) nor texts are known.
    """
    if votes.answers is not None:
        return votes.answers
    if votes.texts is None or not {"response_a", "response_b"} <= set(votes.texts.column_names):
        return None
    m = votes.n_pairs
    both = [text_keys(_chunked(votes.texts[name])) for name in ("response_a", "response_b")]
    answer = _codes(pa.chunked_array([chunk for column in both for chunk in column.chunks], both[0].type))
    if "prompt" in votes.texts.column_names:
        prompt = _codes(text_keys(_chunked(votes.texts["prompt"])))
        answer = joined_codes(np.concatenate([prompt, prompt]), answer)
    codes = compact_codes(answer)
    return np.ascontiguousarray(codes.reshape(2, m).T).astype(np.int32)


def recurring(answers: Ints) -> bool:
    """Whether some answers are in several pairs, so that one pair says something about another."""
    return bool((np.bincount(answers.ravel()) > 1).any())


def _chunked(column: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])


def _codes(column: pa.ChunkedArray) -> np.ndarray:
    """(n,) equal numbers for equal texts; -1 for none."""
    indices = pc.dictionary_encode(column).unify_dictionaries()
    found = [pc.fill_null(chunk.indices, -1).to_numpy(zero_copy_only=False) for chunk in indices.chunks]
    return np.concatenate(found).astype(np.int64) if found else np.empty(0, np.int64)
