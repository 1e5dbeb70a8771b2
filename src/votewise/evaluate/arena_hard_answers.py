"""A model's answers -> Arena-Hard's ``model_answer/MODEL.jsonl``, and such files -> answers."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from votewise.errors import BadInputError
from votewise.evaluate.alpaca_eval import single_prompt
from votewise.evaluate.answers import Answers, answers_of
from votewise.evaluate.arena_hard_questions import ArenaHardQuestion, name_prompts
from votewise.evaluate.columns import plain_text
from votewise.sources.rows import Rows

CountTokens = Callable[[str], int]
AnswerTexts = Mapping[tuple[str, str], str]
"""(model, uid of the question) -> answer."""


@dataclass(frozen=True)
class ArenaHardAnswers:
    """Answers in the form that Arena-Hard reads.

    Attributes:
        rows: the lines of ``model_answer/MODEL.jsonl`` (version 2).
        missing: number of questions without an answer.
        unknown: number of answers to prompts that are not a question of Arena-Hard.
    """

    rows: list[dict[str, Any]]
    missing: int
    unknown: int

    @property
    def table(self) -> pa.Table:
        """``uid``, ``model``, ``prompt``, ``answer``, ``ans_id``, ``tstamp`` and ``metadata``, one answer per row."""
        flat = [
            {"uid": row["uid"], "model": row["model"], "prompt": row["messages"][0]["content"]}
            | {"answer": row["messages"][1]["content"]["answer"]}
            | {name: row[name] for name in ("ans_id", "tstamp", "metadata")}
            for row in self.rows
        ]
        return pa.Table.from_pylist(flat)


def arena_hard_answers(
    answers: Answers,
    *,
    questions: Sequence[ArenaHardQuestion] | None = None,
    count_tokens: CountTokens | None = None,
    now: float | None = None,
) -> ArenaHardAnswers:
    """Bring the answers of one model into the form that Arena-Hard reads.

    Args:
        answers: answers to Arena-Hard's questions.
        questions: names of the questions by their text; without them, the answers need a ``prompt_id``.
        count_tokens: number of tokens of a text, for ``metadata``. Without it the count is left out; Arena-Hard needs it
            only for its style control.
        now: time of the answers, in seconds since 1970; None for the current time.

    Raises:
        BadInputError: prompts without a name.
    """
    uids = name_prompts(answers, questions)
    known = [i for i, uid in enumerate(uids) if uid is not None]
    if not known:
        raise BadInputError(
            f"none of {len(answers):,} prompts is a question of Arena-Hard",
            source=answers.source,
            expected="answers to its question.jsonl",
        )
    time_stamp = time.time() if now is None else now
    rows = [_row(answers, i, str(uids[i]), time_stamp, count_tokens) for i in known]
    missing = 0 if questions is None else len(questions) - len(known)
    return ArenaHardAnswers(rows, missing, len(answers) - len(known))


def _row(answers: Answers, i: int, uid: str, time_stamp: float, count_tokens: CountTokens | None) -> dict[str, Any]:
    answer = plain_text(answers.answers[i])
    tokens = {} if count_tokens is None else {"token_len": count_tokens(answer)}
    name = json.dumps([uid, answers.model, answer])
    return {
        "uid": uid,
        "ans_id": hashlib.blake2b(name.encode(), digest_size=11).hexdigest(),
        "model": answers.model,
        "messages": [
            {"role": "user", "content": single_prompt(answers, i)},
            {"role": "assistant", "content": {"answer": answer}},
        ],
        "tstamp": time_stamp,
        "metadata": tokens | count_markdown(answer),
    }


def count_markdown(answer: str) -> dict[str, dict[str, int]]:
    """What Arena-Hard's style control counts in an answer, outside of code blocks: headers, list items, bold parts."""
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


def token_counter(name: str) -> CountTokens:
    """A function that counts tokens with ``tiktoken:ENCODING`` or with a tokenizer of transformers.

    Arena-Hard itself uses ``tiktoken:o200k_base``.

    Raises:
        BadInputError: a library that is not installed, or no such tokenizer.
    """
    kind, colon, encoding = name.partition(":")
    if colon and kind == "tiktoken":
        try:
            import tiktoken  # type: ignore[import-not-found,unused-ignore]
        except ModuleNotFoundError as error:
            raise BadInputError(
                "needs tiktoken", parameter="tokenizer", value=name, expected="pip install tiktoken"
            ) from error
        encoder: Any = tiktoken.get_encoding(encoding)
        return lambda text: len(encoder.encode(text, disallowed_special=()))
    from votewise.language_models.local import load_tokenizer, require_models

    require_models("--tokenizer")
    tokenizer = load_tokenizer(name)
    return lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"])


def answer_texts(files: Sequence[Rows], questions: Sequence[ArenaHardQuestion] | None = None) -> AnswerTexts:
    """Answers by model and question, from model_answer/MODEL.jsonl or from what ``votewise generate`` writes.

    Raises:
        BadInputError: other files, or prompts without a name.
    """
    texts: dict[tuple[str, str], str] = {}
    for rows in files:
        if not rows.has("uid", "model", "messages"):
            for answers in answers_of(rows):
                for uid, answer in zip(name_prompts(answers, questions), answers.answers, strict=True):
                    if uid is not None:
                        texts[answers.model, uid] = plain_text(answer)
            continue
        uids, models = rows.identifier("uid").to_pylist(), rows.identifier("model").to_pylist()
        messages = rows.values("messages")
        for row in rows.kept().tolist():
            text = _last(messages[row])
            if text is None:
                expected = "a list of messages with content"
                rows.reject(row, "holds no answer", column="messages", value=messages[row], expected=expected)
            else:
                texts[models[row], uids[row]] = text
    return texts


def _last(messages: Any) -> str | None:
    """What the last message says; None where there is no message."""
    last = messages[-1] if isinstance(messages, list) and messages else None
    content = last.get("content") if isinstance(last, Mapping) else None
    content = content.get("answer") if isinstance(content, Mapping) else content
    return None if content is None else str(content)
