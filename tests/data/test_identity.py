"""What makes a pair one pair."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pytest

from votewise.data import identity
from votewise.data.identity import joined_codes, pair_codes, pair_names, text_key


def codes(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_the_same_texts_in_either_order_are_one_pair() -> None:
    prompt, a, b = codes(0, 0, 0, 1), codes(0, 1, 0, 0), codes(1, 0, 2, 1)
    found = pair_codes(codes(-1, -1, -1, -1), (prompt, a, b))
    assert found[0] == found[1]
    assert len(set(found)) == 3


def test_a_name_decides_before_the_texts() -> None:
    texts = (codes(0, 0, 0), codes(0, 0, 0), codes(1, 1, 1))
    found = pair_codes(codes(0, 1, -1), texts)
    assert len(set(found)) == 3
    assert pair_codes(codes(0, 0, 1), None).tolist() == [0, 0, 1]


def test_each_combination_of_codes_has_one_code() -> None:
    found = joined_codes(codes(-1, 0, 0, -1, 0), codes(2, -1, 2, 2, -1))
    assert found[0] == found[3]
    assert found[1] == found[4]
    assert len(set(found)) == 3


def test_names_are_those_given_else_hashes_of_texts_in_either_order() -> None:
    table = pa.table(
        {
            "pair": ["p", None, None, None],
            "prompt": ["q", "q", "q", None],
            "response_a": ["x", "x", "y", "x"],
            "response_b": ["y", "y", "x", "y"],
        }
    )
    names = pair_names(table).to_pylist()
    assert names[0] == "p"
    assert names[1] == names[2] == "8f1ed404e042f858"
    assert names[3] != names[1]


def test_where_one_text_ends_and_the_next_begins_matters() -> None:
    one, other = (
        pair_names(pa.table({"response_a": [a], "response_b": [b]})).to_pylist() for a, b in (("ab", "c"), ("a", "bc"))
    )
    assert one != other


def test_conversations_are_compared_as_json() -> None:
    message = {"role": "user", "content": "é"}
    assert text_key([message]) == '[{"role": "user", "content": "é"}]'
    assert text_key("é") == "é"
    assert text_key(None) is None


def stand_in(text: str | None) -> bytes | None:
    """Bytes that begin with the MD5 of the text."""
    return None if text is None else hashlib.md5(text.encode()).digest() + b"12345678"


def test_many_pairs_are_named_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    texts = {name: [None if rng.random() < 0.1 else rng.bytes(6).hex() for _ in range(500)] for name in identity.TEXTS}
    few = pair_names(pa.table(texts)).to_pylist()
    stand_ins = {
        name: pa.chunked_array(
            [pa.array([stand_in(text) for text in part], pa.binary(24)) for part in (some[:7], some[7:])]
        )
        for name, some in texts.items()
    }
    assert pair_names(pa.table(stand_ins)).to_pylist() == few
    assert pair_names(pa.table(stand_ins).slice(3)).to_pylist() == few[3:]
    monkeypatch.setattr(identity, "MANY", 0)
    assert pair_names(pa.table(texts)).to_pylist() == few
    assert len(set(few)) == 500


def test_codes_are_numbered_by_appearance() -> None:
    values = np.random.default_rng(0).integers(-1, 50, 300)
    found = identity.compact_codes(values)
    assert values[np.unique(found, return_index=True)[1]].tolist() == list(dict.fromkeys(values.tolist()))
    assert (values[np.unique(found, return_index=True)[1]][found] == values).all()
