"""Options of a command in the words of a shell, for messages that say what to do."""

from __future__ import annotations

import shlex

_SKIP = "--on-error skip to leave such rows out"


def column_option(role: str, column: str) -> str:
    """The option that gives a column a role, or with an empty ``column`` says that the column ``role`` has none.

    >>> column_option("prompt", "frage"), column_option("Email Address", "")
    ('--columns prompt=frage', "--columns 'Email Address='")
    """
    return f"--columns {shlex.quote(f'{role}={column}')}"


def criterion_option(value: str) -> str:
    """The option that chooses a question.

    >>> criterion_option("how helpful")
    "--criterion 'how helpful'"
    """
    return f"--criterion {shlex.quote(value)}"


def label_option(value: str, meaning: str = "a") -> str:
    """The option that says what a value of labels means; others than ``a`` can stand in the place of ``meaning``.

    >>> label_option("left"), label_option("No idea", "skip")
    ("--label 'left'=a", "--label 'No idea'=skip")
    """
    quoted = shlex.quote(value)
    return f"--label {quoted if quoted != value else repr(value)}={meaning}"


def or_skip(expected: str | None) -> str:
    """What was expected of a row, and the option that leaves out such rows, where no other option is named.

    >>> or_skip("a number"), or_skip(None)
    ('a number, or --on-error skip to leave such rows out', '--on-error skip to leave such rows out')
    """
    if expected and "--" in expected:
        return expected
    return f"{expected}, or {_SKIP}" if expected else _SKIP
