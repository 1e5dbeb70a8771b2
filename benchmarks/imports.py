"""How long `import votewise` and `votewise --help` take, beside Python alone, and which packages take it.

Whole processes, each several times; the processor's time is what other work on the machine disturbs least.

Run: python benchmarks/imports.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections import Counter

REPEATS = 11
HELP = "from votewise.cli import main; main(['--help'])"
CASES = {
    "python alone": "pass",
    "import votewise": "import votewise",
    "votewise --help": HELP,
    "from votewise import Votes, estimate_reliability": "from votewise import Votes, estimate_reliability",
    "import numpy, scipy.sparse, pyarrow": "import numpy, scipy.sparse, pyarrow",
}
LIMITS = {"import votewise": 0.25, "votewise --help": 0.5}
"""Seconds that a user should not wait longer than."""


def measure(code: str) -> tuple[float, float]:
    """Seconds of the clock and of the processor that a fresh interpreter takes for the code, medians of ``REPEATS``."""
    clock, processor = [], []
    for _ in range(REPEATS):
        start, before = time.perf_counter(), os.times()
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
        after = os.times()
        clock.append(time.perf_counter() - start)
        processor.append(sum(after[2:4]) - sum(before[2:4]))
    return statistics.median(clock), statistics.median(processor)


def packages(code: str) -> Counter[str]:
    """Milliseconds that every package takes to import, without what it imports from others; once, with ``-X importtime``."""
    command = [sys.executable, "-X", "importtime", "-c", code]
    said = subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True).stderr
    found: Counter[str] = Counter()
    for line in said.splitlines():
        own, _, name = line.removeprefix("import time:").split("|")
        if own.strip().isdigit():
            found[name.strip().partition(".")[0]] += int(own) / 1000
    return found


def main() -> None:
    """Print seconds, ratios and what dominates."""
    times = {name: measure(code) for name, code in CASES.items()}
    alone = times["python alone"]
    print(f"{f'median of {REPEATS} fresh interpreters':<50}{'clock':>8}{'processor':>11}{'of python alone':>17}")
    for name, (clock, processor) in times.items():
        limit = f"   limit {LIMITS[name]:g} s" if name in LIMITS else ""
        print(f"{name:<50}{clock:>6.3f} s{processor:>9.3f} s{clock / alone[0]:>17.1f}{limit}")
    for name in LIMITS:
        most = ", ".join(f"{package} {spent:.0f} ms" for package, spent in packages(CASES[name]).most_common(6))
        print(f"{name}: {most}")


if __name__ == "__main__":
    main()
