"""The demo's language model with several sets of weights at once, and two answers to a prompt read in one row.

``tests/test_experiments.py`` compares log-probabilities and gradients with those of the model itself.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from votewise.demo.tiny_model import ANSWER_TOKENS, EOS, encode

SCORED = ANSWER_TOKENS + 1
"""Scored tokens of an answer: its words, and the end."""


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
