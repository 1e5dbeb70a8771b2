"""What all sources of scores share: an answer, its score, and how models are run."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from votewise.defaults import BATCH_SIZE
from votewise.language_models.conversations import Prompt


class Answer(NamedTuple):
    """An answer and its prompt."""

    prompt: Prompt
    response: Prompt


class AnswerScore(NamedTuple):
    """The score of the answer with this number, None if it is too long for the model, and how many tokens were read."""

    number: int
    score: float | None
    tokens: int


class Scorer(Protocol):
    """A model that gives every answer a score."""

    def scores(self, answers: Sequence[Answer], done: Container[int]) -> Iterator[list[AnswerScore]]:
        """Score the answers that are not ``done``, batch by batch; an empty batch says that the model is ready."""
        ...


@dataclass(frozen=True)
class ModelOptions:
    """How models are run.

    Attributes:
        batch_size: answers at a time.
        device: ``auto``, ``cpu``, ``cuda``, ...
        dtype: ``auto``, ``float32``, ``bfloat16`` or ``float16``.
        chat: put texts into the model's chat template, if it has one.
    """

    batch_size: int = BATCH_SIZE
    device: str = "auto"
    dtype: str = "auto"
    chat: bool = True
