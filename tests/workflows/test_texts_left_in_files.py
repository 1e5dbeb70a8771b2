"""An audit of a large file, whose texts stay there, writes what an audit of a small one writes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import votewise
from votewise.data.derived_table import DerivedTable
from votewise.data.lazy_table import LazyTable
from votewise.demo import make_demo_data
from votewise.sources.containers import stand_ins
from votewise.sources.values import table_of

pytestmark = pytest.mark.slow
"""Each takes some seconds."""

NEVER = 1 << 60


def votes_file(folder: Path, kind: str) -> Path:
    """Votes with long texts and reasons: plain ones, some of them ``repeated``, or ``trl``."""
    rows = make_demo_data(pairs=60).table.to_pylist()
    rng = np.random.default_rng(1)
    found = []
    for row in rows:
        more = {name: f"{row[name]} " + "and more words " * 6 for name in ("prompt", "response_a", "response_b")}
        found.append(row | more | {"reason": f"because of {rng.integers(99)} " + "<b>things</b> " * 6})
    if kind == "trl":
        found = [trl(row) for row in found if row["label"] != "tie"]
    if kind == "repeated":
        found += found[:30]
        found[5] = found[5] | {"label": "skip"}
    if kind == "broken lines":
        path = folder / "votes.jsonl"
        lines = [json.dumps(row, default=str) for row in found]
        lines[20:20] = ["", '{"half']
        path.write_text("\n".join(lines))
        return path
    path = folder / "votes.parquet"
    pq.write_table(table_of(found), path, row_group_size=50)
    return path


def trl(row: dict[str, Any]) -> dict[str, Any]:
    chosen, rejected = ("response_a", "response_b") if row["label"] == "a" else ("response_b", "response_a")
    return {"prompt": row["prompt"], "chosen": row[chosen], "rejected": row[rejected], "annotator": row["annotator"]}


def contents(folder: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            found[path.name] = (str(table.schema), table.to_pylist())
        elif path.suffix == ".json":
            summary = json.loads(path.read_text())
            found[path.name] = {key: value for key, value in summary.items() if key != "created"}
        else:
            found[path.name] = re.sub(r"20\d\d-\d\d-\d\d", "", path.read_text())
    return found


@pytest.mark.parametrize("kind", ["plain", "repeated", "trl", "broken lines"])
def test_audit_and_export_write_the_same(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = votes_file(tmp_path, kind)
    found = []
    for large in (0, NEVER):
        monkeypatch.setattr(stand_ins, "LARGE", large)
        result = votewise.audit(path, out=tmp_path / "out", on_error="skip")
        assert isinstance(result.votes.table, LazyTable) is (large == 0)
        assert isinstance(result.reliability.votes, LazyTable) is (large == 0)
        files = contents(tmp_path / "out")
        for name, shape, options in (
            ("trl.jsonl", "trl", {}),
            ("trl.parquet", "trl", {"flip_below": 0.2, "min_confidence": 0.6}),
            ("votes.parquet", "votes", {}),
            ("openai.jsonl", "openai", {}),
            ("pairs.parquet", "trl", {"one_per_pair": True}),
        ):
            for audit in (tmp_path / "out", result):
                file = tmp_path / "exported" / name
                exported = votewise.export(audit, out=file, to=shape, **options)
                assert isinstance(exported.table, DerivedTable | LazyTable) is (large == 0)
                table = exported.table.to_pylist()
                counts = (exported.kept, exported.flipped, exported.dropped, exported.ties)
                written = pq.read_table(file) if file.suffix == ".parquet" else file.read_text()
                files[f"{name} {type(audit).__name__}"] = (counts, str(exported.table.schema), table, written)
        found.append(files)
    assert found[0].keys() == found[1].keys()
    for name, content in found[1].items():
        assert found[0][name] == content, name
