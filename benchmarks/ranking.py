"""Ranking 100 models by a million votes: counting, fit and intervals, beside a bare DuckDB group-by and arena-rank.

    python benchmarks/ranking.py [--votes 1000000] [--models 100] [--arena-rank FOLDER]

``FOLDER`` is where arena-rank 0.1.1 is installed (``pip install --target FOLDER arena-rank==0.1.1``); without it that
part is left out. Times are seconds of the processor, all threads together, the best of five in one process or of
five fresh ones; memory is the largest of a fresh process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

REPEATS = 5

BARE = """
import duckdb
duckdb.sql("SET enable_progress_bar = false")
duckdb.sql("SELECT model_a, model_b, winner, count(*) FROM '{path}' GROUP BY ALL").to_arrow_table()
"""
WHOLE = "import votewise; votewise.rank_models({path!r})"

MEMORY = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"

ARENA_RANK = """
import json, sys, time
sys.path.insert(0, sys.argv[2])
import pandas
from arena_rank.models.bradley_terry import BradleyTerry
from arena_rank.utils.data_utils import PairDataset
read, fit = [], []
for _ in range(3):
    start = time.process_time()
    data = PairDataset.from_pandas(pandas.read_parquet(sys.argv[1], columns=["model_a", "model_b", "winner"]))
    middle = time.process_time()
    found = BradleyTerry(len(data.competitors)).compute_ratings_and_cis(data)
    figures = {name: [float(v) for v in found[name]] for name in ("ratings", "rating_lower", "rating_upper")}
    read.append(middle - start)
    fit.append(time.process_time() - middle)
import resource
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"models": data.competitors, "read": min(read), "fit": min(fit), "memory": memory, **figures}))
"""


def make(path: Path, votes: int, models: int) -> None:
    """Votes of 5,000 users, a quarter of whom toss coins, between models of normally distributed strengths."""
    rng = np.random.default_rng(0)
    strength = rng.normal(0, 0.6, models)
    a = rng.integers(0, models, votes)
    b = (a + rng.integers(1, models, votes)) % models
    user = rng.zipf(1.5, votes) % 5000
    d = np.where(user % 4 == 0, 0.0, strength[a] - strength[b])
    total = 2 * np.cosh(d / 2) + 0.7
    draw = rng.random(votes)
    won, tied = draw < np.exp(d / 2) / total, draw > 1 - 0.7 / total
    winner = np.where(won, "model_a", np.where(tied, np.where(draw > 0.95, "both_bad", "tie"), "model_b"))
    names = np.array([f"org/model-{i:03d}-instruct" for i in range(models)])
    pq.write_table(
        pa.table({"model_a": names[a], "model_b": names[b], "winner": winner, "user": [f"u{k}" for k in user]}), path
    )


def best(run: Callable[[], Any]) -> tuple[float, Any]:
    """The least time of the processor, which other work disturbs least, and what the last run gave.

    All threads together: on a machine with nothing else to do, two threads take half of it.
    """
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        found = run()
        times.append(time.process_time() - start)
    return min(times), found


def fresh(program: str) -> float:
    """Seconds of the processor that a fresh interpreter takes for a program, imports and all."""
    times = []
    for _ in range(REPEATS):
        before = os.times()
        subprocess.run([sys.executable, "-c", program], check=True)
        after = os.times()
        times.append(sum(after[2:4]) - sum(before[2:4]))
    return min(times)


def bare(path: Path) -> None:
    """What any counting costs at least."""
    import duckdb

    duckdb.sql("SET enable_progress_bar = false")
    duckdb.sql(f"SELECT model_a, model_b, winner, count(*) FROM '{path}' GROUP BY ALL").to_arrow_table()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--votes", type=int, default=1_000_000)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--arena-rank", type=Path)
    args = parser.parse_args()

    from votewise import rank_models
    from votewise.evaluate.ranking import rank
    from votewise.evaluate.ranking_fit import RankingOptions
    from votewise.evaluate.tally import count_games

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "votes.parquet")
        make(path, args.votes, args.models)
        columns = {name: name for name in ("model_a", "model_b", "winner")}
        print(f"{args.votes:,} votes between {args.models} models, 2 or more cores")
        floor = best(lambda: bare(path))[0]
        print(f"bare DuckDB group-by           {floor:8.3f} s")
        seconds, tally = best(lambda: count_games(path, columns))
        print(f"counting                       {seconds:8.3f} s")
        for options in (RankingOptions(), RankingOptions(ties="davidson"), RankingOptions(intervals="bootstrap")):
            seconds, _ = best(lambda options=options: rank(tally, options))
            print(f"fit, {options.intervals:>9} intervals, {options.ties:>8} {seconds:8.4f} s")
        seconds, result = best(lambda: rank_models(path))
        print(f"from Parquet to the ranking    {seconds:8.3f} s, {seconds / floor:.1f} of the bare group-by")
        alone, whole = (fresh(program.format(path=str(path))) for program in (BARE, WHOLE))
        print(f"fresh process, bare group-by   {alone:8.3f} s")
        print(f"fresh process, the whole       {whole:8.3f} s, {whole / alone:.1f} of that")
        seconds, _ = best(lambda: rank_models(path, annotator="user"))
        print(f"weighted by beliefs            {seconds:8.3f} s")
        program = f"import votewise; votewise.rank_models({str(path)!r}); {MEMORY}"
        memory = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        print(f"memory of a fresh process      {float(memory):8.0f} MB")
        if args.arena_rank is None:
            return
        program = [sys.executable, "-c", ARENA_RANK, str(path), str(args.arena_rank)]
        theirs = json.loads(subprocess.run(program, capture_output=True, text=True, check=True).stdout.splitlines()[-1])
        print(f"arena-rank: reading {theirs['read']:.2f} s, fit {theirs['fit']:.2f} s, {theirs['memory']:.0f} MB")
        ours = {row["model"]: row for row in result.ranking.models.to_pylist()}
        for name, other in (("rating", "ratings"), ("low", "rating_lower"), ("high", "rating_upper")):
            off = max(
                abs(ours[model][name] - value) for model, value in zip(theirs["models"], theirs[other], strict=True)
            )
            print(f"largest difference of {name:>6}  {off:8.4f} points")


if __name__ == "__main__":
    main()
