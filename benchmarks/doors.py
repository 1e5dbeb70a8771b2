"""Auditing and exporting votes with long texts beside a bare DuckDB copy of the same Parquet file.

Made-up votes with about 2 KB of text each: three annotators out of 5,000 (fewer for few votes) vote on every pair, far from
one another in the file; the texts are half words and half digits, so that they compress as texts do. DuckDB makes the file
from row numbers, so it is the same in every run. Every measurement is a fresh process on two cores, and the tasks alternate;
times are the best of the repeats, and every claim is a ratio: of wall times, and of the time of all cores, which other work
on the machine disturbs less. With --repeated, one vote in a hundred is in the file twice, and is left out again; with
--arrow the file is as Arrow writes it, with smaller pages and dictionaries.

    python benchmarks/doors.py [--rows 600000 2400000] [--repeats 3] [--repeated] [--arrow] [--folder DIR]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CORES = 2
MEMORY = "1500MB"
BYTES_A_ROW = 5_000
"""Disk space for the file, its copy, the audit and what is exported, generously estimated."""

WORDS = "the quick brown fox jumps over the lazy dog and then some more of it"
TEXT = (
    "array_to_string(list_transform(range({parts}), x -> md5((pair * 1001 + x + {salt})::VARCHAR) || ' ' || "
    "substr('{words}', 1 + ((x * 7 + {salt}) % 20)::INT, 33)), ' ')"
)
MAKE = """
COPY (
    SELECT 'Question ' || pair || ': ' || {prompt} AS prompt, {a} AS response_a, {b} AS response_b,
           'annotator ' || ((hash(pair) + (i // {pairs}) * 101) % {annotators}) AS annotator,
           CASE WHEN hash(i + 2e12::BIGINT) % 100 < 8 THEN 'tie'
                WHEN hash(i + 3e12::BIGINT) % 100 < 75 THEN 'a' ELSE 'b' END AS label
    FROM (SELECT i, i % {pairs} AS pair FROM (SELECT CASE WHEN {repeated} AND n % 100 = 99 THEN n - 7 ELSE n END AS i
                                              FROM range({rows}) AS t(n)))
) TO '{path}' (FORMAT parquet)
"""


def bare(path: str) -> None:
    """Copy the file."""
    import duckdb

    copy = Path(path).with_name("copy.parquet")
    connection = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(copy.with_name("spill"))})
    connection.execute(f"COPY (SELECT * FROM '{path}') TO '{copy}' (FORMAT parquet)")
    copy.unlink()


def command(*words: str) -> None:
    """Run a command of votewise."""
    from votewise.cli import main

    try:
        main([*words, "--quiet"])
    except SystemExit as ended:
        if ended.code:
            raise


def audit(path: str) -> None:
    """The whole command, its imports, its report and all files included."""
    command("audit", path, "--out", str(Path(path).with_name("audit")))


def export(path: str) -> None:
    """From the audit's folder to a training file."""
    command("export", str(Path(path).with_name("audit")), "--out", str(Path(path).with_name("trl.parquet")))


TASKS = {"bare": bare, "audit": audit, "export": export}
LABELS = ("bare copy", "votewise audit", "votewise export")


def fresh(task: str, path: Path, script: str = __file__) -> dict[str, float]:
    """Run a script's task in a fresh process: its seconds, the seconds of all cores, and its peak memory in GB."""
    started = time.perf_counter()
    words = [sys.executable, script, "--task", task, "--path", str(path)]
    ended = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - started
    return {"seconds": seconds} | json.loads(ended.stdout.splitlines()[-1])


def make(path: Path, rows: int, repeated: bool, arrow: bool) -> None:
    import duckdb
    import pyarrow.parquet as pq

    prompt, a, b = (TEXT.format(parts=parts, salt=salt, words=WORDS) for parts, salt in ((6, 0), (12, 100), (12, 500)))
    query = MAKE.format(
        prompt=prompt,
        a=a,
        b=b,
        pairs=rows // 3,
        rows=rows,
        annotators=min(5_000, rows // 100),
        path=path,
        repeated=str(repeated).lower(),
    )
    duckdb.connect(config={"memory_limit": MEMORY}).execute(query)
    if arrow:
        own = path.rename(path.with_name("duckdb.parquet"))
        with pq.ParquetFile(own) as file, pq.ParquetWriter(path, file.schema_arrow) as writer:
            for batch in file.iter_batches(20_000):
                writer.write_batch(batch)
        own.unlink()


def measure(rows: int, repeats: int, repeated: bool, arrow: bool, folder: str | None) -> None:
    """Make the file, print the table."""
    free = shutil.disk_usage(folder or tempfile.gettempdir()).free
    if free < BYTES_A_ROW * rows:
        sys.exit(f"needs {BYTES_A_ROW * rows / 1e9:.0f} GB of disk, {free / 1e9:.0f} GB are free")
    with tempfile.TemporaryDirectory(prefix="votewise-bench-", dir=folder) as name:
        path = Path(name, "votes.parquet")
        make(path, rows, repeated, arrow)
        print(f"{rows:,} votes, {path.stat().st_size / 1e9:.2f} GB, best of {repeats} on {CORES} cores")
        runs: dict[str, list[dict[str, float]]] = {task: [] for task in TASKS}
        for _ in range(repeats):
            for task in TASKS:
                runs[task].append(fresh(task, path))
        least = {task: {key: min(run[key] for run in found) for key in found[0]} for task, found in runs.items()}
        for task, label in zip(TASKS, LABELS, strict=True):
            seconds, cpu, peak = least[task]["seconds"], least[task]["cpu"], max(run["peak"] for run in runs[task])
            print(
                f"  {label:<18}{seconds:>8.2f} s {seconds / least['bare']['seconds']:>6.2f}x   cores {cpu:>7.2f} s "
                f"{cpu / least['bare']['cpu']:>6.2f}x   peak {peak:.2f} GB"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=lambda text: int(float(text)), nargs="+", default=[600_000, 2_400_000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--repeated", action="store_true")
    parser.add_argument("--arrow", action="store_true")
    parser.add_argument("--folder")
    parser.add_argument("--task", choices=TASKS, help=argparse.SUPPRESS)
    parser.add_argument("--path", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    if options.task:
        TASKS[options.task](options.path)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps({"cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss / 1e6}))
    else:
        for rows in options.rows:
            measure(rows, options.repeats, options.repeated, options.arrow, options.folder)


if __name__ == "__main__":
    main()
