"""Files of models' answers: columns prompt, answer and model, or AlpacaEval's instruction, output and generator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from votewise.data.contests import Text
from votewise.errors import BadInputError
from votewise.evaluate.columns import (
    ANSWER,
    DOMAIN,
    IDS,
    MODEL,
    PROMPT,
    find,
    optional_names,
    plain_text,
    prompt_key,
    texts,
)
from votewise.sources.reader import SourceReader
from votewise.sources.rows import Rows


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers of one model.

    Attributes:
        model: name of the model.
        source: the file that they were read from.
        prompts: (n,) no two are equal.
        answers: (n,) none is empty.
        domain: (n,) None without domains.
        ids: column -> (n,) names of the prompts.
        failed: number of prompts for which the file has an error instead of an answer.
        skipped: number of unusable rows in the file; counted with the first model of the file only.
    """

    model: str
    source: str
    prompts: Sequence[Text] = field(repr=False)
    answers: Sequence[Text] = field(repr=False)
    domain: Sequence[str | None] | None = field(default=None, repr=False)
    ids: Mapping[str, Sequence[Any]] = field(default_factory=dict, repr=False)
    failed: int = 0
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.answers)


def read_answers(source: Any, reader: SourceReader | None = None) -> list[Answers]:
    """Read a file of answers: one ``Answers`` per model, in the order in which the models first appear.

    Args:
        source: any file or table that votes can be read from.
        reader: opens it as the user's options say; None for no options. Rows with an ``error`` and without an answer are
            always left out: ``votewise generate`` writes them for prompts that failed.

    Raises:
        BadInputError: a column is missing, an answer is empty or missing, or a model answers one prompt twice.
    """
    return answers_of((reader or SourceReader()).open(source))


def holds_answers(rows: Rows) -> bool:
    """Whether each of these rows is an answer of one model."""
    return find(rows, PROMPT) is not None and find(rows, ANSWER) is not None


def answers_of(rows: Rows) -> list[Answers]:
    """The answers in these rows, as ``read_answers`` returns them."""
    prompt, answer = find(rows, PROMPT), find(rows, ANSWER)
    if prompt is None or answer is None:
        found = ", ".join(rows.table.column_names)
        raise rows.fail(
            f"is not a file of answers; found the columns {found}",
            expected="prompt, answer and model; or --columns answer=NAME",
        )
    if rows.criterion is not None:
        raise BadInputError("applies to verdicts, and these are answers", parameter="criterion", value=rows.criterion)
    failed = _failed(rows, answer)
    prompts = texts(rows, prompt)
    answers = texts(rows, answer, leave=failed)
    models = _models(rows)
    domains = optional_names(rows, DOMAIN)
    ids = {column: rows.values(column) for column in IDS if rows.has(column)}
    _reject_repeated(rows, prompts, models, prompt)
    rows_of: dict[str, list[int]] = {}
    for row in rows.kept().tolist():
        rows_of.setdefault(models[row], []).append(row)
    if not any(not failed[row] for part in rows_of.values() for row in part):
        raise rows.fail("there is no usable answer", expected="at least one")
    each: list[Answers] = []
    for model, part in rows_of.items():
        good = [row for row in part if not failed[row]]
        each.append(
            Answers(
                model=model,
                source=rows.source.name,
                prompts=[prompts[row] for row in good],
                answers=[answers[row] for row in good],
                domain=None if domains is None else [domains[row] for row in good],
                ids={column: [values[row] for row in good] for column, values in ids.items()},
                failed=len(part) - len(good),
                skipped=0 if each else len(rows.bad),
            )
        )
    return each


def one_model(found: Sequence[Answers], model: str | None = None) -> Answers:
    """The answers of the model with this name, or of the only model in a file.

    Raises:
        BadInputError: there are several models and no name was given, or none has this name.
    """
    names = ", ".join(answers.model for answers in found)
    source = found[0].source
    if model is not None:
        chosen = [answers for answers in found if answers.model == model]
        if not chosen:
            raise BadInputError(f"there is no model '{model}'", source=source, expected=f"one of: {names}")
        return chosen[0]
    if len(found) > 1:
        raise BadInputError(
            f"holds answers of {len(found)} models", source=source, expected=f"the name of one of them: {names}"
        )
    return found[0]


def _models(rows: Rows) -> list[Any]:
    """The model of each row. A file without a column for it holds answers of one model, which gets the file's name."""
    column = find(rows, MODEL)
    if column is None:
        return [Path(rows.source.name).stem] * len(rows)
    models: list[Any] = rows.identifier(column).to_pylist()
    return models


def _failed(rows: Rows, answer: str) -> list[bool]:
    if not rows.has("error"):
        return [False] * len(rows)
    return [bool(error) and not text for error, text in zip(rows.values("error"), rows.values(answer), strict=True)]


def _reject_repeated(rows: Rows, prompts: list[Any], models: list[Any], column: str) -> None:
    """Reject every row in which a model answers a prompt for the second time."""
    first: dict[tuple[str, str], int] = {}
    for row in rows.kept().tolist():
        key = (models[row], prompt_key(prompts[row]))
        if key in first:
            rows.reject(
                row,
                f"model '{models[row]}' already answered this prompt in row {rows.source.number(first[key]):,}",
                column=column,
                value=plain_text(prompts[row]),
                expected="one answer to each prompt",
            )
        first.setdefault(key, row)
