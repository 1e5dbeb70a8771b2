"""A model's answers -> the files that AlpacaEval and Arena-Hard judge.

The way back: AlpacaEval's annotations.json is read as it is by ``votewise evaluate win-rate`` and ``read_votes``;
Arena-Hard's judgments by ``votewise.evaluate.arena_hard``.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from votewise.errors import BadInputError
from votewise.evaluate.answers import Answers, plain_text, prompt_key
from votewise.sources.opening import load
from votewise.sources.values import records_of
from votewise.storage.files import write_json, write_json_lines, written_whole

DATASET = "votewise"
"""What AlpacaEval's column ``dataset`` says where the answers name no domain."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        answers: how many answers were written.
        failed: prompts that the model failed to answer.
        missing: questions of the benchmark without an answer.
        unknown: answers to prompts that are no question of the benchmark.
    """

    file: Path
    answers: int
    failed: int = 0
    missing: int = 0
    unknown: int = 0


def export_alpaca_eval(answers: Answers, out: Path) -> Exported:
    """Write AlpacaEval's ``model_outputs.json``: ``dataset``, ``instruction``, ``output``, ``generator``.

    Args:
        answers: of one model, to AlpacaEval's instructions.
        out: a .json file.

    Raises:
        BadInputError: a prompt of several messages, another kind of file, or one that cannot be written.
    """
    if out.suffix != ".json":
        raise BadInputError("AlpacaEval reads JSON", source=str(out), expected="a name ending in .json")
    rows = [
        {
            "dataset": (answers.domain[i] if answers.domain is not None else None) or DATASET,
            "instruction": _single(answers, i),
            "output": plain_text(answers.answers[i]),
            "generator": answers.model,
        }
        for i in range(len(answers))
    ]
    with written_whole(out) as partial:
        write_json(partial, rows)
    return Exported(out, len(rows), answers.failed)


@dataclass(frozen=True)
class ArenaHardQuestion:
    """A question of Arena-Hard: its ``uid``, which answers and judgments go by, and its ``prompt``."""

    uid: str
    prompt: str


def read_questions(source: Any) -> list[ArenaHardQuestion]:
    """Read Arena-Hard's question.jsonl: ``uid`` and ``prompt``, or ``question_id`` and ``turns`` before version 2.

    Raises:
        BadInputError: other columns, or a row without a name or a text.
    """
    read = load(source)
    names = set(read.table.column_names)
    if not ({"uid", "prompt"} <= names or {"question_id", "turns"} <= names):
        found = ", ".join(read.table.column_names)
        raise BadInputError(f"is no question.jsonl; found {found}", source=read.name, expected="uid and prompt")
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


def export_arena_hard(
    answers: Answers,
    folder: Path,
    *,
    questions: Sequence[ArenaHardQuestion] | None = None,
    count_tokens: Callable[[str], int] | None = None,
    now: float | None = None,
) -> Exported:
    """Write Arena-Hard's ``model_answer/MODEL.jsonl`` (version 2).

    Args:
        answers: of one model, to Arena-Hard's questions.
        folder: where MODEL.jsonl goes; slashes in the model's name become ``__``.
        questions: names of the questions by their text; without them answers must come with a ``prompt_id``.
        count_tokens: tokens of a text, for ``metadata``; without it the count is left out, which Arena-Hard needs for its
            style control only.
        now: seconds since 1970; the clock's by default.

    Raises:
        BadInputError: prompts that cannot be named, or a file that cannot be written.
    """
    uids = name_prompts(answers, questions)
    known = [i for i, uid in enumerate(uids) if uid is not None]
    if not known:
        raise BadInputError(
            f"none of {len(answers):,} prompts is a question of Arena-Hard",
            source=answers.source,
            expected="answers to its question.jsonl",
        )
    stamp = time.time() if now is None else now
    out = folder / f"{answers.model.replace('/', '__')}.jsonl"
    rows = []
    for i in known:
        answer = plain_text(answers.answers[i])
        tokens = {} if count_tokens is None else {"token_len": count_tokens(answer)}
        name = json.dumps([uids[i], answers.model, answer])
        rows.append(
            {
                "uid": uids[i],
                "ans_id": hashlib.blake2b(name.encode(), digest_size=11).hexdigest(),
                "model": answers.model,
                "messages": [
                    {"role": "user", "content": _single(answers, i)},
                    {"role": "assistant", "content": {"answer": answer}},
                ],
                "tstamp": stamp,
                "metadata": tokens | count_markdown(answer),
            }
        )
    write_json_lines(out, rows)
    missing = 0 if questions is None else len(questions) - len(known)
    return Exported(out, len(rows), answers.failed, missing, len(answers) - len(known))


def count_markdown(answer: str) -> dict[str, dict[str, int]]:
    """What Arena-Hard's style control counts in an answer, outside of fenced code: headers, list items, bold parts."""
    text = re.sub(r"```[^`]*```", "", answer)

    def lines(pattern: str) -> int:
        return len(re.findall(rf"^{pattern}\s", text, re.MULTILINE))

    return {
        "header_count": {f"h{level}": lines("#" * level) for level in range(1, 7)},
        "list_count": {"ordered": lines(r"\s*\d+\."), "unordered": lines(r"\s*[-*+]")},
        "bold_count": {
            mark: len(re.findall(rf"{end}[^{end[-1]}\n]+{end}", text)) for mark, end in (("**", r"\*\*"), ("__", "__"))
        },
    }


def token_counter(name: str) -> Callable[[str], int]:
    """Count tokens as ``tiktoken:ENCODING`` (Arena-Hard: ``tiktoken:o200k_base``) or a tokenizer of transformers does.

    Raises:
        BadInputError: a library or a tokenizer that is not there.
    """
    kind, colon, encoding = name.partition(":")
    if colon and kind == "tiktoken":
        try:
            import tiktoken  # type: ignore[import-not-found,unused-ignore]
        except ModuleNotFoundError as error:
            raise BadInputError("counting tokens so needs tiktoken", expected="pip install tiktoken") from error
        encoder: Any = tiktoken.get_encoding(encoding)
        return lambda text: len(encoder.encode(text, disallowed_special=()))
    from votewise.language_models.local import load_tokenizer, require_models

    require_models("--tokenizer")
    tokenizer = load_tokenizer(name)
    return lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"])


def name_prompts(answers: Answers, questions: Sequence[ArenaHardQuestion] | None) -> list[str | None]:
    """(n,) the name of each prompt: the question's of that text, None where there is none; else its ``prompt_id``."""
    if questions is not None:
        names = {question.prompt.strip(): question.uid for question in questions}
        return [names.get(prompt_key(prompt).strip()) for prompt in answers.prompts]
    if "prompt_id" not in answers.ids:
        raise BadInputError(
            "nothing says which question is which",
            source=answers.source,
            expected="Arena-Hard's question.jsonl (--questions), or a column prompt_id",
        )
    return [None if uid is None else str(uid) for uid in answers.ids["prompt_id"]]


def _single(answers: Answers, i: int) -> str:
    """The prompt as one text, which is what these benchmarks have."""
    prompt = answers.prompts[i]
    if isinstance(prompt, str) or (len(prompt) == 1 and prompt[0]["role"] == "user"):
        return prompt_key(prompt)
    raise BadInputError(
        f"answer {i + 1:,} is to a conversation of {len(prompt)} messages",
        source=answers.source,
        column="prompt",
        expected="one message of the user",
    )
