"""Import time of votewise and answer time of its help, beside those of the libraries it cannot do without.

Run: python benchmarks/imports.py
"""

from __future__ import annotations

import subprocess
import sys
import time

REPEATS = 7

CASES = {
    "python alone": [sys.executable, "-c", "pass"],
    "import votewise": [sys.executable, "-c", "import votewise"],
    "from votewise import Votes, estimate_reliability": [
        sys.executable, "-c", "from votewise import Votes, estimate_reliability",
    ],
    "import numpy, scipy.sparse, pyarrow": [sys.executable, "-c", "import numpy, scipy.sparse, pyarrow"],
    "votewise --help": [sys.executable, "-c", "from votewise.cli import main; main(['--help'])"],
}  # fmt: skip
BASE = "import numpy, scipy.sparse, pyarrow"


def fastest(command: list[str]) -> float:
    """Seconds that a fresh interpreter takes for the command, the best of ``REPEATS`` runs."""
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main() -> None:
    """Print seconds and ratios."""
    times = {name: fastest(command) for name, command in CASES.items()}
    print(f"best of {REPEATS} fresh interpreters")
    for name, seconds in times.items():
        print(f"{name:<50} {seconds:6.3f} s   {seconds / times[BASE]:5.2f} of '{BASE}'")


if __name__ == "__main__":
    main()
