"""What judges are to be asked, described and checked before any request."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from votewise.defaults import BATCH_SIZE, CONCURRENCY, JUDGE_TOKENS, RETRIES, TIMEOUT
from votewise.errors import BadInputError
from votewise.judge.asked_pairs import AskedPairs
from votewise.judge.judge_models import JudgeModel
from votewise.judge.question_templates import QuestionTemplate
from votewise.storage.journal import content_key
from votewise.storage.row_files import SUFFIXES

CHARACTERS_PER_TOKEN = 4.0
"""For estimates before a server has counted: about four characters of English make a token."""
USUAL_REPLY = 150
"""Tokens of a reply that an estimate of the cost assumes."""


@dataclass(frozen=True)
class AskOptions:
    """How judges are asked.

    Attributes:
        both_orders: whether every pair is shown in both orders.
        repeats: how often every question is asked.
        temperature: of the sampling; 0 for the likeliest reply.
        max_tokens: length limit of a reply.
        seed: of the sampling; repeat r has ``seed + r - 1``.
        timeout: seconds until a request counts as failed.
        retries: how often a failed request is tried again.
        concurrency: requests to one server at a time.
        batch_size: questions that a model on this machine reads at a time.
        device: where it runs.
        dtype: number format of its weights.
        max_cost: no question is sent that could bring the cost of all replies above this; None for no limit.
    """

    both_orders: bool = True
    repeats: int = 1
    temperature: float = 0.0
    max_tokens: int = JUDGE_TOKENS
    seed: int = 0
    timeout: float = TIMEOUT
    retries: int = RETRIES
    concurrency: int = CONCURRENCY
    batch_size: int = BATCH_SIZE
    device: str = "auto"
    dtype: str = "auto"
    max_cost: float | None = None

    def __post_init__(self) -> None:
        for name in ("repeats", "max_tokens"):
            if getattr(self, name) < 1:
                raise BadInputError("must be 1 or more", parameter=name, value=getattr(self, name))
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise BadInputError(
                "is not a temperature", parameter="temperature", value=self.temperature, expected="0 (greedy) or more"
            )
        if self.max_cost is not None and not self.max_cost >= 0:
            raise BadInputError("is no cost", parameter="max_cost", value=self.max_cost, expected="0 or more")


@dataclass(frozen=True)
class JudgeQuestion:
    """One question to one judge: its key in the journal, the pair, whether its answers are swapped, the repeat from 1."""

    key: str
    pair: int
    swapped: bool
    repeat: int


@dataclass(frozen=True)
class JudgeJob:
    """What is to be asked.

    Attributes:
        pairs: what to judge.
        judges: whom to ask.
        out: the file of votes, .jsonl or .parquet; None writes nothing.
        template: the words around a pair.
        options: how judges are asked.
    """

    pairs: AskedPairs
    judges: Sequence[JudgeModel]
    out: Path | None = None
    template: QuestionTemplate = field(default_factory=QuestionTemplate)
    options: AskOptions = field(default_factory=AskOptions)

    def __post_init__(self) -> None:
        if self.out is not None and self.out.suffix not in SUFFIXES:
            raise BadInputError(
                "unknown kind of file", source=str(self.out), expected="a name ending in .jsonl or .parquet"
            )
        free = [judge.name for judge in self.judges if not judge.priced]
        if self.options.max_cost is not None and free:
            raise BadInputError(
                f"the prices of {', '.join(free)} are not known",
                parameter="max_cost",
                expected="price_in and price_out of every judge, in a file for --judges",
            )
        for judge in self.judges:
            judge.key()  # a missing key is said before anything is asked

    @property
    def summary(self) -> Path | None:
        """The file of the summary, beside ``out``."""
        return None if self.out is None else self.out.with_name(f"{self.out.stem}-summary.json")

    @property
    def report(self) -> Path | None:
        """The page on the jury, beside ``out``."""
        return None if self.out is None else self.out.with_name(f"{self.out.stem}-report.html")

    @cached_property
    def pair_keys(self) -> list[str]:
        """(M,) a name of each pair's texts."""
        p = self.pairs
        return [content_key(*texts) for texts in zip(p.prompt, p.response_a, p.response_b, strict=True)]

    def questions(self, judge: JudgeModel) -> Iterator[JudgeQuestion]:
        """The questions to one judge: pair by pair, both orders, then the repeats.

        The key holds all that a reply depends on, so that other words are asked anew and another judge changes nothing.
        """
        o = self.options
        about = content_key(
            judge.name,
            judge.model,
            judge.where,
            judge.backend,
            o.temperature,
            o.max_tokens,
            o.seed,
            self.template.key,
        )
        for repeat in range(1, o.repeats + 1):
            for pair, name in enumerate(self.pair_keys):
                for swapped in (False, True) if o.both_orders else (False,):
                    yield JudgeQuestion(content_key(about, name, swapped, repeat), pair, swapped, repeat)

    def conversation(self, question: JudgeQuestion) -> list[dict[str, str]]:
        """The words of a question."""
        return self.template.ask(*self.pairs.shown(question.pair, swapped=question.swapped), seed=self.options.seed)

    def tokens_in(self, question: JudgeQuestion) -> float:
        """About how many tokens a judge reads."""
        return sum(len(message["content"]) for message in self.conversation(question)) / CHARACTERS_PER_TOKEN

    def settings(self) -> dict[str, Any]:
        """What the summary says about how judges were asked."""
        o = self.options
        return {
            "both_orders": o.both_orders,
            "repeats": o.repeats,
            "temperature": o.temperature,
            "max_tokens": o.max_tokens,
            "seed": o.seed,
            "rubric": self.template.rubric,
            "prompt": self.template.text,
        }
