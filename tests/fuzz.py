"""``make fuzz``: rounds of random tables through the tests of the contract, until the time is over.

A round runs every test of ``tests/contract`` once, in random order, with four times the tables of ``make test``, and has a
seed of its own: SEED, SEED + 1, and so on. So however short the time, all tests have been tried about equally often; in the
last round, which the time cuts, chance decides which were. What was run, and what was not, is printed after each round.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parent.parent


@dataclass
class Tried:
    """What was tried: test -> how often, test -> tables, and the tests that failed with their seeds."""

    rounds: Counter[str] = field(default_factory=Counter)
    tables: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[int, str]] = field(default_factory=list)

    def add(self, results: Path, seed: int) -> str:
        """Add a round by its results in JUnit's format; gives what is said about it."""
        ended: Counter[str] = Counter()
        before = self.tables.total()
        for case in ElementTree.parse(results).iter("testcase"):
            name = f"{case.get('classname')}::{case.get('name')}"
            failed = case.find("failure") is not None or case.find("error") is not None
            skipped = case.find("skipped")
            if skipped is not None:
                late = "make fuzz" in (skipped.get("message") or "")
                ended["not tried, because the time was over" if late else "skipped"] += 1
                self.rounds[name] += 0 if late else 1
                continue
            ended["failed" if failed else "passed"] += 1
            self.rounds[name] += 1
            self.tables[name] += sum(
                int(p.get("value") or 0) for p in case.iter("property") if p.get("name") == "tables"
            )
            if failed:
                self.failed.append((seed, name))
        told = ", ".join(f"{number:,} {how}" for how, number in sorted(ended.items()))
        return f"seed {seed}: tests {told}; {self.tables.total() - before:,} tables"


def run_round(seed: int, until: float, words: list[str]) -> tuple[int, Path]:
    """Run all tests once with this seed; gives pytest's exit code and the file of results."""
    results = Path(tempfile.mkstemp(prefix="votewise-fuzz-", suffix=".xml")[1])
    # Of the format's two kinds this is the one that holds properties of tests.
    into = ["--junitxml", str(results), "-o", "junit_family=xunit1"]
    command = [sys.executable, "-m", "pytest", "-q", *into, *words, "tests/contract"]
    own = {"VOTEWISE_FUZZ": str(seed), "VOTEWISE_FUZZ_UNTIL": str(until)}
    return subprocess.run(command, cwd=ROOT, env=os.environ | own, check=False).returncode, results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, required=True, help="no test begins later")
    parser.add_argument("--seed", type=int, required=True, help="of the first round")
    options, words = parser.parse_known_args()
    start, tried, seed = time.time(), Tried(), options.seed
    until = start + 60 * options.minutes
    while time.time() < until:
        code, results = run_round(seed, until, words)
        if code not in (0, 1):
            print(f"fuzz: pytest ended with exit code {code}", flush=True)
            return code
        print(f"fuzz: {(time.time() - start) / 60:.1f} minutes, {tried.add(results, seed)}", flush=True)
        results.unlink()
        seed += 1
    times = sorted(tried.rounds.values())
    print(
        f"fuzz: {len(times):,} tests, each tried {times[0]} to {times[-1]} times with {tried.tables.total():,} tables in all"
    )
    for seed, name in tried.failed:
        print(f"fuzz: FAILED with seed {seed}: {name}; again: make fuzz SEED={seed} PARALLEL='-k NAME'")
    return 1 if tried.failed else 0


if __name__ == "__main__":
    sys.exit(main())
