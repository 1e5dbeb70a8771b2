"""Scores by a reward model, batch by batch."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch

from votewise.language_models import conversations, local
from votewise.score.batch_scorer import BatchScorer
from votewise.score.scorer import Answer

Features = dict[str, list[int]]


class RewardScorer(BatchScorer[Features]):
    """A sequence classifier with one output; see ``votewise.score.RewardModel``."""

    def _load(self) -> Any:
        return local.load_model(self.name, kind="reward", device=self.options.device, dtype=self.options.dtype)

    def _size(self, row: Features) -> int:
        return len(row["input_ids"])

    def _row(self, answer: Answer) -> Features:
        """An answer's tokens, and what else the model reads for each token.

        With a chat template, prompt and answer become a conversation. Without one, an encoder reads them as its two
        texts, and a language model reads them joined, as in TRL's reward trainer.
        """
        tokenizer, chat = self.tokenizer, self.options.chat
        if tokenizer.sep_token is not None and not conversations.has_template(tokenizer, chat=chat):
            encoded = tokenizer(conversations.plain_text(answer.prompt), conversations.plain_text(answer.response))
            return {name: list(values) for name, values in encoded.items()}
        ids = conversations.token_ids(tokenizer, conversations.text_of(tokenizer, *answer, chat=chat), chat=chat)
        return {"input_ids": ids, "attention_mask": [1] * len(ids)}

    @torch.inference_mode()
    def _run(self, rows: list[Features]) -> list[float]:
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
        """The token for padding: the model's own, or, if it has none, a token that is not the last one of any row.

        A language model's score is taken at the last token that is not this one.
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
