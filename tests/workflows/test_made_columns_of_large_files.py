"""Tools, pictures and tool calls of a large audit are exported some rows at a time, with the types of all rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import votewise
from votewise.data.derived_table import DerivedTable
from votewise.data.made_columns import types_of
from votewise.errors import BadInputError
from votewise.sources.containers import stand_ins, table_file

LONG = "some words and more words, more than a stand-in has " * 2
ROWS = 2_100
VALUES: dict[str, list[Any]] = {
    "one type": [1, 2, 3],
    "nothing at first": [None, None, "late"],
    "whole numbers, then others": [1, 2, 2.5],
    "too large for that": [2**60 + 1, 2, 2.5],
    "too large for any": [1, 2**63 + 5, 7],
    "truth and numbers": [1, True, 2],
    "numbers and texts": [1, 2, "three"],
    "lists of nothing at first": [[], [], ["x"]],
    "objects with other keys": [{"b": 1}, {"a": "x"}, {"c": [1], "b": None}],
    "objects with other types": [{"a": 1}, {"a": 1}, {"a": "x"}],
}


def third(i: int) -> int:
    """Rows of one batch have one value, those of later batches others."""
    return min(3 * i // ROWS, 2)


def row(i: int, values: list[Any], where: str) -> dict[str, Any]:
    chosen: dict[str, Any] = {"role": "assistant", "content": f"a{i} {LONG}"}
    found: dict[str, Any] = {
        "prompt": [{"role": "user", "content": f"q{i} {LONG}"}],
        "chosen": [chosen],
        "rejected": [{"role": "assistant", "content": f"b{i} {LONG}"}],
        "annotator": f"u{i % 5}",
    }
    value = values[third(i)]
    if where == "tool calls":
        chosen["tool_calls"] = [{"name": "f", "arguments": {"x": value}}]
    else:
        found[where] = json.dumps({"x": value, "name": "f"})
    return found


def exported(path: Path, folder: Path, **told: Any) -> list[Any]:
    folder.mkdir()
    votewise.audit(str(path), out=folder / "audit", report=False, force=True, **told)
    found: list[Any] = []
    for name, to in (("x.jsonl", "trl"), ("x.parquet", "trl"), ("y.jsonl", "openai")):
        try:
            result = votewise.export(folder / "audit", to=to, out=folder / name, min_confidence=0.0)
        except BadInputError as error:
            found.append(str(error).replace(str(folder), ""))
            continue
        assert isinstance(result.table, DerivedTable) is (stand_ins.LARGE == 0)
        table = pq.read_table(folder / name) if name.endswith("parquet") else None
        found.append((folder / name).read_bytes() if table is None else (table.schema, table.to_pylist()))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("where", ["tool calls", "also"])
@pytest.mark.parametrize("name", VALUES)
def test_what_all_rows_have(name: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "votes.jsonl"
    path.write_text("".join(json.dumps(row(i, VALUES[name], where)) + "\n" for i in range(ROWS)))
    monkeypatch.setattr(table_file, "BATCH_BYTES", 1)
    found = []
    for large in (0, 1 << 60):
        monkeypatch.setattr(stand_ins, "LARGE", large)
        found.append(exported(path, tmp_path / str(large)))
    assert found[0][0] == found[1][0]
    assert found[0][1] == found[1][1]
    assert found[0][2] == found[1][2]
    messages = [json.loads(line)["chosen"][0] for line in found[0][0].splitlines()]
    if where == "tool calls" and name not in ("objects with other keys",):
        assert [m["tool_calls"][0]["arguments"].get("x") for m in messages] == [
            VALUES[name][third(i)] for i in range(ROWS)
        ]


def test_conversations_of_several_types_are_not_written_as_texts(tmp_path: Path) -> None:
    path = tmp_path / "votes.jsonl"
    path.write_text("".join(json.dumps(row(i, ["x" if i % 2 else i] * 3, "tool calls")) + "\n" for i in range(9)))
    votewise.audit(str(path), out=tmp_path / "audit", report=False, force=True)
    with pytest.raises(BadInputError, match=r"values of several types.*expected a name ending in \.jsonl"):
        votewise.export(tmp_path / "audit", out=tmp_path / "x.parquet")


def test_types_of_batches_are_those_of_all_rows() -> None:
    rng = np.random.default_rng(3)
    pool: list[Any] = [
        None,
        1,
        -3,
        2.5,
        2**60 + 1,
        True,
        {"a": True},
        "x",
        [],
        [1],
        ["x"],
        {"a": 1},
        {"b": None, "a": 2.5},
        {"a": "x"},
    ]
    agreed = 0
    for _ in range(1_000):
        few = [pool[i] for i in rng.choice(len(pool), 3)]
        values = [few[i] for i in rng.integers(0, 3, 12)]
        batches = [pa.table({"n": pa.array(range(start, start + 3))}) for start in range(0, 12, 3)]

        def make(batch: pa.Table, types: Any, values: list[Any] = values) -> Any:
            from votewise.data.made_columns import made_column

            yield "x", made_column("x", [values[i] for i in batch["n"].to_pylist()], types)[0]

        whole = next(iter(make(pa.table({"n": pa.array(range(12))}), None)))[1]
        found = types_of(lambda batches=batches: batches, make)["x"]
        assert found.equals(whole, check_metadata=True), values
        agreed += not pa.types.is_null(whole.type)
    assert agreed > 500
