"""Answers from an OpenAI-compatible endpoint: prompts are sent as conversations."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from votewise.generate.settings import BackendOptions, Sampling
from votewise.language_models.completions import Completion
from votewise.language_models.conversations import Prompt, as_messages
from votewise.language_models.endpoint import Endpoint


class ServedModel:
    """A model behind a server, which has its own chat template and random numbers.

    Prompts that the server ``failed`` to answer in an interrupted run are sent again after all others, and end no run:
    however often it is started again, the work comes to its end.
    """

    def __init__(
        self, name: str, sampling: Sampling, options: BackendOptions, failed: Container[int] = frozenset()
    ) -> None:
        self.sampling, self._failed = sampling, failed
        self.endpoint = Endpoint(
            name, options.base_url, options.api_key, options.timeout, options.retries, options.concurrency
        )

    def answers(self, prompts: Sequence[Prompt], done: Container[int]) -> Iterator[list[tuple[int, Completion]]]:
        """Ask for what is not done, and yield each answer as soon as it is there."""
        todo = [i for i in range(len(prompts)) if i not in done]
        again = [i for i in todo if i in self._failed]
        yield from self._ask(prompts, [i for i in todo if i not in self._failed])
        yield from self._ask(prompts, again, patience=len(again) + 1)

    def _ask(
        self, prompts: Sequence[Prompt], todo: Sequence[int], *, patience: int | None = None
    ) -> Iterator[list[tuple[int, Completion]]]:
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
            patience=patience,
        )
        for number, completion in found:
            yield [(todo[number], completion)]
