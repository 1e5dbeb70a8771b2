"""Sources opened as the user's options say, and what was unusable in them written to one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from votewise.data.reading import Rejected
from votewise.errors import BadInputError
from votewise.sources.containers.opening import Source, load
from votewise.sources.meanings.label_words import parse_labels
from votewise.sources.rejects import write_rejects
from votewise.sources.rows import Rows


class SourceReader:
    """Opens sources, all with the same options, and remembers their rows.

    Attributes:
        one_annotator: says that votes without a name are all by this one person or model; for those who read votes.

    Args:
        columns: the name of a column -> the name it has in the source; an empty name says that a column has no role.
        label: what values of the label mean, ``{"left": "a"}``.
        criterion: which question counts, where several were asked.
        split: which split of a data set to read.
        one_annotator: see above.
        on_error: ``stop`` at an unusable row, or ``skip`` it.

    Raises:
        BadInputError: a meaning or a choice that does not exist.
    """

    def __init__(
        self,
        *,
        columns: Mapping[str, str] | None = None,
        label: Mapping[str, str] | None = None,
        criterion: str | None = None,
        split: str | None = None,
        one_annotator: str | None = None,
        on_error: str = "stop",
    ) -> None:
        check_on_error(on_error)
        self.one_annotator = one_annotator
        self._columns, self._labels = dict(columns or {}), parse_labels(label)
        self._criterion, self._split, self._stop = criterion, split, on_error == "stop"
        self._opened: list[Rows] = []
        self._beside: Source | None = None

    def beside(self, source: Any) -> None:
        """Another source that belongs to those that will be opened: a column may be named that is in it alone.

        Raises:
            BadInputError: it cannot be read.
        """
        self._beside = load(source, split=self._split)

    def open_beside(self) -> Rows:
        """Open the source that ``beside`` was given.

        Raises:
            BadInputError: it has rows that cannot be used.
        """
        if self._beside is None:
            raise ValueError("there is no other source")
        return self._rows(self._beside, self._columns_in(self._beside))

    def open(self, source: Any) -> Rows:
        """Open one source.

        Raises:
            BadInputError: it cannot be read, or has none of the columns that are named.
        """
        return self._rows(load(source, split=self._split), self._columns)

    def open_all(self, sources: Sequence[Any]) -> list[Rows]:
        """Open several sources that belong together. A column is renamed wherever it is, and must be in one of them.

        Raises:
            BadInputError: one cannot be read, or none has a column that is named.
        """
        if len(sources) == 1 and self._beside is None:
            return [self.open(sources[0])]
        loaded = [load(source, split=self._split) for source in sources]
        every = [*loaded, *([self._beside] if self._beside is not None else [])]
        found = {column for source in every for column in source.table.column_names}
        for name, own in self._columns.items():
            if (own or name) not in found:
                where = ", ".join(source.name for source in every)
                raise BadInputError(
                    f"there is no column '{own or name}'", source=where, expected=f"one of: {', '.join(sorted(found))}"
                )
        return [self._rows(source, self._columns_in(source)) for source in loaded]

    @property
    def rejected(self) -> Rejected:
        """How many rows of the opened sources have turned out to be unusable by now."""
        return Rejected(sum(len(rows.bad) for rows in self._opened))

    def write_rejected(self, path: Path | None) -> Rejected:
        """Write these rows to a file, as JSON lines, where rows are skipped at all; None writes nothing."""
        if path is None or self._stop:
            return self.rejected
        write_rejects(path, *self._opened)
        return Rejected(self.rejected.rows, path)

    def _rows(self, source: Source, columns: Mapping[str, str]) -> Rows:
        rows = Rows(source, columns, stop=self._stop, labels=self._labels, criterion=self._criterion)
        self._opened.append(rows)
        return rows

    def _columns_in(self, source: Source) -> dict[str, str]:
        return {name: own for name, own in self._columns.items() if (own or name) in source.table.column_names}


def check_on_error(on_error: str) -> None:
    """Raise BadInputError for anything but ``stop`` and ``skip``."""
    if on_error not in ("stop", "skip"):
        raise BadInputError("there is no such choice", parameter="on_error", value=on_error, expected="stop or skip")


def rejected_file(out: Path) -> Path:
    """Where the unusable rows of the source go of which ``out`` is written: ``scored.jsonl``, ``scored-rejected.jsonl``."""
    return out.with_name(f"{out.stem}-rejected.jsonl")
