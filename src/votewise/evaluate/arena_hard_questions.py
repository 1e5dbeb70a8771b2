"""Arena-Hard's ``question.jsonl``, and which of its questions a prompt is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from votewise.errors import BadInputError
from votewise.evaluate.answers import Answers
from votewise.evaluate.columns import prompt_key
from votewise.sources.reader import SourceReader
from votewise.sources.rows import Rows


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
    return questions_of(SourceReader().open(source))


def questions_of(rows: Rows) -> list[ArenaHardQuestion]:
    """The questions in these rows; raises as ``read_questions`` does, and notes rows where these are skipped."""
    if not (rows.has("uid", "prompt") or rows.has("question_id", "turns")):
        found = ", ".join(rows.table.column_names)
        raise rows.fail(f"is not a question.jsonl; found {found}", expected="uid and prompt")
    name, text = ("uid", "prompt") if rows.has("uid", "prompt") else ("question_id", "turns")
    uids, texts = rows.identifier(name).to_pylist(), rows.values(text)
    prompts = [value if text == "prompt" else _first_turn(value) for value in texts]
    for row, prompt in enumerate(prompts):
        if not isinstance(prompt, str):
            rows.reject(row, "a question without a text", column=text, value=texts[row], expected="a text")
    return [ArenaHardQuestion(uids[row], str(prompts[row])) for row in rows.kept().tolist()]


def _first_turn(turns: Any) -> Any:
    first = turns[0] if isinstance(turns, list) and turns else None
    return first.get("content") if isinstance(first, dict) else None


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
