"""Errors that a user can cause, each with one clear line: what, where, what to do."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager


class VotewiseError(Exception):
    """Base of every error that votewise raises about its input; the command line prints it on one line, exit code 2."""

    exit_code = 2


class BadInputError(VotewiseError, ValueError):
    """A value in the user's data, or a setting, that cannot be used.

    Args:
        problem: what is wrong, in a few words.
        expected: what would have been right.
        source: file, table or connection the value came from.
        row: number of the row in the source, counted from 1 (a CSV header does not count).
        column: name of the column.
        value: the offending value; long ones are shortened.
        parameter: name of the argument that has the value. The command line calls it by its option, ``--like-this``.
    """

    def __init__(
        self,
        problem: str,
        *,
        expected: str | None = None,
        source: str | None = None,
        row: int | None = None,
        column: str | None = None,
        value: object = None,
        parameter: str | None = None,
    ) -> None:
        self.problem, self.expected = problem, expected
        self.source, self.row, self.column, self.value, self.parameter = source, row, column, value, parameter
        super().__init__(self._line(parameter))

    def in_shell(self) -> str:
        """The same line as the command line prints it: ``min_confidence`` is called ``--min-confidence``."""
        return self._line(None if self.parameter is None else "--" + self.parameter.replace("_", "-"))

    def _line(self, parameter: str | None) -> str:
        where = [name for name in (parameter, self.source) if name]
        if self.row is not None:
            where.append(f"row {self.row:,}")
        if self.column is not None:
            where.append(f"column '{self.column}'")
        line = (", ".join(where) + ": " if where else "") + self.problem
        if self.value is not None:
            line += f", got {shorten(self.value)}"
        if self.expected:
            line += f" (expected {self.expected})"
        return visible(" ".join(line.split()))


class ClicksWithoutTextsError(BadInputError):
    """A log of clicks where votes on texts are needed."""


class NotIdentifiableError(VotewiseError):
    """The votes do not determine the answer, whatever the estimator; ``--force`` continues anyway."""

    exit_code = 3


class EngineFailedError(VotewiseError):
    """A database or engine failed in the middle of the work, which is nobody's mistake in the data."""

    exit_code = 1


class TrainingFailedError(VotewiseError):
    """A training process that votewise started has failed.

    Attributes:
        exit_code: the exit code of that process, or 1.
        explained: whether the process has printed the reason itself.
    """

    def __init__(self, message: str, *, exit_code: int = 1, explained: bool = False) -> None:
        self.exit_code, self.explained = exit_code, explained
        super().__init__(message)


class MissingExtraError(BadInputError, ImportError):
    """A library that one of votewise's extras brings is not installed."""


@contextmanager
def needs(extra: str, what: str) -> Iterator[None]:
    """Turn a failing import in this block into one line that says how to install what is missing.

    ``with needs("train", "training"): import trl`` says ``training needs trl, which is not installed: pip install
    'votewise[train]'``.

    Args:
        extra: the extra of votewise that brings what is imported.
        what: what needs it, in the user's words.

    Raises:
        MissingExtraError: something that is imported is not installed.
    """
    try:
        yield
    except (ImportError, RuntimeError) as error:
        library = _missing(error)
        if library in (None, "votewise"):
            raise
        raise MissingExtraError(
            f"{what} needs {library}, which is not installed: pip install 'votewise[{extra}]'"
        ) from error


def _missing(error: BaseException | None) -> str | None:
    """The library whose absence is the first cause of an error; TRL and transformers hide it behind errors of their own."""
    name = None
    while error is not None:
        name = error.name if isinstance(error, ModuleNotFoundError) and error.name else name
        error = error.__cause__
    return None if name is None else name.partition(".")[0]


def many(number: int, what: str, several: str | None = None) -> str:
    """A number and its noun, which gets an ``s``, or is ``several``, where it is not one.

    >>> many(1, "pair"), many(1_200, "unusable row"), many(0, "vote")
    ('1 pair', '1,200 unusable rows', '0 votes')
    """
    return f"{number:,} {what if number == 1 else several or what + 's'}"


def shorten(value: object, length: int = 60) -> str:
    """``repr(value)`` on one line, cut in the middle to at most ``length`` characters."""
    text = value if isinstance(value, str) else repr(value)
    text = repr(text[: 4 * length]) if isinstance(value, str) else text
    return text if len(text) <= length else f"{text[: length - 21]} ... ({len(str(value)):,} characters)"


ACTING = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode's categories of characters that a terminal acts on instead of showing them, or cannot show."""

JOINERS = "\u200c\u200d"
"""Characters of these categories that belong to words and emoji: the zero-width non-joiner and joiner."""


def visible(text: object, *, lines: bool = False) -> str:
    """A text from data with its control characters shown as symbols, so that a terminal does not act on them.

    Args:
        text: what to show.
        lines: whether line breaks stay.
    """
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(c if lines and c == "\n" else _symbol(c) for c in shown)


def _symbol(character: str) -> str:
    code = ord(character)
    if 0x20 <= code < 0x7F or not acts(character):
        return character
    return (
        chr(0x2400 + code) if code < 0x20 else "\N{SYMBOL FOR DELETE}" if code == 0x7F else "\N{REPLACEMENT CHARACTER}"
    )


def acts(character: str) -> bool:
    """Whether a terminal would act on a character instead of showing it."""
    return unicodedata.category(character) in ACTING and character not in JOINERS
