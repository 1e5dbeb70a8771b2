"""Peak memory of auditing and exporting made-up votes of every shape, with short and with long texts.

Reading, auditing and exporting must not need more memory where texts are longer. Each shape is made twice, with about 1 and
about 2 KB of text in a vote; three annotators out of 5,000 vote on every pair. Every measurement is a fresh process.

    python benchmarks/shapes_of_texts.py [--shapes messages implicit ...] [--rows 300000] [--folder DIR]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from doors import MEMORY, WORDS, fresh

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
    "jsonl": ("jsonl", CHAT),
    "json": ("json", CHAT),
    "csv": ("csv", f"p AS prompt, a AS response_a, b AS response_b, {WHO} AS annotator, {LABEL} AS label"),
    "labelstudio": (
        "json",
        "i AS id, struct_pack(prompt := p, response_a := a, response_b := b) AS data, "
        f"{_annotation(LABEL)} AS annotations",
    ),
}
"""The kind of file of each shape, and its columns in DuckDB's words."""
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
        f"{a} AS a, {b} AS b FROM (SELECT i, i % {pairs} AS pair FROM range({rows}) AS t(i)))) "
        f"TO '{path}' ({OPTIONS[kind]})"
    )
    duckdb.connect(config={"memory_limit": MEMORY}).execute(query)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--rows", type=lambda text: int(float(text)), default=300_000)
    parser.add_argument("--folder")
    options = parser.parse_args()
    for shape in options.shapes:
        for times in (1, 2):
            with tempfile.TemporaryDirectory(prefix="votewise-bench-", dir=options.folder) as folder:
                path = Path(folder, f"votes.{SHAPES[shape][0]}")
                make(path, shape, options.rows, times)
                found = {task: fresh(task, path) for task in ("audit", "export")}
                told = ", ".join(f"{task} {run['peak']:.2f} GB in {run['cpu']:.0f} s" for task, run in found.items())
                print(
                    f"{shape:<12}{path.stat().st_size / 1e9:>6.2f} GB of texts {times} times as long: {told}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
