"""Answers from an OpenAI-compatible endpoint: prompts are sent as conversations."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from votewise.generate.settings import BackendOptions, Sampling
from votewise.language_models.completions import Completion
from votewise.language_models.conversations import Prompt, as_messages
from votewise.language_models.endpoint import Endpoint


class ServedModel:
    """A model behind a server, which has its own chat template and random numbers."""

    def __init__(self, name: str, sampling: Sampling, options: BackendOptions) -> None:
        self.sampling = sampling
        self.endpoint = Endpoint(
            name, options.base_url, options.api_key, options.timeout, options.retries, options.concurrency
        )

    def answers(self, prompts: Sequence[Prompt], done: Container[int]) -> Iterator[list[tuple[int, Completion]]]:
        """Ask for what is not done, and yield each answer as soon as it is there."""
        todo = [i for i in range(len(prompts)) if i not in done]
        if not todo:
            return
        sampling = self.sampling
        found = self.endpoint.complete(
            (as_messages(prompts[i]) for i in todo),
            temperature=sampling.temperature,
            max_tokens=sampling.max_tokens,
            # OpenAI accepts 64 bits, some servers only 32.
            seed=sampling.seed % 2**31,
            top_p=None if sampling.top_p == 1 else sampling.top_p,
        )
        for number, completion in found:
            yield [(todo[number], completion)]
