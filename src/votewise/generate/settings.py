"""How answers are drawn, and what runs the models."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, get_args

from votewise.defaults import ANSWER_TOKENS, BATCH_SIZE, CONCURRENCY, RETRIES, TIMEOUT
from votewise.errors import BadInputError
from votewise.language_models.choices import BackendName
from votewise.language_models.completions import Completion
from votewise.language_models.conversations import Prompt
from votewise.storage.journal import content_key

BACKENDS: tuple[str, ...] = get_args(BackendName)


@dataclass(frozen=True)
class Sampling:
    """How an answer is drawn.

    Attributes:
        max_tokens: the most tokens of an answer.
        temperature: 0 for the likeliest token each time; 1 for the model's own probabilities.
        top_p: nucleus sampling (top-p).
        seed: together with the model and the prompt it decides what is drawn.
    """

    max_tokens: int = ANSWER_TOKENS
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise BadInputError("must be 1 or more", parameter="max_tokens", value=self.max_tokens)
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise BadInputError(
                "is not a temperature", parameter="temperature", value=self.temperature, expected="0 (greedy) or more"
            )
        if not 0 < self.top_p <= 1:
            raise BadInputError("is not a share", parameter="top_p", value=self.top_p, expected="above 0, at most 1")

    def seed_of(self, model: str, prompt: Prompt) -> int:
        """The seed of one answer, below 2^63: it depends only on seed, model and prompt."""
        return int(content_key(self.seed, model, prompt)[:16], 16) >> 1


@dataclass(frozen=True)
class BackendOptions:
    """The settings of a backend besides the sampling.

    Attributes:
        batch_size: prompts at a time (transformers).
        device: ``auto``, ``cpu``, ``cuda``, ... (transformers).
        dtype: ``auto``, ``float32``, ``bfloat16`` or ``float16`` (transformers, vllm).
        chat: put prompts into the model's chat template, if it has one (transformers, vllm).
        base_url: of the server (endpoint).
        api_key: of the server (endpoint); None for OPENAI_API_KEY.
        timeout: seconds (endpoint).
        retries: how often a failed request is tried again (endpoint).
        concurrency: requests at a time (endpoint).
    """

    batch_size: int = BATCH_SIZE
    device: str = "auto"
    dtype: str = "auto"
    chat: bool = True
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    timeout: float = TIMEOUT
    retries: int = RETRIES
    concurrency: int = CONCURRENCY


class Backend(Protocol):
    """A model that answers prompts."""

    def answers(self, prompts: Sequence[Prompt], done: Container[int]) -> Iterator[list[tuple[int, Completion]]]:
        """Answer the prompts whose numbers are not ``done``, batch by batch; an empty batch says that the model is ready."""
        ...
