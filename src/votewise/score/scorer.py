"""What every source of scores shares: an answer, its score, and how models are run."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from votewise.language_models.local import Prompt


class Answer(NamedTuple):
    """An answer and what it answers."""

    prompt: Prompt
    response: Prompt


class Found(NamedTuple):
    """The score of the answer with this number, None where it is too long for the model, and how many tokens were read."""

    number: int
    score: float | None
    tokens: int


class Scorer(Protocol):
    """One model that gives answers a number."""

    def scores(self, answers: Sequence[Answer], done: Container[int]) -> Iterator[list[Found]]:
        """Score the answers that are not ``done``, batch by batch; nothing first, when ready."""
        ...


@dataclass(frozen=True)
class ModelOptions:
    """How models are run.

    Attributes:
        batch_size: answers at a time.
        device: ``auto``, ``cpu``, ``cuda``, ...
        dtype: ``auto``, ``float32``, ``bfloat16`` or ``float16``.
        chat: put texts into the model's chat template where it has one.
    """

    batch_size: int = 16
    device: str = "auto"
    dtype: str = "auto"
    chat: bool = True
