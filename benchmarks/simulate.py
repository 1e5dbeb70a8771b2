"""Simulating a large file of votes, and of clicks, beside writing the same table with pyarrow alone.

The lower bound has the finished table in memory and only writes it, with the same row groups. Every measurement is a fresh
process on two cores, and the tasks alternate; times are the best of the repeats, with the imports of the command, and every
claim is a ratio. Peak memory is that of the whole process.

    python benchmarks/simulate.py [--rows 10000000] [--repeats 3] [--folder DIR]
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
BYTES_A_ROW = 60
KINDS = ("annotators", "users")
MIXED = (
    "--spammers", "0.1", "--adversaries", "0.05", "--position-biased", "0.1", "--tired", "0.1", "--noise", "0.05",
)  # fmt: skip


def command(kind: str, rows: int, out: Path) -> list[str]:
    """The command that makes ``rows`` rows."""
    settings = {
        "annotators": ["--pairs", str(rows // 3), "--votes-per-pair", "3", *MIXED],
        "users": ["--users", str(rows // 50), "--comparisons-per-user", "50", "--made-up", "1000000"],
    }
    return ["simulate", kind, *settings[kind], "--out", str(out), "--quiet"]


def simulate(kind: str, rows: int, out: Path) -> float:
    """Seconds of the command, imports included."""
    start = time.perf_counter()
    from votewise.cli import main

    try:
        main(command(kind, rows, out))
    except SystemExit as ended:
        if ended.code:
            raise
    return time.perf_counter() - start


def write(kind: str, rows: int, out: Path) -> float:
    """Seconds of writing the same table, which was read before."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(out)
    groups = [file.read_row_group(i) for i in range(file.num_row_groups)]
    start = time.perf_counter()
    with pq.ParquetWriter(out.with_suffix(".again"), file.schema_arrow) as writer:
        for group in groups:
            writer.write(group)
    return time.perf_counter() - start


TASKS = {"simulate": simulate, "write": write}


def fresh(task: str, kind: str, rows: int, out: Path) -> dict[str, float]:
    """Run a task in a fresh process: its seconds, and its peak memory in GB."""
    words = [sys.executable, __file__, "--task", task, "--kind", kind, "--rows", str(rows), "--out", str(out)]
    ended = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(ended.stdout.splitlines()[-1])


def measure(rows: int, repeats: int, folder: str | None) -> None:
    """Print the table."""
    free = shutil.disk_usage(folder or tempfile.gettempdir()).free
    if free < 2 * BYTES_A_ROW * rows:
        sys.exit(f"needs {2 * BYTES_A_ROW * rows / 1e9:.1f} GB of disk, {free / 1e9:.1f} GB are free")
    print(f"{rows:,} rows, best of {repeats} on {CORES} cores")
    with tempfile.TemporaryDirectory(prefix="votewise-bench-", dir=folder) as name:
        for kind in KINDS:
            out = Path(name, f"{kind}.parquet")
            runs: dict[str, list[dict[str, float]]] = {task: [] for task in TASKS}
            for _ in range(repeats):
                for task in TASKS:
                    runs[task].append(fresh(task, kind, rows, out))
            seconds = {task: min(run["seconds"] for run in found) for task, found in runs.items()}
            peak = max(run["peak"] for run in runs["simulate"])
            small = fresh("simulate", kind, rows // 10, out)["peak"]
            print(
                f"  votewise simulate {kind:<11}{seconds['simulate']:>7.2f} s"
                f" {seconds['simulate'] / seconds['write']:>6.2f}x"
                f"   pyarrow alone {seconds['write']:.2f} s   peak {peak:.2f} GB ({small:.2f} GB at a tenth of the rows)"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=lambda text: int(float(text)), default=10_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder")
    parser.add_argument("--task", choices=TASKS, help=argparse.SUPPRESS)
    parser.add_argument("--kind", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    if options.task:
        seconds = TASKS[options.task](options.kind, options.rows, options.out)
        print(json.dumps({"seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}))
    else:
        measure(options.rows, options.repeats, options.folder)


if __name__ == "__main__":
    main()
