"""Answers by transformers: batches of about equally long prompts, padded on the left.

Each prompt has its own random numbers, one for each token, made from seed, model and prompt: an answer does not depend
on the other prompts in its batch, nor on interruptions. The probabilities differ by rounding from batch to batch, which
matters only if a random number falls into that gap or two tokens are equally likely; a resumed run has the same batches,
so its file is the same, too.

The model's own generation settings (top-k, repetition penalties) are not used: tokens are drawn from the model's
probabilities at the given temperature. Only its end-of-answer tokens are used.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from votewise.generate.settings import BackendOptions, Sampling
from votewise.language_models import conversations, local
from votewise.language_models.batch_work import batches_left
from votewise.language_models.completions import Completion
from votewise.language_models.conversations import Prompt


class DrawByNumbers(LogitsProcessor):  # type: ignore[misc]
    """Turns the greedy choice into a draw: only the token that a row's random number falls on stays possible.

    Args:
        numbers: (B, T) uniform on [0, 1), one for each row and step.
        prompt: tokens before the first step, padding included.
        temperature: above 0.
        top_p: draw from the likeliest tokens that make up this share, including the one that crosses it.
    """

    def __init__(self, numbers: Tensor, *, prompt: int, temperature: float, top_p: float) -> None:
        self.numbers, self.prompt, self.temperature, self.top_p = numbers, prompt, temperature, top_p

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """(B, V) scores: -inf for every token except one in each row."""
        step = input_ids.shape[1] - self.prompt
        chosen = draw((scores.float() / self.temperature).softmax(-1), self.numbers[:, step], self.top_p)
        return torch.full_like(scores, -torch.inf).scatter_(1, chosen[:, None], 0.0)


def draw(p: Tensor, number: Tensor, top_p: float = 1.0) -> Tensor:
    """(B,) tokens that the numbers in [0, 1) fall on: token v has the v-th piece of the cumulative p.

    Args:
        p: (B, V) probabilities.
        number: (B,) uniform.
        top_p: leave out the least likely tokens beyond this share.
    """
    order = None
    if top_p < 1:
        p, order = p.sort(dim=-1, descending=True, stable=True)
        p = p.masked_fill(p.cumsum(-1) - p >= top_p, 0.0)
    total = p.cumsum(-1)
    chosen = torch.searchsorted(total, (number[:, None] * total[:, -1:]), right=True)[:, 0]
    # Rounding can put a number behind the last token.
    chosen = torch.where(chosen < p.shape[1], chosen, p.argmax(-1))
    return chosen if order is None else order.gather(1, chosen[:, None])[:, 0]


class LocalModel:
    """A model in a folder or on the Hub; loaded when the first batch is needed."""

    def __init__(self, name: str, sampling: Sampling, options: BackendOptions) -> None:
        self.name, self.sampling, self.options = name, sampling, options

    @cached_property
    def tokenizer(self) -> Any:
        """The model's tokenizer."""
        return local.load_tokenizer(self.name)

    @cached_property
    def model(self) -> Any:
        """The model, with its own generation settings replaced."""
        model = local.load_model(self.name, device=self.options.device, dtype=self.options.dtype)
        ends = model.generation_config.eos_token_id
        ends = {*(ends if isinstance(ends, list) else [ends]), self.tokenizer.eos_token_id} - {None}
        pad = self.tokenizer.pad_token_id
        model.generation_config = GenerationConfig(
            do_sample=False,
            max_new_tokens=self.sampling.max_tokens,
            eos_token_id=sorted(ends) or None,
            pad_token_id=pad if pad is not None else min(ends, default=0),
        )
        return model

    def answers(self, prompts: Sequence[Prompt], done: Container[int]) -> Iterator[list[tuple[int, Completion]]]:
        """Answer batch by batch; a batch that is partly done is answered again. An empty one first: the model is ready."""
        lengths = [conversations.text_length(prompt) for prompt in prompts]
        batches = batches_left(lengths, self.options.batch_size, done)
        if batches and self.model:
            yield []
        for batch in batches:
            with local.memory_in_one_line(len(batch)):
                found = self._answer([prompts[i] for i in batch])
            yield list(zip(batch, found, strict=True))

    def _answer(self, prompts: list[Prompt]) -> list[Completion]:
        chat, limit = self.options.chat, local.context_length(self.model)
        texts = [conversations.text_of(self.tokenizer, prompt, None, chat=chat) for prompt in prompts]
        rows = [conversations.token_ids(self.tokenizer, text, chat=chat) for text in texts]
        errors = {i: _too_long(row, self.sampling.max_tokens, limit) for i, row in enumerate(rows)}
        fit = [i for i, error in errors.items() if error is None]
        answers = dict(zip(fit, self._generate([rows[i] for i in fit], [prompts[i] for i in fit]), strict=True))
        return [answers.get(i) or Completion(None, errors[i]) for i in range(len(prompts))]

    @torch.inference_mode()
    def _generate(self, rows: list[list[int]], prompts: list[Prompt]) -> list[Completion]:
        if not rows:
            return []
        model, device = self.model, self.model.device
        width = max(map(len, rows))
        ids = torch.full((len(rows), width), model.generation_config.pad_token_id)
        mask = torch.zeros_like(ids)
        for i, row in enumerate(rows):
            ids[i, width - len(row) :] = torch.tensor(row)
            mask[i, width - len(row) :] = 1
        found = model.generate(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            logits_processor=LogitsProcessorList(self._draws(prompts, width)),
        )
        return [self._completion(row) for row in found[:, width:].tolist()]

    def _draws(self, prompts: list[Prompt], width: int) -> list[LogitsProcessor]:
        """What turns the greedy choice into a draw; nothing at temperature 0."""
        if self.sampling.temperature == 0:
            return []
        seeds = [self.sampling.seed_of(self.name, prompt) for prompt in prompts]
        numbers = [np.random.default_rng(seed).random(self.sampling.max_tokens, np.float32) for seed in seeds]
        on_device = torch.from_numpy(np.stack(numbers)).to(self.model.device)
        temperature, top_p = self.sampling.temperature, self.sampling.top_p
        return [DrawByNumbers(on_device, prompt=width, temperature=temperature, top_p=top_p)]

    def _completion(self, tokens: list[int]) -> Completion:
        """An answer's text, up to the model's end-of-answer token."""
        ends = set(self.model.generation_config.eos_token_id or ())
        end = next((i for i, token in enumerate(tokens) if token in ends), None)
        said = len(tokens) if end is None else end
        text = self.tokenizer.decode(tokens[:said], skip_special_tokens=True)
        count = said + (end is not None)
        return Completion(text, None, count) if text.strip() else Completion(None, "an empty answer", count)


def _too_long(row: list[int], more: int, limit: int | None) -> str | None:
    if not row:
        return "a prompt without tokens"
    if limit is None or len(row) + more <= limit:
        return None
    return f"a prompt of {len(row):,} tokens leaves no room for {more:,} more in the model's {limit:,}"
