"""The command line in this process: how it ended, and what a terminal would have done with what it printed."""

from __future__ import annotations

import contextlib
import io
import traceback
import unicodedata
from dataclasses import dataclass

from votewise.cli import main

ACTING = ("Cc", "Cf", "Cs", "Zl", "Zp")
HARMLESS = set("\n\u200c\u200d")
"""Line ends, and characters that belong to words and emoji."""


@dataclass(frozen=True)
class Ended:
    """Exit code, output and errors of a command."""

    code: int
    out: str
    err: str

    @property
    def shown(self) -> str:
        return self.out + self.err


def shell(*arguments: object) -> Ended:
    """Run ``votewise`` with these words; fails where it ends with a traceback, or prints what a terminal acts on."""
    out, err = io.StringIO(), io.StringIO()
    words = [str(argument) for argument in arguments]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(words)
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        except BaseException:
            traceback.print_exc()
            code = -1
    found = Ended(code, out.getvalue(), err.getvalue())
    assert code != -1, f"{words}: {found.err}"
    assert "Traceback" not in found.err, f"{words}: {found.err}"
    acting = {c for c in found.shown if unicodedata.category(c) in ACTING} - HARMLESS
    assert not acting, f"{words}: {acting} in {found.shown!a}"
    return found


def refused(ended: Ended) -> str:
    """The one line with which a command refused its input."""
    assert ended.code in (2, 3), ended
    lines = [line for line in ended.err.splitlines() if line.strip()]
    assert len(lines) == 1, ended.err
    return lines[0]
