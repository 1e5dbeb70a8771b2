"""Counting, fitting and filtering a large log of comparisons beside a bare DuckDB group-by of the same Parquet file.

DuckDB makes the log from hashes of row numbers, so it is the same in every run. Two fifths of the users are attentive;
8% of the rows are ties; with --swap the two models swap sides at random. Every measurement is a fresh process on two cores,
and the tasks alternate; times are the best of the repeats, and every claim is a ratio: of wall times, and of the time of all
cores, which other work on the machine disturbs less. The bare group-by is the query that somebody who knows this log would
write by hand, with its result in a temporary table; the bare copy also writes the rows of the half of the users that won
most. With --pandas the log has the metadata that pandas writes. Users are numbered from 0; with --ids text they are
texts, with --ids wide numbers of 63 bits.

    python benchmarks/filter.py [--rows 100000000] [--users 1000000] [--repeats 3] [--ids IDS] [--swap] [--pandas]
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
from collections.abc import Callable
from pathlib import Path

CORES = 2
BYTES_A_ROW = 16
"""Disk space for the log and the half that is kept, in Parquet, generously estimated."""

MAKE = """
COPY (
    SELECT {user} AS "user",
           CASE WHEN swapped THEN 'gpt-small' ELSE 'gpt-large' END AS model_a,
           CASE WHEN swapped THEN 'gpt-large' ELSE 'gpt-small' END AS model_b,
           CASE WHEN hash(i + 2e12::BIGINT) % 100 < 8 THEN 'tie'
                WHEN (hash(i + 3e12::BIGINT) % 1000 < 500 + 300 * rho) <> swapped THEN 'model_a' ELSE 'model_b' END AS winner
    FROM (SELECT i, hash(i) % {users} AS user_id,
                 CASE WHEN hash(user_id + 5e12::BIGINT) % 10 < 4 THEN 0.95 ELSE 0.1 END AS rho,
                 {swap} AND hash(i + 4e12::BIGINT) % 2 = 0 AS swapped FROM range({rows}) AS t(i))
) TO '{path}' (FORMAT parquet)
"""
IDS = {"narrow": "user_id", "text": "'user-' || user_id", "wide": "(hash(user_id) >> 1)::BIGINT"}
BARE = """
CREATE TEMP TABLE counted AS
SELECT "user", count(*) FILTER (winner <> 'tie') AS comparisons, count(*) FILTER ({won}) AS wins
FROM '{path}' GROUP BY "user"
"""
COPY = """
CREATE TEMP TABLE kept AS SELECT "user" FROM counted ORDER BY wins / greatest(comparisons, 1) DESC LIMIT {users} // 2;
COPY (SELECT log.* FROM '{path}' AS log JOIN kept USING ("user")) TO '{out}' (FORMAT parquet, PARQUET_VERSION v2)
"""
WON = {
    False: "winner = 'model_a'",
    True: "winner <> 'tie' AND (winner = 'model_a') = (model_a = 'gpt-large')",
}


def timed(run: Callable[[], object]) -> tuple[float, object]:
    start = time.perf_counter()
    value = run()
    return time.perf_counter() - start, value


def used() -> float:
    """Seconds of all cores that this process has used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def bare(path: str, swap: bool) -> dict[str, float]:
    """Seconds of the group-by alone."""
    import duckdb

    connection, before = duckdb.connect(), used()
    seconds, _ = timed(lambda: connection.execute(BARE.format(path=path, won=WON[swap])))
    return {"seconds": seconds, "cpu": used() - before}


def copy(path: str, swap: bool) -> dict[str, float]:
    """Seconds of the group-by, and of writing the rows of half of the users."""
    import duckdb

    connection, before, out = duckdb.connect(), used(), Path(path).with_name("copy.parquet")

    def run() -> None:
        connection.execute(BARE.format(path=path, won=WON[swap]))
        users = connection.sql("SELECT count(*) FROM counted").fetchone()
        connection.execute(COPY.format(path=path, out=out, users=users[0] if users else 0))

    seconds, _ = timed(run)
    out.unlink()
    return {"seconds": seconds, "cpu": used() - before}


def count(path: str, _: bool) -> dict[str, float]:
    """Seconds of counting, and of the fit after it, without imports."""
    import ibis.backends.duckdb  # noqa: F401

    from votewise.users.estimate import estimate_attentiveness
    from votewise.users.read_clicks import count_comparisons

    before = used()
    seconds, counts = timed(lambda: count_comparisons(path))
    cpu = used() - before
    fit, result = timed(lambda: estimate_attentiveness(counts, win_rate=0.8))
    one, _ = timed(lambda: estimate_attentiveness(counts, win_rate=0.8, prior="beta"))
    return {
        "seconds": seconds,
        "cpu": cpu,
        "fit": fit,
        "fit beta": one,
        "cells": len(counts.users),
        "family": result.prior["family"],
    }


def lean(path: str, _: bool) -> dict[str, float]:
    """Seconds of the command with one family of priors and no report: counting, writing and imports."""
    return whole(path, _, "--prior", "beta", "--no-report")


def whole(path: str, _: bool, *options: str) -> dict[str, float]:
    """Seconds of the whole command, its imports and its report included."""
    from votewise.cli import main

    out = Path(path).with_name("out")
    command = ["filter", path, "--win-rate", "0.8", "--keep", "0.5", "--out", str(out), "--quiet", *options]

    def run() -> None:
        try:
            main(command)
        except SystemExit as ended:
            if ended.code:
                raise

    before = used()
    seconds = timed(run)[0]
    kept = json.loads((out / "summary.json").read_text())["kept"]
    shutil.rmtree(out)
    return {"seconds": seconds, "cpu": used() - before, "rows": kept["rows"], "users": kept["users"]}


TASKS = {"bare": bare, "copy": copy, "count": count, "lean": lean, "whole": whole}
LABELS = (
    "bare group-by",
    "bare group-by and copy",
    "count_comparisons",
    "votewise filter, one prior, no report",
    "votewise filter",
)


def fresh(task: str, path: Path, swap: bool) -> dict[str, float]:
    """Run a task in a fresh process; adds its peak memory in GB."""
    command = [sys.executable, __file__, "--task", task, "--path", str(path)] + ["--swap"] * swap
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(ended.stdout.splitlines()[-1])


def make(path: Path, rows: int, users: int, swap: bool, pandas: bool, ids: str) -> None:
    import duckdb

    told = ", KV_METADATA {pandas: '{\"columns\": []}'}" if pandas else ""
    query = MAKE.format(rows=rows, users=users, path=path, swap=str(swap).lower(), user=IDS[ids])
    duckdb.connect().execute(query.replace("(FORMAT parquet)", f"(FORMAT parquet{told})"))


def measure(rows: int, users: int, repeats: int, swap: bool, pandas: bool, folder: str | None, ids: str) -> None:
    """Make the logs, print the table."""
    free = shutil.disk_usage(folder or tempfile.gettempdir()).free
    if free < 2 * BYTES_A_ROW * rows:
        sys.exit(f"needs {2 * BYTES_A_ROW * rows / 1e9:.0f} GB of disk, {free / 1e9:.0f} GB are free")
    with tempfile.TemporaryDirectory(prefix="votewise-bench-", dir=folder) as name:
        path, double = Path(name, "log.parquet"), Path(name, "double.parquet")
        make(path, rows, users, swap, pandas, ids)
        print(
            f"{rows:,} rows by {users:,} users, {path.stat().st_size / 1e9:.2f} GB, best of {repeats} on {CORES} cores"
        )
        runs: dict[str, list[dict[str, float]]] = {task: [] for task in TASKS}
        for _ in range(repeats):
            for task in TASKS:
                runs[task].append(fresh(task, path, swap))
        best = {task: min(found, key=lambda run: run["seconds"]) for task, found in runs.items()}
        least = {task: min(run["cpu"] for run in found) for task, found in runs.items()}
        base = best["bare"]["seconds"]
        for task, label in zip(TASKS, LABELS, strict=True):
            seconds, peak = best[task]["seconds"], max(run["peak"] for run in runs[task])
            print(
                f"  {label:<38}{seconds:>8.2f} s {seconds / base:>6.2f}x   cores {least[task]:>6.2f} s "
                f"{least[task] / least['bare']:>6.2f}x   peak {peak:.2f} GB"
            )
        print(f"  kept {best['whole']['rows']:,} rows by {best['whole']['users']:,} users")
        path.unlink()
        make(double, rows, 2 * users, swap, pandas, ids)
        more = min((fresh("count", double, swap) for _ in range(repeats)), key=lambda run: run["fit"])
        once = min(runs["count"], key=lambda run: run["fit"])
        for number, run in ((users, once), (2 * users, more)):
            print(
                f"  fit of {number:>11,} users in {run['cells']:,} cells: five families {run['fit']:.2f} s "
                f"(chosen: {run['family']}), Beta alone {run['fit beta']:.2f} s"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=lambda text: int(float(text)), default=100_000_000)
    parser.add_argument("--users", type=lambda text: int(float(text)))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--ids", choices=IDS, default="narrow")
    parser.add_argument("--swap", action="store_true")
    parser.add_argument("--pandas", action="store_true")
    parser.add_argument("--folder")
    parser.add_argument("--task", choices=TASKS, help=argparse.SUPPRESS)
    parser.add_argument("--path", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    if options.task:
        found = TASKS[options.task](options.path, options.swap)
        found["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(json.dumps(found))
    else:
        users = options.users or max(options.rows // 100, 1)
        measure(options.rows, users, options.repeats, options.swap, options.pandas, options.folder, options.ids)


if __name__ == "__main__":
    main()
