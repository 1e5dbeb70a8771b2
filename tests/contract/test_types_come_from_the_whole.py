"""Point 6 of the contract: types come from the whole source or its schema, never from its first rows.

Ids stay text exactly as written: UUIDs, dates, leading zeros, upper case, numbers beyond 2^53, quotes, spaces.
"""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import Any

import pyarrow.parquet as pq
import pytest
from containers import TYPED, UNTYPED
from hostile import names
from hypothesis import given
from hypothesis import strategies as st
from kept_contract import empty_folder, examples
from small_limits import small_limits
from written import Row

import votewise
from votewise.sources import read_votes

pytestmark = pytest.mark.slow
"""Each is fast; together they take some seconds."""

ids = st.lists(names(), min_size=1, max_size=6, unique=True)
TEXT_FILES = {**{kind: TYPED[kind] for kind in ("jsonl", "json", "jsonl.zst", "folder of jsonl", "parquet")}, **UNTYPED}


def rows_of(people: list[str]) -> list[Row]:
    return [{"annotator": who, "pair": who, "label": "a", "domain": who} for who in people]


@pytest.mark.parametrize("contain", TEXT_FILES.values(), ids=list(TEXT_FILES))
@examples(8)
@given(people=ids)
def test_ids_stay_as_they_are_written(contain: Any, people: list[str]) -> None:
    with empty_folder() as folder:
        votes = read_votes(contain(rows_of(people), folder))
        assert votes.annotator_ids.to_pylist() == people
        assert votes.pair_ids.to_pylist() == people
        assert list(votes.domain_ids) == people


@pytest.mark.parametrize("in_parts", [False, True])
@pytest.mark.parametrize("contain", TEXT_FILES.values(), ids=list(TEXT_FILES))
@examples(3)
@given(people=ids)
def test_users_of_a_log_stay_as_they_are_written(contain: Any, in_parts: bool, people: list[str]) -> None:
    rows = [{"user": who, "model_a": "m", "model_b": "n", "winner": "model_a"} for who in people for _ in range(2)]
    with empty_folder() as folder, small_limits() if in_parts else nullcontext():
        path = contain(rows, folder)
        votewise.filter_clicks(path, win_rate=0.8, keep=1.0, out=folder / "kept", report=False, prior="two-point")
        users = pq.read_table(folder / "kept" / "users.parquet").to_pylist()
        assert {user["user"]: user["comparisons"] for user in users} == dict.fromkeys(people, 2)


VALUES: list[Any] = [7, 7.5, 2**53 + 1, "007", True, None, "x", [1], {"k": 1}]


@pytest.mark.parametrize("in_parts", [False, True])
@examples(15)
@given(values=st.lists(st.sampled_from(VALUES), min_size=1, max_size=8))
def test_a_carried_column_of_several_types_keeps_every_value(in_parts: bool, values: list[Any]) -> None:
    rows = [{"annotator": f"w{i}", "pair": "p", "label": "a", "extra": value} for i, value in enumerate(values)]
    with empty_folder() as folder:
        path = TYPED["jsonl"](rows, folder)
        if in_parts:
            with small_limits():
                table = read_votes(path).table
        else:
            table = read_votes(path).table
        assert table is not None
        found = table.column("extra").to_pylist()
        if (table.schema.field("extra").metadata or {}).get(b"votewise") == b"json":
            found = [None if value is None else json.loads(value) for value in found]
        # Among numbers with fractions a whole number is one of these; nothing else changes.
        assert [repr(float(v)) if type(v) is int else repr(v) for v in found] == [
            repr(float(v)) if type(v) is int else repr(v) for v in values
        ]
        assert all(a == b for a, b in zip(found, values, strict=True))
