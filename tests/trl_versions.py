"""Run the tests of training with the lowest and the newest TRL that votewise supports: ``make test-trl``.

The lowest one is named in ``train/trl_guard.py``; the newest one is what the package index has below TRL 2. Versions other
than the installed one go into temporary folders, so the environment stays as it is.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from importlib.metadata import version

from votewise.train.trl_guard import LOWEST, NEWEST

TESTS = "tests/train"


def newest_there_is() -> str:
    """The newest TRL below 2 on the package index; the newest one known to work where there is no index."""
    asked = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--retries",
            "0",
            "--timeout",
            "10",
            "index",
            "versions",
            "trl",
        ],
        capture_output=True,
        text=True,
    )
    listed = re.search(r"Available versions: (.+)", asked.stdout)
    found = listed.group(1).split(", ") if listed else []
    return next((name for name in found if re.fullmatch(r"1(\.\d+)+", name)), NEWEST)


def main() -> None:
    installed = version("trl")
    failed = []
    for wanted in dict.fromkeys([LOWEST, newest_there_is()]):
        if wanted == installed:
            print(f"TRL {wanted} is installed, so `make test` tests it")
            continue
        with tempfile.TemporaryDirectory(prefix="votewise-trl-") as folder:
            pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "install", "--no-deps"]
            subprocess.run([*pip, "--target", folder, f"trl=={wanted}"], check=True)
            path = os.pathsep.join([folder, *filter(None, [os.environ.get("PYTHONPATH")])])
            print(f"TRL {wanted}:", flush=True)
            tests = [sys.executable, "-m", "pytest", TESTS, *sys.argv[1:]]
            if subprocess.run(tests, env=os.environ | {"PYTHONPATH": path}).returncode:
                failed.append(wanted)
    if failed:
        sys.exit(f"the tests of training fail with TRL {' and '.join(failed)}")


if __name__ == "__main__":
    main()
