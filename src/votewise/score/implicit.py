"""Log-probabilities of answers under a language model, with the tokens and the code of training.

With a chat template, prompt and answer become a conversation; the answer starts where the template of the prompt alone
ends. Without a template, the texts are joined and end with the end-of-text token. TRL's DPO trainer reads them in this way.
"""

from __future__ import annotations

from typing import Any

import torch

from votewise.language_models import conversations, local
from votewise.score.batch_scorer import BatchScorer
from votewise.score.scorer import Answer
from votewise.train.answer_scores import add_scoring
from votewise.train.scoring import score_answers

Row = tuple[list[int], int]
"""The tokens of prompt and answer, and where the answer starts."""


class LogProbabilities(BatchScorer[Row]):
    """log pi(y | x), summed over the tokens of y."""

    def _load(self) -> Any:
        model = local.load_model(self.name, device=self.options.device, dtype=self.options.dtype)
        add_scoring(model, "answers")
        return model

    def _size(self, row: Row) -> int:
        return len(row[0])

    def _row(self, answer: Answer) -> Row:
        """The answer starts at the first token in which prompt and answer differ from the prompt alone."""
        tokenizer, chat = self.tokenizer, self.options.chat
        prompt, whole = (
            conversations.token_ids(
                tokenizer, conversations.text_of(tokenizer, answer.prompt, response, chat=chat), chat=chat
            )
            for response in (None, answer.response)
        )
        same = (i for i, (x, y) in enumerate(zip(prompt, whole, strict=False)) if x != y)
        return whole, next(same, min(len(prompt), len(whole)))

    @torch.inference_mode()
    def _run(self, rows: list[Row]) -> list[float]:
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
