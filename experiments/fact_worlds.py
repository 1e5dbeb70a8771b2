"""The made-up world of facts of the demo, with many tiny language models trained side by side.

Prompts and votes are the demo's, and so is the model: what is fast here is that nothing is packed, padded or logged anew for
every run. A policy is judged by its probabilities of right answers about entities that nobody voted on, and not by samples;
only its divergence from the reference takes the first word of each answer from a sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

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

AT_ONCE = 16
"""Runs in one product of matrices: with more, the time for a run hardly falls."""

JUDGED_AT_ONCE = 200
"""Prompts that judge a policy in one product of matrices: more do not fit into a processor's cache."""


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


class Forks(NamedTuple):
    """Two answers to each of N prompts, in one row: the prompt is read once, and the answers do not see each other.

    A row is the prompt, padded, and all but the last of the S scored tokens of the first and of the second answer.
    """

    ids: Tensor
    """(N, L) tokens."""
    place: Tensor
    """(N, L) how many tokens come before."""
    at: Tensor
    """(N, T) where a next token is asked for: the end of the prompt, and the tokens of both answers."""
    seen: Tensor
    """(N, T, L) which tokens are seen from there."""
    said: Tensor
    """(N, 2S) the scored tokens of the first and of the second answer."""
    after: Tensor
    """(2S,) which of the T places comes before each of them."""

    def some(self, rows: Tensor) -> Forks:
        """Those of some prompts."""
        return Forks(*(part[rows] for part in self[:-1]), self.after)


def forks(tokenizer: Any, prompts: list[str], first: list[str], second: list[str], scored: int = SCORED) -> Forks:
    """Two answers to each of N prompts, of whose tokens the first ``scored`` are scored."""
    prompt, length = encode(tokenizer, prompts)
    said = [encode(tokenizer, [f"{text}{EOS}" for text in texts])[0][:, :scored] for texts in (first, second)]
    n, p = prompt.shape
    read = scored - 1
    step = torch.arange(read)
    place = torch.cat([torch.arange(p).expand(n, -1), *[length[:, None] + step] * 2], 1)
    at = torch.cat([length[:, None] - 1, (p + torch.arange(2 * read)).expand(n, -1)], 1)
    prompt_seen = (torch.arange(p) < length[:, None])[:, None].expand(-1, at.shape[1], -1)
    before = torch.ones(read, read).tril()
    answer_seen = torch.cat([torch.zeros(1, 2 * read), torch.block_diag(before, before)]).bool()
    seen = torch.cat([prompt_seen, answer_seen.expand(n, -1, -1)], 2)
    after = torch.cat([torch.tensor([0]), 1 + step, torch.tensor([0]), 1 + read + step])
    return Forks(torch.cat([prompt, *(a[:, :read] for a in said)], 1), place, at, seen, torch.cat(said, 1), after)


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
        """(R, N, V) log-probabilities of the tokens that follow the positions ``at`` (N,) of (N, L) tokens."""
        place = torch.arange(ids.shape[1])
        hidden = self._hidden(ids, place.expand_as(ids), at[:, None], (place <= at[:, None])[:, None])
        return self._product(hidden, "embed_tokens")[:, :, 0].log_softmax(-1)

    def log_said(self, answers: Forks) -> Tensor:
        """(R, N, 2S) log-probabilities of the scored tokens of both answers to N prompts."""
        hidden = self._hidden(answers.ids, answers.place, answers.at, answers.seen)
        found: Tensor = _LogSaid.apply(hidden, self.weights["embed_tokens"], answers.said, answers.after)  # type: ignore[no-untyped-call]
        return found

    def _hidden(self, ids: Tensor, place: Tensor, at: Tensor, seen: Tensor) -> Tensor:
        """(R, N, T, D) what is known at the positions ``at`` (N, T), from which the tokens ``seen`` (N, T, L) are seen."""
        table = self.weights["embed_tokens"]
        runs, words, width = table.shape
        offset = torch.arange(runs)[:, None, None] * words
        x = torch.nn.functional.embedding(ids + offset, table.reshape(-1, width))
        row = torch.arange(len(ids))[:, None]
        inner = self._norm(x, "input_layernorm")
        key = self._turned(self._product(inner, "self_attn.k_proj"), place)
        value = self._heads(self._product(inner, "self_attn.v_proj"))
        query = self._turned(self._product(inner[:, row, at], "self_attn.q_proj"), place.gather(1, at))
        match = query @ key.transpose(-1, -2) / self.cos.shape[1] ** 0.5
        found = match.masked_fill(~seen[:, None], float("-inf")).softmax(-1) @ value
        hidden = x[:, row, at] + self._product(found.transpose(2, 3).flatten(3), "self_attn.o_proj")
        inner = self._norm(hidden, "post_attention_layernorm")
        gate, up = (self._product(inner, f"mlp.{name}_proj") for name in ("gate", "up"))
        hidden = hidden + self._product(torch.nn.functional.silu(gate) * up, "mlp.down_proj")
        return self._norm(hidden, "norm")

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


class _LogSaid(torch.autograd.Function):
    """Log-probabilities of the said tokens; one array for logits, probabilities and their gradient."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, table: Tensor, said: Tensor, after: Tensor) -> Tensor:
        """(R, N, T, D) hidden states, (R, V, D) embeddings and (N, S) tokens, each said ``after`` a place -> (R, N, S)."""
        runs, n, t, _ = hidden.shape
        logits = torch.bmm(hidden.flatten(1, 2), table.transpose(1, 2)).view(runs, n, t, -1)
        logits -= logits.amax(-1, keepdim=True)
        index = (after * table.shape[1] + said).expand(runs, -1, -1)
        chosen = logits.flatten(2).gather(2, index)
        total = logits.exp_().sum(-1)
        ctx.save_for_backward(hidden, table, logits, total, index, after)
        return chosen - total.log()[:, :, after]

    @staticmethod
    def backward(ctx: Any, *gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        """The gradient of log softmax: one for the said token, less the probabilities."""
        hidden, table, probability, total, index, after = ctx.saved_tensors
        per_place = torch.zeros_like(total).index_add_(2, after, gradient[0])
        probability *= (-per_place / total)[..., None]
        probability.flatten(2).scatter_add_(2, index, gradient[0])
        flat = probability.flatten(1, 2)
        return (flat @ table).view_as(hidden), flat.transpose(1, 2) @ hidden.flatten(1, 2), None, None


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
