"""Answers by vLLM, if it is installed.

Written against vLLM's documentation (``LLM``, ``SamplingParams``) and tested with a stand-in that has its signatures; it has
not been run with vLLM itself. Prompts become tokens as in the transformers backend. Each prompt has the same seed in both
backends, but not the same random numbers, so sampled answers differ.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from functools import cached_property
from typing import Any

from votewise.errors import BadInputError
from votewise.generate.settings import BackendOptions, Sampling
from votewise.language_models import conversations
from votewise.language_models.completions import Completion
from votewise.language_models.conversations import Prompt

CHUNK = 512
"""Prompts that vLLM gets at a time and that are written to the journal together; vLLM makes its own batches of them."""


class VllmModel:
    """A model that vLLM runs; loaded when the first prompts are needed."""

    def __init__(self, name: str, sampling: Sampling, options: BackendOptions) -> None:
        self.name, self.sampling, self.options = name, sampling, options

    @cached_property
    def _vllm(self) -> Any:
        try:
            import vllm  # type: ignore[import-not-found,unused-ignore]
        except ImportError as error:
            raise BadInputError("vLLM is not installed", parameter="backend", expected="pip install vllm") from error
        return vllm

    @cached_property
    def _model(self) -> Any:
        return self._vllm.LLM(model=self.name, dtype=self.options.dtype, seed=self.sampling.seed)

    def answers(self, prompts: Sequence[Prompt], done: Container[int]) -> Iterator[list[tuple[int, Completion]]]:
        """Answer what is not done, ``CHUNK`` prompts at a time."""
        todo = [i for i in range(len(prompts)) if i not in done]
        if todo and self._model:
            yield []
        for start in range(0, len(todo), CHUNK):
            chunk = todo[start : start + CHUNK]
            found = self._answer([prompts[i] for i in chunk])
            yield list(zip(chunk, found, strict=True))

    def _answer(self, prompts: list[Prompt]) -> list[Completion]:
        tokenizer, chat = self._model.get_tokenizer(), self.options.chat
        texts = [conversations.text_of(tokenizer, prompt, None, chat=chat) for prompt in prompts]
        rows = [conversations.token_ids(tokenizer, text, chat=chat) for text in texts]
        limit = self._model.llm_engine.model_config.max_model_len
        fit = [i for i, row in enumerate(rows) if 0 < len(row) < limit]
        inputs = [{"prompt_token_ids": rows[i]} for i in fit]
        drawn = [self._parameters(prompts[i]) for i in fit]
        outputs = self._model.generate(inputs, drawn, use_tqdm=False) if fit else []
        found = {i: _completion(output.outputs[0]) for i, output in zip(fit, outputs, strict=True)}
        error = f"a prompt that does not fit into the model's {limit:,} tokens"
        return [found.get(i) or Completion(None, error) for i in range(len(prompts))]

    def _parameters(self, prompt: Prompt) -> Any:
        sampling = self.sampling
        return self._vllm.SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=sampling.max_tokens,
            seed=sampling.seed_of(self.name, prompt),
        )


def _completion(output: Any) -> Completion:
    tokens = len(output.token_ids)
    if not output.text.strip():
        return Completion(None, f"an empty answer (finish reason: {output.finish_reason})", tokens)
    return Completion(output.text, None, tokens)
