"""Worlds in which a thousand policies are trained side by side in seconds: what depends on a policy, and on nothing else.

A prompt has ``CANDIDATES`` answers with features, and a true reward that a function of the features gives. The reference
model chooses among them with fixed log-odds that know nothing of the reward, and a policy adds a score of the features to
these log-odds: pi(y) proportional to ref(y) exp(score(y)). So win rate and KL divergence are exact sums, without samples.
Votes are about the first two answers of each training prompt; held-out prompts judge.

| world | features | true reward | policy's score |
|---|---|---|---|
| ``linear`` | 48, equally large | linear, equal weights | linear |
| ``power law`` | 64, the j-th of size 3 / j | linear, random weights | linear |
| ``network`` | 16, equally large | a random network | a network with enough parameters to memorise the votes |
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from side_by_side import Judged
from torch import Tensor

from votewise.arrays import Floats
from votewise.train.losses import ScoredAnswers

CANDIDATES = 8
HELD_OUT = 500
HIDDEN = 64
WORLDS = ("linear", "power law", "network")
RATES = {"linear": 0.03, "power law": 0.03, "network": 0.006}
"""Highest learning rates; a cosine goes down to 0. With clean labels plain DPO is best at a beta inside of the grid."""


@dataclass(frozen=True, eq=False)
class SmallWorld:
    """A world of one seed.

    Attributes:
        name: one of ``WORLDS``.
        seed: its seed.
        pairs: training prompts.
    """

    name: str
    seed: int
    pairs: int = 3000

    @cached_property
    def _drawn(self) -> tuple[Tensor, Tensor, Tensor]:
        """(P, C, F) features, (P, C) rewards and (P, C) log-probabilities of the reference; held-out prompts come last."""
        rng = np.random.default_rng([self.seed, WORLDS.index(self.name), 5])
        prompts, features = self.pairs + HELD_OUT, {"linear": 48, "power law": 64, "network": 16}[self.name]
        x = rng.standard_normal((prompts, CANDIDATES, features))
        if self.name == "power law":
            x *= 3 / np.arange(1, features + 1)
            reward = x @ rng.standard_normal(features)
        elif self.name == "linear":
            reward = x @ rng.choice([-1.0, 1.0], features)
        else:
            first = rng.standard_normal((features, 8)) * 1.5 / np.sqrt(features)
            reward = np.tanh(x @ first) @ rng.standard_normal(8)
        reference = 0.5 * rng.standard_normal((prompts, CANDIDATES))
        as_tensor = [torch.tensor(part, dtype=torch.float32) for part in (x, reward, reference)]
        return as_tensor[0], as_tensor[1], as_tensor[2].log_softmax(-1)

    @property
    def truth(self) -> Floats:
        """(M,) +1 where the first answer is better, else -1."""
        reward = self._drawn[1][: self.pairs]
        return np.where(reward[:, 0] > reward[:, 1], 1, -1).astype(np.int8)

    @property
    def rate(self) -> float:
        """Highest learning rate."""
        return RATES[self.name]

    def policies(self, runs: int, *, reference: bool = True) -> SmallPolicies:
        """R copies of the policy before training; with ``reference`` only gains over the reference matter."""
        return SmallPolicies(self, runs, shown=2 if reference else CANDIDATES)


class SmallPolicies(torch.nn.Module):
    """R policies side by side, which give all answers the score 0 at first."""

    def __init__(self, world: SmallWorld, runs: int, *, shown: int) -> None:
        super().__init__()
        self.world, self.runs, self.shown = world, runs, shown
        features = world._drawn[0].shape[-1]
        if world.name == "network":
            draw = torch.Generator().manual_seed(world.seed)
            first = torch.randn(features, HIDDEN, generator=draw) * (2 / features) ** 0.5
            shift = torch.randn(HIDDEN, generator=draw) * 0.1
            layers = [first.repeat(runs, 1, 1), shift.repeat(runs, 1, 1), torch.zeros(runs, HIDDEN, 1)]
        else:
            layers = [torch.zeros(runs, features, 1)]
        self.layers = torch.nn.ParameterList(layers)

    def scores(self, x: Tensor) -> Tensor:
        """(..., F) features -> (R, ...) scores."""
        flat = x.reshape(-1, x.shape[-1]).expand(self.runs, -1, -1)
        if len(self.layers) > 1:
            flat = torch.baddbmm(self.layers[1], flat, self.layers[0]).relu()
        return torch.bmm(flat, self.layers[-1]).reshape(self.runs, *x.shape[:-1])

    def answers(self, pairs: Tensor) -> tuple[ScoredAnswers, ScoredAnswers]:
        """The first two answers of (B,) pairs, with log-probabilities (R, B) among those shown; every length is 1.

        Among two of them instead of all, both log-probabilities differ by one number, which the difference of gains lacks.
        """
        x, reference = (part[pairs][:, : self.shown] for part in self.world._drawn[::2])
        log_pi = (reference + self.scores(x)).log_softmax(-1)
        one = torch.ones_like(log_pi[..., 0])
        first, second = (ScoredAnswers(log_pi[..., i], reference[:, i].expand_as(one), one) for i in (0, 1))
        return first, second

    @torch.no_grad()
    def judge(self) -> Judged:
        """Accuracy on the first two answers of held-out prompts, win rate against the reference, divergence from it."""
        x, reward, reference = (part[self.world.pairs :] for part in self.world._drawn)
        better = (reward[:, :, None] > reward[:, None, :]).float() + 0.5 * torch.eye(CANDIDATES)
        score = self.scores(x)
        log_pi = (reference + score).log_softmax(-1)
        pi = log_pi.exp()
        wins = torch.einsum("rpc,pcd,pd->rp", pi, better, reference.exp()).mean(1)
        kl = (pi * (log_pi - reference)).sum(-1).mean(1)
        right = (score[..., 0] > score[..., 1]) == (reward[:, 0] > reward[:, 1])
        return Judged(*(part.double().numpy() for part in (right.float().mean(1), wins, kl)))
