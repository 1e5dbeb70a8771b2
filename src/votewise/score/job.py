"""A scoring, described and checked before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from votewise.errors import BadInputError
from votewise.score.pairs import Pairs
from votewise.score.score_methods import ColumnScores, ScoreMethod
from votewise.storage.row_files import SUFFIXES


@dataclass(frozen=True)
class ScoreJob:
    """What to score, checked.

    Attributes:
        pairs: what to score.
        method: how the answers get their scores.
        out: a .jsonl or .parquet file; None writes nothing.
        fit_temperature: fit a temperature to the pairs' votes and multiply the margins by it.
    """

    pairs: Pairs
    method: ScoreMethod
    out: Path | None = None
    fit_temperature: bool = False

    def __post_init__(self) -> None:
        if self.out is not None and self.out.suffix not in SUFFIXES:
            raise BadInputError(
                "unknown kind of file", source=str(self.out), expected="a name ending in .jsonl or .parquet"
            )
        if self.pairs.response_a is None and not isinstance(self.method, ColumnScores):
            raise BadInputError("there are no answers to score", source=self.pairs.source)
        if self.fit_temperature and self.pairs.sign is None:
            raise BadInputError(
                "there are no votes to fit a temperature to", source=self.pairs.source, expected="a column label"
            )

    @property
    def summary(self) -> Path | None:
        """The file of the summary, beside ``out``; None if nothing is written."""
        return None if self.out is None else self.out.with_name(f"{self.out.stem}-summary.json")

    @property
    def files(self) -> tuple[Path, ...]:
        """The files to write: scored rows, then the summary."""
        return tuple(file for file in (self.out, self.summary) if file is not None)
