"""The made-up world of facts of the demo, with many tiny language models trained side by side.

Prompts and votes are the demo's, and so is the model: what is fast here is that nothing is packed, padded or logged anew for
every run. A policy is judged by its probabilities of right answers about entities that nobody voted on, and not by samples;
only its divergence from the reference takes the first word of each answer from a sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from forked_answers import SCORED, Forks, Layer, forks
from side_by_side import Judged
from torch import Tensor
from worlds import win_rate

from votewise.arrays import Floats
from votewise.demo.facts import held_out_questions
from votewise.demo.tiny_model import ANSWER_TOKENS
from votewise.demo.world import TRAINING, make_world
from votewise.train.losses import ScoredAnswers

AT_ONCE = 16
"""Runs in one product of matrices: with more, the time for a run hardly falls."""

JUDGED_AT_ONCE = 200
"""Prompts that judge a policy in one product of matrices; all of them would fill new memory for each policy."""


@dataclass(frozen=True, eq=False)
class FactWorld:
    """A world of one seed, with a model pre-trained on ``texts`` texts."""

    seed: int
    pairs: int = 3000
    texts: int = 60_000
    name: str = "facts"

    @cached_property
    def world(self) -> Any:
        """The demo's world, with its model."""
        return make_world(votes=self.pairs, texts=self.texts, seed=self.seed)

    @property
    def truth(self) -> Floats:
        """(M,) +1 where the first answer is better, else -1."""
        return np.asarray(self.world.cast.truth)

    @property
    def rate(self) -> float:
        """Highest learning rate."""
        return float(TRAINING["learning_rate"])

    @cached_property
    def shown(self) -> Forks:
        """The two answers of each pair."""
        texts = self.world.cast.votes.texts
        return forks(
            self.world.tokenizer, *(texts[name].to_pylist() for name in ("prompt", "response_a", "response_b"))
        )

    @cached_property
    def held_out(self) -> Forks:
        """Right and wrong answers to the held-out questions."""
        facts, asked = self.world.facts, held_out_questions(self.world.facts)
        per_entity = len(asked.answers) // int((~facts.voted).sum())
        wrong = [facts.wrong[e] for e in np.flatnonzero(~facts.voted) for _ in range(per_entity)]
        return forks(self.world.tokenizer, asked.prompts, asked.answers, wrong, ANSWER_TOKENS)

    @property
    def weights(self) -> dict[str, Tensor]:
        """The model's weights before training, as one of one set."""
        return {name: value.detach()[None] for name, value in self.world.model.named_parameters()}

    @cached_property
    def reference(self) -> tuple[Tensor, Tensor]:
        """(M,) log-probabilities of the two answers of each pair under the model before training."""
        with torch.no_grad():
            first, second = self.logp(self.weights, self.shown)
        return first[0], second[0]

    def layer(self, weights: dict[str, Tensor]) -> Layer:
        """R language models."""
        return Layer(self.world.model.config, weights)

    def logp(self, weights: dict[str, Tensor], answers: Forks) -> tuple[Tensor, Tensor]:
        """(R, N) log-probabilities of the first and of the second answers."""
        first, second = (part.sum(-1) for part in self.layer(weights).log_said(answers).chunk(2, -1))
        return first, second

    def policies(self, runs: int, *, reference: bool = True) -> FactPolicies:
        """R copies of the policy before training."""
        return FactPolicies(self, runs)


class FactPolicies:
    """R language models side by side, trained from the same weights."""

    def __init__(self, world: FactWorld, runs: int) -> None:
        self.world, self.runs = world, runs
        self.stacked = {
            name: value.repeat(runs, *[1] * (value.dim() - 1)).requires_grad_() for name, value in world.weights.items()
        }

    def parameters(self) -> list[Tensor]:
        """What is trained."""
        return list(self.stacked.values())

    def _some(self, number: int) -> list[dict[str, Tensor]]:
        """The weights of so many runs each."""
        split = {name: value.split(number) for name, value in self.stacked.items()}
        return [dict(zip(split, values, strict=True)) for values in zip(*split.values(), strict=True)]

    def answers(self, pairs: Tensor) -> tuple[ScoredAnswers, ScoredAnswers]:
        """Both answers of (B,) pairs, with log-probabilities (R, B)."""
        shown = self.world.shown.some(pairs)
        found = [self.world.logp(weights, shown) for weights in self._some(AT_ONCE)]
        first, second = (
            ScoredAnswers(logp := torch.cat(parts), reference[pairs].expand_as(logp), torch.full_like(logp, SCORED))
            for parts, reference in zip(zip(*found, strict=True), self.world.reference, strict=True)
        )
        return first, second

    @torch.no_grad()
    def judge(self) -> Judged:
        """Accuracy on right and wrong answers to held-out questions, win rate, and divergence from the model before."""
        before = self._judged(self.world.weights)
        found = []
        for weights in self._some(1):
            after = self._judged(weights)
            right = after.log_right - before.log_right > after.log_wrong - before.log_wrong
            found.append((right.mean(), win_rate(after.right, before.right), after.divergence))
        return Judged(*(np.array(column) for column in zip(*found, strict=True)))

    def _judged(self, weights: dict[str, Tensor]) -> Any:
        """A model's answers to the held-out questions.

        The divergence is that of two words: the first word's exactly, the second's after a sampled first one.
        """
        asked, draw, found = self.world.held_out, torch.Generator().manual_seed(self.world.seed), []
        after, before = (self.world.layer(w) for w in (weights, self.world.weights))
        for rows in torch.arange(len(asked.ids)).split(JUDGED_AT_ONCE):
            some = asked.some(rows)
            right, wrong = (part[0] for part in self.world.logp(weights, some))
            ids, at, divergence = some.ids, some.at[:, 0], torch.zeros(len(rows))
            for word in range(ANSWER_TOKENS):
                here, there = (layer.log_p(ids, at)[0] for layer in (after, before))
                divergence += (here.exp() * (here - there)).sum(-1)
                if word + 1 < ANSWER_TOKENS:
                    up_to = here.double().exp().cumsum(-1)
                    said = torch.searchsorted(up_to, torch.rand(len(rows), 1, generator=draw) * up_to[:, -1:])
                    at = at + 1
                    ids = ids.scatter(1, at[:, None], said)
            found.append((right, wrong, divergence))
        log_right, log_wrong, divergence = (torch.cat(parts).double().numpy() for parts in zip(*found, strict=True))
        return _Answers(log_right, log_wrong, divergence.mean())


@dataclass(frozen=True)
class _Answers:
    log_right: Floats
    log_wrong: Floats
    divergence: float

    @property
    def right(self) -> Floats:
        """(E,) probability of the right answer about each entity, over its questions."""
        return np.asarray(np.exp(self.log_right).reshape(-1, 4).mean(1))
