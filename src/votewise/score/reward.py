"""A reward model on batches of answers."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from functools import cached_property
from typing import Any

import torch

from votewise import models
from votewise.score.sources import Answer, Found, ModelOptions

Features = dict[str, list[int]]


class RewardScorer:
    """Loads the model when the first batch is due; see ``votewise.score.RewardModel``."""

    def __init__(self, name: str, options: ModelOptions) -> None:
        self.name, self.options = name, options

    @cached_property
    def tokenizer(self) -> Any:
        """The model's tokenizer."""
        return models.load_tokenizer(self.name)

    @cached_property
    def model(self) -> Any:
        """The model."""
        return models.load_model(self.name, kind="reward", device=self.options.device, dtype=self.options.dtype)

    def scores(self, answers: Sequence[Answer], done: Container[int]) -> Iterator[list[Found]]:
        """Score batch by batch; one of which only a part is done is scored anew, for the batches to be the same."""
        batches = models.by_length([models.text_length(*a) for a in answers], self.options.batch_size)
        batches = [batch for batch in batches if not all(i in done for i in batch)]
        if batches and self.model:
            yield []
        limit = models.context_length(self.model) if batches else None
        for batch in batches:
            rows = {i: self._features(answers[i]) for i in batch}
            size = {i: len(row["input_ids"]) for i, row in rows.items()}
            fit = [i for i in batch if limit is None or size[i] <= limit]
            with models.memory_in_one_line(len(fit)):
                found = dict(zip(fit, self._run([rows[i] for i in fit]), strict=True))
            yield [Found(i, found.get(i), size[i] if i in found else 0) for i in batch]

    def _features(self, answer: Answer) -> Features:
        """An answer's tokens, and what else the model takes of each.

        With a chat template as a conversation; without one an encoder takes prompt and answer as its two texts, and a
        language model one after the other, as TRL's reward trainer gives them.
        """
        tokenizer, chat = self.tokenizer, self.options.chat
        if tokenizer.sep_token is not None and not models.has_template(tokenizer, chat=chat):
            encoded = tokenizer(models.plain_text(answer.prompt), models.plain_text(answer.response))
            return {name: list(values) for name, values in encoded.items()}
        ids = models.token_ids(tokenizer, models.text_of(tokenizer, *answer, chat=chat), chat=chat)
        return {"input_ids": ids, "attention_mask": [1] * len(ids)}

    @torch.inference_mode()
    def _run(self, rows: list[Features]) -> list[float]:
        if not rows:
            return []
        pad = self._pad(rows)
        width = max(len(row["input_ids"]) for row in rows)
        batch = {
            name: torch.tensor(
                [row[name] + [pad if name == "input_ids" else 0] * (width - len(row[name])) for row in rows]
            )
            for name in rows[0]
        }
        logits = self.model(**{name: values.to(self.model.device) for name, values in batch.items()}).logits
        scores: list[float] = logits[:, 0].float().tolist()
        return scores

    def _pad(self, rows: list[Features]) -> int:
        """The token to fill up with: the model's own, or where it has none one that ends none of these rows.

        A language model takes its score from the last token that is not this one.
        """
        config = self.model.config.get_text_config()
        if self._own_pad is not None:
            return self._own_pad
        ends = {row["input_ids"][-1] for row in rows}
        pad = next(token for token in range(config.vocab_size) if token not in ends)
        config.pad_token_id = self.model.config.pad_token_id = pad
        return pad

    @cached_property
    def _own_pad(self) -> int | None:
        pad = self.model.config.get_text_config().pad_token_id
        return None if pad is None else int(pad)
