"""Arena-Hard's judgments -> comparisons: ``votewise evaluate import arena-hard``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from votewise.data.reading import NONE_REJECTED, Rejected
from votewise.errors import BadInputError
from votewise.workflows.parsing import as_list

if TYPE_CHECKING:
    import os

    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class ArenaHardImport:
    """Arena-Hard's judgments as comparisons, one judged answer per row.

    Attributes:
        table: the comparisons, which ``votewise.evaluate_win_rate`` and ``votewise.audit`` read.
        failed: number of answers that are left out because one of the two verdicts is missing.
        scores: model -> its score on Arena-Hard's leaderboard, from 0 to 1.
        rejected: rows that were left out as unusable.
        files: what was written; empty without ``out`` and ``results``.
    """

    table: pa.Table = field(repr=False)
    failed: int
    scores: dict[str, float]
    rejected: Rejected = NONE_REJECTED
    files: tuple[Path, ...] = ()

    @property
    def figures(self) -> dict[str, Any]:
        """Number of judged answers, of failures and of unusable rows, and scores, as JSON values."""
        counts = {"judged": len(self.table), "failed": self.failed, "rejected": self.rejected.rows}
        return {**counts, "scores": self.scores}


def import_arena_hard(
    judgments: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    out: str | os.PathLike[str] | None = None,
    answers: Any = (),
    questions: Any = None,
    results: str | os.PathLike[str] | None = None,
    columns: Mapping[str, str] | None = None,
    label: Mapping[str, str] | None = None,
    split: str | None = None,
    one_annotator: str | None = None,
    on_error: Literal["stop", "skip"] = "stop",
) -> ArenaHardImport:
    """Turn Arena-Hard's judgments into comparisons.

    Args:
        judgments: files of model_judgment/JUDGE, or such a folder.
        out: a .parquet or .jsonl file for the comparisons; None writes none.
        answers: files with the answers of the models and of the baseline, model_answer/MODEL.jsonl or what
            ``votewise generate`` writes; without them the comparisons have no texts.
        questions: Arena-Hard's question.jsonl, with the texts of the prompts.
        results: an evaluation.json that Arena-Hard's own scores are added to.
        columns: our name of a column -> the name it has in the files: ``{"judge": "rater"}``.
        label: what verdicts mean that are not Arena-Hard's own: ``{"first": "a"}``, where a is the answer shown first.
        split: which split to read of answers or questions that are a data set in splits.
        one_annotator: the judge of judgments that name none; None for the name of the folder that they are in.
        on_error: ``stop`` at an unusable row, or ``skip`` it and, with ``out``, write it beside that file.

    Raises:
        BadInputError: files that cannot be read or written, or answers that are missing.
    """
    from votewise.evaluate.arena_hard_answers import answer_texts
    from votewise.evaluate.arena_hard_judgments import (
        arena_hard_score,
        judgment_files,
        judgment_table,
        judgments_of,
    )
    from votewise.evaluate.arena_hard_questions import questions_of
    from votewise.evaluate.record import record_result
    from votewise.sources.reader import SourceReader, rejected_file
    from votewise.storage.row_files import SUFFIXES, write_rows

    file = None if out is None else Path(out)
    if file is not None and file.suffix not in SUFFIXES:
        raise BadInputError("unknown kind of file", source=str(file), expected="a name ending in .parquet or .jsonl")
    reader = SourceReader(columns=columns, label=label, split=split, one_annotator=one_annotator, on_error=on_error)
    files, of_answers = judgment_files(as_list(judgments)), as_list(answers)
    opened = reader.open_all([*files, *of_answers, *([] if questions is None else [questions])])
    asked = None if questions is None else questions_of(opened.pop())
    texts = answer_texts(opened[len(files) :], asked)
    found = judgments_of(opened[: len(files)], judge=one_annotator, texts=texts)
    table = judgment_table(found, questions=asked, texts=texts)
    scores = {model: arena_hard_score(found, model) for model in dict.fromkeys(found.model)}
    rejected = reader.rejected
    if file is not None:
        write_rows(file, table)
        rejected = reader.write_rejected(rejected_file(file))
    if results is not None:
        for model, score in scores.items():
            record_result(Path(results), "arena_hard", model, {"score": score, "judged": found.model.count(model)})
    written = [Path(path) for path in (out, results) if path is not None]
    return ArenaHardImport(table, found.failed, scores, rejected, (*written, *rejected.files))
