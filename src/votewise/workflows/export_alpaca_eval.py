"""Answers -> AlpacaEval's model_outputs.json: ``votewise evaluate export alpaca-eval``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from votewise.data.reading import Rejected

if TYPE_CHECKING:
    import os

    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class AlpacaEvalExport:
    """Answers of one model in the form that AlpacaEval reads.

    Attributes:
        table: ``dataset``, ``instruction``, ``output`` and ``generator``, one answer per row.
        failed: number of prompts that the model failed to answer.
        rejected: rows that were left out as unusable.
        files: what was written; empty without ``out``.
    """

    table: pa.Table = field(repr=False)
    failed: int
    rejected: Rejected
    files: tuple[Path, ...] = ()


def export_alpaca_eval(
    answers: Any,
    *,
    out: str | os.PathLike[str] | None = None,
    model: str | None = None,
    columns: Mapping[str, str] | None = None,
    split: str | None = None,
    on_error: Literal["stop", "skip"] = "stop",
) -> AlpacaEvalExport:
    """Write answers as AlpacaEval's model_outputs.json.

    Args:
        answers: answers to AlpacaEval's instructions (``prompt``, ``answer``, ``model``): a file, a URL or a table.
        out: a .json file; None writes nothing.
        model: the model whose answers to write; needed if the file has several models.
        columns: our name of a column -> the name it has in ``answers``: ``{"answer": "output_text"}``.
        split: which split of a data set to read.
        on_error: ``stop`` at an unusable row, or ``skip`` it and, with ``out``, write it beside that file.

    Raises:
        BadInputError: answers that cannot be read, several models and no name, a prompt of several messages, or a file that
            cannot be written.
    """
    import pyarrow as pa

    from votewise.evaluate.alpaca_eval import alpaca_eval_rows, write_alpaca_eval
    from votewise.evaluate.answers import one_model, read_answers
    from votewise.sources.reader import SourceReader, rejected_file

    reader = SourceReader(columns=columns, split=split, on_error=on_error)
    of_model = one_model(read_answers(answers, reader), model)
    rows = alpaca_eval_rows(of_model)
    table = pa.Table.from_pylist(rows)
    if out is None:
        return AlpacaEvalExport(table, of_model.failed, reader.rejected)
    write_alpaca_eval(Path(out), rows)
    rejected = reader.write_rejected(rejected_file(Path(out)))
    return AlpacaEvalExport(table, of_model.failed, rejected, (Path(out), *rejected.files))
