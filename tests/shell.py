"""The command line: run in this process, as a terminal would show it, or started as a process of its own."""

from __future__ import annotations

import contextlib
import io
import sys
import traceback
import unicodedata
from dataclasses import dataclass

from votewise.cli import main

ACTING = ("Cc", "Cf", "Cs", "Zl", "Zp")
HARMLESS = set("\n\u200c\u200d")
"""Line ends, and characters that belong to words and emoji."""


@dataclass(frozen=True)
class Ended:
    """Exit code, output and errors of a command; the code is -1 where an exception escaped, which ends the errors."""

    code: int
    out: str
    err: str

    @property
    def shown(self) -> str:
        return self.out + self.err


def run(*arguments: object) -> Ended:
    """Run ``votewise`` with these words in this process, however it ends."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(argument) for argument in arguments])
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        except BaseException:
            traceback.print_exc()
            code = -1
    return Ended(code, out.getvalue(), err.getvalue())


def shell(*arguments: object) -> Ended:
    """Run ``votewise`` with these words; fails where it ends with a traceback, or prints what a terminal acts on."""
    found = run(*arguments)
    assert found.code != -1, f"{arguments}: {found.err}"
    assert "Traceback" not in found.err, f"{arguments}: {found.err}"
    acting = {c for c in found.shown if unicodedata.category(c) in ACTING} - HARMLESS
    assert not acting, f"{arguments}: {acting} in {found.shown!a}"
    return found


def refused(ended: Ended) -> str:
    """The one line with which a command refused its input."""
    assert ended.code in (2, 3), ended
    lines = [line for line in ended.err.splitlines() if line.strip()]
    assert len(lines) == 1, ended.err
    return lines[0]


def process(*arguments: object, before: str = "") -> list[str]:
    """The words that start ``votewise`` in a process of its own, which runs the code ``before`` first."""
    return [sys.executable, "-c", f"{before}\nfrom votewise.cli import main\nmain()", *map(str, arguments)]
