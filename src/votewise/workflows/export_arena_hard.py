"""Answers -> Arena-Hard's model_answer/MODEL.jsonl: ``votewise evaluate export arena-hard``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os

    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class ArenaHardExport:
    """Answers of one model in the form that Arena-Hard reads.

    Attributes:
        table: ``uid``, ``model``, ``prompt``, ``answer``, ``ans_id``, ``tstamp`` and ``metadata``, one answer per row.
        failed: number of prompts that the model failed to answer.
        missing: number of questions without an answer.
        unknown: number of answers to prompts that are not a question of Arena-Hard.
        files: what was written; empty without ``out``.
    """

    table: pa.Table = field(repr=False)
    failed: int
    missing: int
    unknown: int
    files: tuple[Path, ...] = ()


def export_arena_hard(
    answers: Any,
    *,
    out: str | os.PathLike[str] | None = None,
    questions: Any = None,
    model: str | None = None,
    tokenizer: str | Callable[[str], int] | None = None,
) -> ArenaHardExport:
    """Write answers as Arena-Hard's model_answer/MODEL.jsonl.

    Args:
        answers: answers to Arena-Hard's questions (``prompt``, ``answer``, ``model``): a file, a URL or a table.
        out: the folder that MODEL.jsonl goes to; None writes nothing.
        questions: Arena-Hard's question.jsonl, which names the questions; None if ``answers`` have a ``prompt_id``.
        model: the model whose answers to write; needed if the file has several models.
        tokenizer: counts tokens, for Arena-Hard's style control: ``tiktoken:ENCODING``, a tokenizer of transformers, or a
            function that counts the tokens of a text. None leaves the counts out.

    Raises:
        BadInputError: files that cannot be read or written, several models and no name, prompts that are not questions of
            Arena-Hard, or a tokenizer that does not exist.
    """
    from votewise.evaluate.answers import one_model, read_answers
    from votewise.evaluate.arena_hard_answers import arena_hard_answers, token_counter
    from votewise.evaluate.arena_hard_questions import read_questions
    from votewise.storage.files import write_json_lines

    of_model = one_model(read_answers(answers), model)
    found = arena_hard_answers(
        of_model,
        questions=None if questions is None else read_questions(questions),
        count_tokens=token_counter(tokenizer) if isinstance(tokenizer, str) else tokenizer,
    )
    files: tuple[Path, ...] = ()
    if out is not None:
        files = (Path(out, f"{of_model.model.replace('/', '__')}.jsonl"),)
        write_json_lines(files[0], found.rows)
    return ArenaHardExport(found.table, of_model.failed, found.missing, found.unknown, files)
