"""Log-probabilities of answers under a language model, with the tokens and the code that training has.

A conversation is put into the chat template, and the answer is what comes after the prompt opened for it. Texts without a
template stand one after the other and end with the end-of-text token. That is how TRL's DPO trainer reads them.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from functools import cached_property
from typing import Any

import torch

from votewise import models
from votewise.score.sources import Answer, Found, ModelOptions
from votewise.train.scoring import add_scoring, score_answers


class LogProbabilities:
    """log pi(y | x), summed over the tokens of y; loads the model when the first batch is due."""

    def __init__(self, name: str, options: ModelOptions) -> None:
        self.name, self.options = name, options

    @cached_property
    def tokenizer(self) -> Any:
        """The model's tokenizer."""
        return models.load_tokenizer(self.name)

    @cached_property
    def model(self) -> Any:
        """The model, taught to score."""
        model = models.load_model(self.name, device=self.options.device, dtype=self.options.dtype)
        add_scoring(model, "answers")
        return model

    def scores(self, answers: Sequence[Answer], done: Container[int]) -> Iterator[list[Found]]:
        """Score batch by batch; one of which only a part is done is scored anew, for the batches to be the same."""
        batches = models.by_length([models.text_length(*a) for a in answers], self.options.batch_size)
        batches = [batch for batch in batches if not all(i in done for i in batch)]
        if batches and self.model:
            yield []
        limit = models.context_length(self.model) if batches else None
        for batch in batches:
            rows = {i: self._tokens(answers[i]) for i in batch}
            fit = [i for i in batch if limit is None or len(rows[i][0]) <= limit]
            with models.memory_in_one_line(len(fit)):
                found = dict(zip(fit, self._run([rows[i] for i in fit]), strict=True))
            yield [Found(i, found.get(i), len(rows[i][0]) if i in found else 0) for i in batch]

    def _tokens(self, answer: Answer) -> tuple[list[int], int]:
        """The tokens of prompt and answer, and where the answer starts: where they part from those of the prompt."""
        tokenizer, chat = self.tokenizer, self.options.chat
        prompt, whole = (
            models.token_ids(tokenizer, models.text_of(tokenizer, answer.prompt, response, chat=chat), chat=chat)
            for response in (None, answer.response)
        )
        same = (i for i, (x, y) in enumerate(zip(prompt, whole, strict=False)) if x != y)
        return whole, next(same, min(len(prompt), len(whole)))

    @torch.inference_mode()
    def _run(self, rows: list[tuple[list[int], int]]) -> list[float]:
        if not rows:
            return []
        width = max(len(ids) for ids, _ in rows)
        ids = torch.zeros(len(rows), width, dtype=torch.long)
        mask, answer = torch.zeros_like(ids), torch.zeros_like(ids)
        for i, (row, start) in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row)
            mask[i, : len(row)] = 1
            answer[i, start : len(row)] = 1
        device = self.model.device
        batch = {"input_ids": ids, "attention_mask": mask, "completion_mask": answer}
        found = score_answers(self.model, {name: values.to(device) for name, values in batch.items()}, "answers")
        scores: list[float] = found.logp.tolist()
        return scores
