"""Arena-Hard's judgments -> comparisons: ``votewise evaluate import arena-hard``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
        files: what was written; empty without ``out`` and ``results``.
    """

    table: pa.Table = field(repr=False)
    failed: int
    scores: dict[str, float]
    files: tuple[Path, ...] = ()

    @property
    def figures(self) -> dict[str, Any]:
        """Number of judged answers, number of failures, and scores, as JSON values."""
        return {"judged": len(self.table), "failed": self.failed, "scores": self.scores}


def import_arena_hard(
    judgments: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    out: str | os.PathLike[str] | None = None,
    answers: Any = (),
    questions: Any = None,
    results: str | os.PathLike[str] | None = None,
) -> ArenaHardImport:
    """Turn Arena-Hard's judgments into comparisons.

    Args:
        judgments: files of model_judgment/JUDGE, or such a folder.
        out: a .parquet or .jsonl file for the comparisons; None writes none.
        answers: files with the answers of the models and of the baseline, model_answer/MODEL.jsonl or what
            ``votewise generate`` writes; without them the comparisons have no texts.
        questions: Arena-Hard's question.jsonl, with the texts of the prompts.
        results: an evaluation.json that Arena-Hard's own scores are added to.

    Raises:
        BadInputError: files that cannot be read or written, or answers that are missing.
    """
    from votewise.evaluate.arena_hard_answers import read_answer_texts
    from votewise.evaluate.arena_hard_judgments import arena_hard_score, judgment_table, read_judgments
    from votewise.evaluate.arena_hard_questions import read_questions
    from votewise.evaluate.record import record_result
    from votewise.storage.row_files import SUFFIXES, write_rows

    file = None if out is None else Path(out)
    if file is not None and file.suffix not in SUFFIXES:
        raise BadInputError("unknown kind of file", source=str(file), expected="a name ending in .parquet or .jsonl")
    asked = None if questions is None else read_questions(questions)
    found = read_judgments(as_list(judgments))
    table = judgment_table(found, questions=asked, texts=read_answer_texts(as_list(answers), asked))
    scores = {model: arena_hard_score(found, model) for model in dict.fromkeys(found.model)}
    if file is not None:
        write_rows(file, table)
    if results is not None:
        for model, score in scores.items():
            record_result(Path(results), "arena_hard", model, {"score": score, "judged": found.model.count(model)})
    files = [Path(path) for path in (out, results) if path is not None]
    return ArenaHardImport(table, found.failed, scores, tuple(files))
