"""Answers -> Arena-Hard's model_answer/MODEL.jsonl: ``votewise evaluate export arena-hard``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from votewise.data.reading import Rejected

if TYPE_CHECKING:
    import os

    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class ArenaHardExport:
    """Answers of one model in the form that Arena-Hard reads.

    Attributes:
        table: ``uid``, ``model``, ``prompt``, ``answer``, ``ans_id``, ``tstamp`` and ``metadata``, one answer per row.
        failed: number of prompts that the model failed to answer.
        rejected: rows that were left out as unusable.
        missing: number of questions without an answer.
        unknown: number of answers to prompts that are not a question of Arena-Hard.
        files: what was written; empty without ``out``.
    """

    table: pa.Table = field(repr=False)
    failed: int
    rejected: Rejected
    missing: int
    unknown: int
    files: tuple[Path, ...] = ()


def export_arena_hard(
    answers: Any,
    *,
    out: str | os.PathLike[str] | None = None,
    questions: Any = None,
    model: str | None = None,
    columns: Mapping[str, str] | None = None,
    split: str | None = None,
    on_error: Literal["stop", "skip"] = "stop",
    tokenizer: str | Callable[[str], int] | None = None,
) -> ArenaHardExport:
    """Write answers as Arena-Hard's model_answer/MODEL.jsonl.

    Args:
        answers: answers to Arena-Hard's questions (``prompt``, ``answer``, ``model``): a file, a URL or a table.
        out: the folder that MODEL.jsonl goes to; None writes nothing.
        questions: Arena-Hard's question.jsonl, which names the questions; None if ``answers`` have a ``prompt_id``.
        model: the model whose answers to write; needed if the file has several models.
        columns: our name of a column -> the name it has in ``answers``: ``{"answer": "output_text"}``.
        split: which split of a data set to read.
        on_error: ``stop`` at an unusable row, or ``skip`` it and, with ``out``, write it beside that file.
        tokenizer: counts tokens, for Arena-Hard's style control: ``tiktoken:ENCODING``, a tokenizer of transformers, or a
            function that counts the tokens of a text. None leaves the counts out.

    Raises:
        BadInputError: files that cannot be read or written, several models and no name, prompts that are not questions of
            Arena-Hard, or a tokenizer that does not exist.
    """
    from votewise.evaluate.answers import one_model, read_answers
    from votewise.evaluate.arena_hard_answers import arena_hard_answers, token_counter
    from votewise.evaluate.arena_hard_questions import read_questions
    from votewise.sources.reader import SourceReader, rejected_file
    from votewise.storage.files import folder_to_write, write_json_lines
    from votewise.storage.free_folders import check_folder_is_free

    folder = folder_to_write(out)
    # It has files with the answers of other models, and it may be Arena-Hard's own folder.
    check_folder_is_free(folder, names=["*.jsonl"], command="evaluate export arena-hard")
    reader = SourceReader(columns=columns, split=split, on_error=on_error)
    of_model = one_model(read_answers(answers, reader), model)
    found = arena_hard_answers(
        of_model,
        questions=None if questions is None else read_questions(questions),
        count_tokens=token_counter(tokenizer) if isinstance(tokenizer, str) else tokenizer,
    )
    files: tuple[Path, ...] = ()
    rejected = reader.rejected
    if folder is not None:
        file = Path(folder, f"{of_model.model.replace('/', '__')}.jsonl")
        write_json_lines(file, found.rows)
        rejected = reader.write_rejected(rejected_file(file))
        files = (file, *rejected.files)
    return ArenaHardExport(found.table, of_model.failed, rejected, found.missing, found.unknown, files)
