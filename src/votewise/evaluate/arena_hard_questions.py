"""Arena-Hard's ``question.jsonl``, and which of its questions a prompt is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from votewise.errors import BadInputError
from votewise.evaluate.answers import Answers
from votewise.evaluate.columns import prompt_key
from votewise.sources.reader import SourceReader
from votewise.sources.values import records_of


@dataclass(frozen=True)
class ArenaHardQuestion:
    """A question of Arena-Hard: its text ``prompt``, and its name ``uid``, which answers and judgments refer to."""

    uid: str
    prompt: str


def read_questions(source: Any) -> list[ArenaHardQuestion]:
    """Read Arena-Hard's question.jsonl: ``uid`` and ``prompt``, or ``question_id`` and ``turns`` before version 2.

    Raises:
        BadInputError: the file has other columns, or a row without a name or a text.
    """
    read = SourceReader().open(source).source
    names = set(read.table.column_names)
    if not ({"uid", "prompt"} <= names or {"question_id", "turns"} <= names):
        found = ", ".join(read.table.column_names)
        raise BadInputError(f"is not a question.jsonl; found {found}", source=read.name, expected="uid and prompt")
    questions = []
    for row, item in enumerate(records_of(read.table, range(len(read.table)))):
        if "uid" in names:
            uid, prompt = item["uid"], item["prompt"]
        else:
            turns = item["turns"] or [{}]
            uid, prompt = item["question_id"], turns[0].get("content")
        if not uid or not isinstance(prompt, str):
            raise BadInputError("a question without a name or a text", source=read.name, row=read.number(row))
        questions.append(ArenaHardQuestion(str(uid), prompt))
    return questions


def name_prompts(answers: Answers, questions: Sequence[ArenaHardQuestion] | None) -> list[str | None]:
    """(n,) names of the prompts: of the questions with the same text, or, without questions, their ``prompt_id``.

    None where a prompt is not a question of Arena-Hard.

    Raises:
        BadInputError: there are neither questions nor a ``prompt_id``.
    """
    if questions is not None:
        names = {question.prompt.strip(): question.uid for question in questions}
        return [names.get(prompt_key(prompt).strip()) for prompt in answers.prompts]
    if "prompt_id" not in answers.ids:
        raise BadInputError(
            f"is needed: {answers.source} has no column prompt_id",
            parameter="questions",
            expected="Arena-Hard's question.jsonl",
        )
    return [None if uid is None else str(uid) for uid in answers.ids["prompt_id"]]
