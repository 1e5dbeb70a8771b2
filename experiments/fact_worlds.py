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
from side_by_side import Judged
from torch import Tensor
from worlds import win_rate

from votewise.arrays import Floats
from votewise.demo.facts import held_out_questions
from votewise.demo.tiny_model import ANSWER_TOKENS, EOS, encode
from votewise.demo.world import TRAINING, make_world
from votewise.train.losses import ScoredAnswers

SCORED = ANSWER_TOKENS + 1
"""Scored tokens of an answer: its words, and the end."""

AT_ONCE = 4
"""Runs in one product of matrices: more do not fit into a processor's cache."""


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

    def encoded(self, prompts: list[str], answers: list[str]) -> tuple[Tensor, Tensor]:
        """(N, L) tokens of prompts and answers, and (N,) their lengths."""
        return encode(self.world.tokenizer, [f"{p}{a}{EOS}" for p, a in zip(prompts, answers, strict=True)])

    @cached_property
    def shown(self) -> list[tuple[Tensor, Tensor]]:
        """The first and the second answer of each pair."""
        texts = self.world.cast.votes.texts
        prompts = texts["prompt"].to_pylist()
        return [self.encoded(prompts, texts[name].to_pylist()) for name in ("response_a", "response_b")]

    @cached_property
    def held_out(self) -> list[tuple[Tensor, Tensor]]:
        """Right and wrong answers to the held-out questions."""
        facts, asked = self.world.facts, held_out_questions(self.world.facts)
        per_entity = len(asked.answers) // int((~facts.voted).sum())
        wrong = [facts.wrong[e] for e in np.flatnonzero(~facts.voted) for _ in range(per_entity)]
        return [self.encoded(asked.prompts, answers) for answers in (asked.answers, wrong)]

    @property
    def weights(self) -> dict[str, Tensor]:
        """The model's weights before training, as one of one set."""
        return {name: value.detach()[None] for name, value in self.world.model.named_parameters()}

    @cached_property
    def reference(self) -> tuple[Tensor, Tensor]:
        """(M,) log-probabilities of the two answers of each pair under the model before training."""
        with torch.no_grad():
            first, second = (logp(self, self.weights, *answers)[0] for answers in self.shown)
        return first, second

    def policies(self, runs: int, *, reference: bool = True) -> FactPolicies:
        """R copies of the policy before training."""
        return FactPolicies(self, runs)


class Layer:
    """The demo's model with R sets of weights at once: a Llama of one layer, without what nobody asks it for.

    All positions give keys and values; queries and the rest are for the positions asked for only, which is less than
    half of the work. ``tests/test_experiments.py`` compares it with the model itself.
    """

    def __init__(self, config: Any, weights: dict[str, Tensor]) -> None:
        names = {name.removeprefix("model.").removeprefix("layers.0."): value for name, value in weights.items()}
        self.weights = {name.removesuffix(".weight"): value for name, value in names.items()}
        if config.num_hidden_layers != 1 or config.num_key_value_heads != config.num_attention_heads:
            raise ValueError("only for models of one layer with as many keys as queries")
        self.eps, self.heads = config.rms_norm_eps, config.num_attention_heads
        half = config.head_dim // 2
        speed = config.rope_parameters["rope_theta"] ** (-torch.arange(half) / half)
        angle = torch.arange(config.max_position_embeddings)[:, None] * speed.repeat(2)
        self.cos, self.sin = angle.cos(), angle.sin()

    def log_p(self, ids: Tensor, at: Tensor) -> Tensor:
        """(R, N, T, V) log-probabilities of the tokens that follow the positions ``at`` (N, T) of (N, L) tokens."""
        table = self.weights["embed_tokens"]
        runs, words, width = table.shape
        offset = torch.arange(runs)[:, None, None] * words
        x = torch.nn.functional.embedding(ids + offset, table.reshape(-1, width))
        row = torch.arange(len(ids))[:, None]
        inner = self._norm(x, "input_layernorm")
        key = self._turned(self._product(inner, "self_attn.k_proj"), torch.arange(ids.shape[1]).expand_as(ids))
        value = self._heads(self._product(inner, "self_attn.v_proj"))
        query = self._turned(self._product(inner[:, row, at], "self_attn.q_proj"), at)
        match = query @ key.transpose(-1, -2) / self.cos.shape[1] ** 0.5
        later = torch.arange(ids.shape[1]) > at[..., None]
        found = match.masked_fill(later[:, None], float("-inf")).softmax(-1) @ value
        hidden = x[:, row, at] + self._product(found.transpose(2, 3).flatten(3), "self_attn.o_proj")
        inner = self._norm(hidden, "post_attention_layernorm")
        gate, up = (self._product(inner, f"mlp.{name}_proj") for name in ("gate", "up"))
        hidden = hidden + self._product(torch.nn.functional.silu(gate) * up, "mlp.down_proj")
        return self._product(self._norm(hidden, "norm"), "embed_tokens").log_softmax(-1)

    def _product(self, x: Tensor, name: str) -> Tensor:
        """(R, N, L, D) times the (R, E, D) weights of this name -> (R, N, L, E)."""
        return torch.bmm(x.flatten(1, 2), self.weights[name].transpose(1, 2)).unflatten(1, x.shape[1:3])

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return x * (x.pow(2).mean(-1, keepdim=True) + self.eps).rsqrt() * self.weights[name][:, None, None]

    def _heads(self, x: Tensor) -> Tensor:
        """(R, N, L, D) -> (R, N, H, L, D / H)."""
        return x.unflatten(-1, (self.heads, -1)).transpose(2, 3)

    def _turned(self, x: Tensor, at: Tensor) -> Tensor:
        """Heads of queries or keys at the positions ``at`` (N, L), turned by their positions."""
        split = self._heads(x)
        one, two = split.chunk(2, -1)
        return split * self.cos[at][:, None] + torch.cat([-two, one], -1) * self.sin[at][:, None]


def logits(world: FactWorld, weights: dict[str, Tensor], ids: Tensor, at: Tensor) -> Tensor:
    """(R, N, T, V) log-probabilities of the tokens that follow the positions ``at`` (N, T), by R sets of weights."""
    return Layer(world.world.model.config, weights).log_p(ids, at)


def logp(world: FactWorld, weights: dict[str, Tensor], ids: Tensor, ends: Tensor, scored: int = SCORED) -> Tensor:
    """(R, N) log-probabilities of the first ``scored`` tokens of the answers that end before ``ends``."""
    at = ends[:, None] - SCORED + torch.arange(scored)
    said = ids.gather(1, at)
    found = logits(world, weights, ids, at - 1)
    return found.gather(-1, said.expand(len(found), -1, -1)[..., None])[..., 0].sum(-1)


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
        width = max(ids.shape[1] for ids, _ in self.world.shown)
        ids = torch.cat([torch.nn.functional.pad(i[pairs], (0, width - i.shape[1])) for i, _ in self.world.shown])
        ends = torch.cat([lengths[pairs] for _, lengths in self.world.shown])
        found = torch.cat([logp(self.world, weights, ids, ends) for weights in self._some(AT_ONCE)])
        length = torch.full_like(found[:, : len(pairs)], SCORED)
        first, second = (
            ScoredAnswers(part, reference[pairs].expand_as(part), length)
            for part, reference in zip(found.chunk(2, 1), self.world.reference, strict=True)
        )
        return first, second

    @torch.no_grad()
    def judge(self) -> Judged:
        """Accuracy on right and wrong answers to held-out questions, win rate, and divergence from the model before."""
        before = self._shares(self.world.weights)
        found = []
        for weights in self._some(1):
            after = self._shares(weights)
            right = after.log_right - before.log_right > after.log_wrong - before.log_wrong
            found.append((right.mean(), win_rate(after.right, before.right), self._divergence(weights)))
        return Judged(*(np.array(column) for column in zip(*found, strict=True)))

    def _shares(self, weights: dict[str, Tensor]) -> Any:
        log_right, log_wrong = (
            logp(self.world, weights, *answers, ANSWER_TOKENS)[0].double().numpy() for answers in self.world.held_out
        )
        return _Shares(log_right, log_wrong)

    def _divergence(self, weights: dict[str, Tensor]) -> float:
        """KL divergence of the answers' two words: the first word's exactly, the second's after a sampled first one."""
        ids, ends = self.world.held_out[0]
        start = ends[:, None] - SCORED - 1
        draw = torch.Generator().manual_seed(self.world.seed)
        total = 0.0
        for _ in range(ANSWER_TOKENS):
            here, there = (logits(self.world, w, ids, start)[0, :, 0] for w in (weights, self.world.weights))
            total += float((here.exp() * (here - there)).sum(-1).mean())
            said = torch.multinomial(here.exp(), 1, generator=draw)
            ids, start = ids.scatter(1, start + 1, said), start + 1
        return total


@dataclass(frozen=True)
class _Shares:
    log_right: Floats
    log_wrong: Floats

    @property
    def right(self) -> Floats:
        """(E,) probability of the right answer about each entity, over its questions."""
        return np.asarray(np.exp(self.log_right).reshape(-1, 4).mean(1))
