"""Peak memory of auditing and exporting made-up votes of every shape, with short and with long texts.

Reading, auditing and exporting must not need more memory where texts are longer. Each shape is made twice, with about 1 and
about 2 KB of text in a vote; three annotators out of 5,000 vote on every pair. Every measurement is a fresh process. With
--memory the votes are handed over as tables in memory and as streams, whose own memory is given too.

    python benchmarks/shapes_of_texts.py [--shapes messages implicit ...] [--memory pandas list ...] [--rows 300000]
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import doors
from doors import MEMORY, WORDS

TEXT = (
    "array_to_string(list_transform(range({parts}), x -> md5((pair * 1001 + x + {salt})::VARCHAR) || ' ' || "
    "substr('{words}', 1 + ((x * 7 + {salt}) % 20)::INT, 33)), ' ')"
)
LABEL = "CASE WHEN hash(i + 3e12::BIGINT) % 100 < 75 THEN 'a' ELSE 'b' END"
BETTER, WORSE = f"CASE {LABEL} WHEN 'a' THEN a ELSE b END", f"CASE {LABEL} WHEN 'a' THEN b ELSE a END"
WHO = "'annotator ' || ((hash(pair) + (i // {pairs}) * 101) % {annotators})"


def _message(role: str, text: str) -> str:
    return f"struct_pack(role := '{role}', content := {text})"


def _annotation(label: str) -> str:
    side = f"CASE {label} WHEN 'a' THEN 'left' ELSE 'right' END"
    value = f"[struct_pack(type := 'pairwise', from_name := 'better', value := struct_pack(selected := {side}))]"
    return f"[struct_pack(completed_by := (hash(i) % {{annotators}})::INT, was_cancelled := false, result := {value})]"


CHAT = ", ".join((
    f"[{_message('system', repr('Be kind'))}, {_message('user', 'p')}] AS prompt",
    f"[{_message('assistant', BETTER)}] AS chosen", f"[{_message('assistant', WORSE)}] AS rejected", f"{WHO} AS annotator",
))  # fmt: skip
SHAPES = {
    "votes": ("parquet", f"p AS prompt, a AS response_a, b AS response_b, {WHO} AS annotator, {LABEL} AS label"),
    "messages": ("parquet", CHAT),
    "implicit": ("parquet", f"p || ' ' || {BETTER} AS chosen, p || ' ' || {WORSE} AS rejected, {WHO} AS annotator"),
    "columns": (
        "parquet",
        f"'Be kind, ' || pair % 7 AS system, p AS prompt, {BETTER} AS chosen, {WORSE} AS rejected, {WHO} AS annotator",
    ),
    "wide": (
        "parquet",
        f"p AS prompt, a AS response_a, b AS response_b, {LABEL} AS annotator_1, 'a' AS annotator_2, 'tie' AS annotator_3",
    ),
    "tools": (
        "parquet",
        f"{CHAT}, '[{{{{\"name\": \"about ' || pair % 9 || '\"}}}}]' AS tools, 'pic ' || pair % 5 AS image",
    ),
    "prism": (
        "parquet",
        "'i' || i AS interaction_id, 'u' || hash(i) % {annotators} AS user_id, 0 AS turn, p AS user_prompt, "
        "unnest([a, b]) AS model_response, unnest(['m', 'n']) AS model_name, "
        "unnest([label = 'a', label = 'b']) AS if_chosen",
    ),
    "prodigy": (
        "jsonl",
        "p AS text, [struct_pack(id := 'a', text := a), struct_pack(id := 'b', text := b)] AS options, "
        f"[{LABEL}] AS accept, 'accept' AS answer, {WHO} AS _session_id",
    ),
    "jsonl": ("jsonl", CHAT),
    "object": ("json", CHAT),
    "json": ("json", CHAT),
    "csv": ("csv", f"p AS prompt, a AS response_a, b AS response_b, {WHO} AS annotator, {LABEL} AS label"),
    "labelstudio": (
        "json",
        "i AS id, struct_pack(prompt := p, response_a := a, response_b := b) AS data, "
        f"{_annotation(LABEL)} AS annotations",
    ),
}
"""The kind of file of each shape, and its columns in DuckDB's words."""
AROUND = {"object": ('{"version": 1, "data": ', ', "system": "Be kind"}')}
"""What stands around the list of a JSON file."""
OPTIONS = {"parquet": "FORMAT parquet", "jsonl": "FORMAT json", "json": "FORMAT json, ARRAY true", "csv": "FORMAT csv"}


def make(path: Path, shape: str, rows: int, times: int) -> None:
    """Write a file of this shape, its texts ``times`` as long as they are at least."""
    import duckdb

    kind, columns = SHAPES[shape]
    p, a, b = (TEXT.format(parts=n * times, salt=salt, words=WORDS) for n, salt in ((3, 0), (6, 100), (6, 500)))
    pairs = rows // 3
    columns = columns.format(pairs=pairs, annotators=min(5_000, rows // 100))
    query = (
        f"COPY (SELECT {columns} FROM (SELECT i, pair, 'Question ' || pair || ': ' || {p} AS p, "
        f"{a} AS a, {b} AS b, {LABEL} AS label FROM (SELECT i, i % {pairs} AS pair FROM range({rows}) AS t(i)))) "
        f"TO '{path}' ({OPTIONS[kind]})"
    )
    duckdb.connect(config={"memory_limit": MEMORY}).execute(query)
    if shape in AROUND:
        before, after = AROUND[shape]
        own = path.rename(path.with_name("list"))
        with own.open() as lines, path.open("w") as file:
            file.write(before)
            file.writelines(lines)
            file.write(after)
        own.unlink()


def _pyarrow(path: str) -> Any:
    import pyarrow.parquet as pq

    return pq.read_table(path)


def _pandas(path: str) -> Any:
    """A frame of Python's own strings, as most frames of texts were before pandas 3."""
    import pandas as pd

    with pd.option_context("future.infer_string", False):
        found = _pyarrow(path).to_pandas()
    return found.astype(object)


def _pandas_arrow(path: str) -> Any:
    import pandas as pd

    return pd.read_parquet(path)


def _polars(path: str) -> Any:
    import polars as pl

    return pl.read_parquet(path)


def _polars_lazy(path: str) -> Any:
    import polars as pl

    return pl.scan_parquet(path)


def _datasets(path: str) -> Any:
    import datasets

    return datasets.Dataset(_pyarrow(path))


def _list(path: str) -> Any:
    return list(_stream(path))


def _stream(path: str) -> Any:
    import pyarrow.parquet as pq

    return (row for batch in pq.ParquetFile(path).iter_batches(2_000) for row in batch.to_pylist())


CONTAINERS: dict[str, Callable[[str], Any]] = {
    "pyarrow": _pyarrow, "pandas": _pandas, "pandas 3": _pandas_arrow, "polars": _polars, "polars, lazy": _polars_lazy,
    "datasets": _datasets, "list": _list, "stream": _stream,
}  # fmt: skip


def handed_over(kind: str, path: str) -> dict[str, float]:
    """Audit what is in memory; gives the peak before the audit too."""
    import votewise

    source = CONTAINERS[kind](path)
    before = _peak()
    votewise.audit(source, out=Path(path).with_name("audit"))
    return {"before": before}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _run(task: str, path: str) -> None:
    """One measurement, in a process of its own."""
    found = handed_over(task, path) if task in CONTAINERS else doors.TASKS[task](path) or {}
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps(found | {"cpu": usage.ru_utime + usage.ru_stime, "peak": _peak()}))


def _in_memory(kind: str, shape: str, rows: int, folder: str | None) -> None:
    for times in (1, 2):
        with tempfile.TemporaryDirectory(prefix="votewise-bench-", dir=folder) as name:
            path = Path(name, "votes.parquet")
            make(path, shape, rows, times)
            run = doors.fresh(kind, path, __file__)
            told = f"{run['before']:.2f} GB before the audit, {run['peak']:.2f} GB with it, in {run['cpu']:.0f} s"
            print(f"{kind:<14}{shape:<10}texts {times} times as long: {told}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--rows", type=lambda text: int(float(text)), default=300_000)
    parser.add_argument("--memory", nargs="+", choices=CONTAINERS, default=[])
    parser.add_argument("--folder")
    parser.add_argument("--task", choices=[*doors.TASKS, *CONTAINERS], help=argparse.SUPPRESS)
    parser.add_argument("--path", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        _run(options.task, options.path)
        return
    for kind in options.memory:
        for shape in options.shapes if options.shapes != list(SHAPES) else ("votes", "messages"):
            _in_memory(kind, shape, options.rows, options.folder)
    for shape in () if options.memory else options.shapes:
        for times in (1, 2):
            with tempfile.TemporaryDirectory(prefix="votewise-bench-", dir=options.folder) as folder:
                path = Path(folder, f"votes.{SHAPES[shape][0]}")
                make(path, shape, options.rows, times)
                found = {task: doors.fresh(task, path, __file__) for task in ("audit", "export")}
                told = ", ".join(f"{task} {run['peak']:.2f} GB in {run['cpu']:.0f} s" for task, run in found.items())
                print(
                    f"{shape:<12}{path.stat().st_size / 1e9:>6.2f} GB of texts {times} times as long: {told}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
