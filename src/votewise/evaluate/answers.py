"""Files of one model's answers: columns prompt, answer and model, or AlpacaEval's instruction, output and generator."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from votewise.data.contests import Text
from votewise.errors import BadInputError
from votewise.sources.messages import CONVERSATION, conversation, holds_lists
from votewise.sources.opening import load
from votewise.sources.rows import Rows

PROMPT, ANSWER, MODEL, DOMAIN = (
    ("prompt", "instruction"),
    ("answer", "output"),
    ("model", "generator"),
    ("domain", "dataset"),
)
"""Our name of a column, then AlpacaEval's."""

IDS = ("prompt_index", "prompt_id")
"""Columns that name prompts."""


@dataclass(frozen=True, eq=False)
class Answers:
    """One model's answers.

    Attributes:
        model: its name.
        source: the file they came from.
        prompts: (n,) all different.
        answers: (n,) none empty.
        domain: (n,) None without domains.
        ids: (n,) names of prompts, by column.
        failed: prompts for which there is no answer, but an error.
        skipped: unusable rows of the file, counted with its first model.
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


def read_answers(source: str | os.PathLike[str], *, skip: bool = False) -> list[Answers]:
    """Read a file of answers, one entry per model in the order in which they appear.

    Args:
        source: any file that votes are read from.
        skip: leave unusable rows out and count them; otherwise the first of them is an error. Rows with an ``error`` and
            without an answer are what ``votewise generate`` writes for a prompt that failed: they are always left out.

    Raises:
        BadInputError: columns that are missing, an empty or missing answer, a prompt that a model answers twice.
    """
    return answers_of(Rows(load(os.fspath(source)), stop=not skip))


def holds_answers(rows: Rows) -> bool:
    """Tell whether these rows are answers of single models."""
    return find(rows, PROMPT) is not None and find(rows, ANSWER) is not None


def find(rows: Rows, names: Sequence[str]) -> str | None:
    """The first of these columns that is there."""
    return next((name for name in names if rows.has(name)), None)


def answers_of(rows: Rows) -> list[Answers]:
    """The answers in these rows, as ``read_answers`` gives them."""
    name = find(rows, PROMPT), find(rows, ANSWER)
    if name[0] is None or name[1] is None:
        found = ", ".join(rows.table.column_names)
        raise rows.fail(f"is no file of answers; found the columns {found}", expected="prompt, answer and model")
    failed = _failed(rows, name[1])
    prompts = texts(rows, name[0])
    answers = texts(rows, name[1], leave=failed)
    model_column = find(rows, MODEL)
    # A file that names no model is called by its own name.
    models = (
        [Path(rows.source.name).stem] * len(rows) if model_column is None else rows.identifier(model_column).to_pylist()
    )
    domains = optional_names(rows, DOMAIN)
    ids = {column: rows.values(column) for column in IDS if rows.has(column)}
    _reject_repeated(rows, prompts, models, name[0])
    of_model: dict[str, list[int]] = {}
    for row in rows.kept().tolist():
        of_model.setdefault(models[row], []).append(row)
    if not any(not failed[row] for part in of_model.values() for row in part):
        raise rows.fail("there is no answer that could be used", expected="at least one")
    each: list[Answers] = []
    for model, part in of_model.items():
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


def texts(rows: Rows, name: str, *, leave: Sequence[bool] | None = None) -> list[Any]:
    """Take a column of texts or conversations; empty ones are noted, except where ``leave`` says so."""
    if holds_lists(rows, name):
        values: list[Any] = [conversation(value) for value in rows.values(name)]
        expected = CONVERSATION
    else:
        values, expected = rows.text(name, null=True).to_pylist(), "a text"
    for row, value in enumerate(values):
        if leave is not None and leave[row]:
            continue
        if value is None:
            rows.reject(row, f"there is no {name}", column=name, expected=expected)
        elif not plain_text(value).strip():
            rows.reject(row, f"the {name} is empty", column=name, expected=f"{expected}; --on-error skip leaves it out")
    return values


def optional_names(rows: Rows, names: Sequence[str]) -> list[str | None] | None:
    """Take a column of names under the first of these names; None where there is none or all are null."""
    name = find(rows, names)
    if name is None:
        return None
    values: list[str | None] = rows.identifier(name, null=True).to_pylist()
    return values if any(values) else None


def prompt_key(prompt: Text) -> str:
    """What makes two prompts equal: a text, or a conversation's messages; one user message equals its text."""
    if isinstance(prompt, str):
        return prompt
    if len(prompt) == 1 and prompt[0]["role"] == "user":
        return prompt[0]["content"]
    return json.dumps([[message["role"], message["content"]] for message in prompt])


def plain_text(text: Text) -> str:
    """The contents of a prompt or an answer, without roles."""
    return text if isinstance(text, str) else "\n".join(message["content"] for message in text)


def _failed(rows: Rows, answer: str) -> list[bool]:
    if not rows.has("error"):
        return [False] * len(rows)
    return [bool(error) and not text for error, text in zip(rows.values("error"), rows.values(answer), strict=True)]


def _reject_repeated(rows: Rows, prompts: list[Any], models: list[Any], column: str) -> None:
    """Note every prompt that a model has answered before."""
    first: dict[tuple[str, str], int] = {}
    for row in rows.kept().tolist():
        key = (models[row], prompt_key(prompts[row]))
        if key in first:
            rows.reject(
                row,
                f"model '{models[row]}' answered this prompt before, in row {rows.source.number(first[key]):,}",
                column=column,
                value=plain_text(prompts[row]),
                expected="one answer to each prompt",
            )
        first.setdefault(key, row)


def one_model(found: Sequence[Answers], model: str | None = None) -> Answers:
    """The only model of a file, or the one with this name.

    Raises:
        BadInputError: several models and none named, or none of this name.
    """
    names = ", ".join(answers.model for answers in found)
    source = found[0].source
    if model is not None:
        chosen = [answers for answers in found if answers.model == model]
        if not chosen:
            raise BadInputError(f"there is no model '{model}'", source=source, expected=f"one of: {names}")
        return chosen[0]
    if len(found) > 1:
        raise BadInputError(f"holds answers of {len(found)} models: {names}", source=source, expected="one, named")
    return found[0]
