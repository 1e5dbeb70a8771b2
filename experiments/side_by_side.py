"""Many policies trained side by side on one world: one step of all of them is a few products of stacked tensors.

What a run does with its votes is the trainer's own: its losses, objectives and beliefs about annotators. Only the loop is
another one, without tokenizer, data loader and logging, and ``tests/test_experiments.py`` compares it with the trainer.
A world gives policies that score the answers of some pairs (``Policies``), and judges them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from scipy.special import expit
from torch import Tensor
from worlds import mixed_annotators

from votewise.annotators.two_coins import estimate_two_coins
from votewise.arrays import Floats
from votewise.data.votes import Votes
from votewise.train.losses import (
    RANKING,
    Losses,
    PreferenceLoss,
    ScoredAnswers,
    balance,
    cpo,
    cpo_likelihood,
    cpo_ranking,
    dpo,
    dpo_margin,
    ipo,
    ipo_margin,
    simpo,
)
from votewise.train.objectives import DRDPO_BETA, apply_objective, batch_mean, score
from votewise.train.rate_filter import RateFilter
from votewise.train.running_beliefs import ETA, BeliefSettings, WorseThanChanceError
from votewise.train.score_inputs import TILT, automatic_temperature
from votewise.train.training_beliefs import TrainingBeliefs

BATCH = 64
CPO_ALPHA = 0.3
CROWDS = {
    "one annotator": (1, 1),
    "40 annotators, one vote a pair": (40, 1),
    "40 annotators, three votes a pair": (40, 3),
}
"""Annotators, and votes on each pair."""


class Judged(NamedTuple):
    """What became of R policies, each (R,): ``accuracy`` on held-out pairs, ``win_rate``, and ``kl`` to the reference."""

    accuracy: Floats
    win_rate: Floats
    kl: Floats


class Policies(Protocol):
    """R policies side by side."""

    def parameters(self) -> Any:
        """What is trained."""

    def answers(self, pairs: Tensor) -> tuple[ScoredAnswers, ScoredAnswers]:
        """The first and the second answer of each of (B,) pairs, with log-probabilities (R, B)."""

    def judge(self) -> Judged:
        """What became of them."""


class World(Protocol):
    """Pairs with their truth, and policies that can be trained on votes about them."""

    seed: int
    pairs: int
    rate: float

    @property
    def truth(self) -> Floats:
        """(M,) +1 where the first answer is better, else -1."""

    def policies(self, runs: int, *, reference: bool = True) -> Policies:
        """R copies of the policy before training, for a loss with or without a ``reference``."""


@dataclass(frozen=True)
class Run:
    """A run: what it is told to do, and which votes it sees.

    Attributes:
        method: name of the method; runs that differ in nothing else are the same.
        objective: one of the trainer's.
        beta: strength of the loss.
        noise: share of wrong votes.
        crowd: one of ``CROWDS``.
        trust: what it believes of annotators: ``None``, ``first`` (votewise), ``current`` (as published), ``true``, or
            ``two coins`` (what the votes alone say of them before training).
        settings: more for the objective.
    """

    method: str = field(compare=False)
    objective: str
    beta: float
    noise: float
    crowd: str
    trust: str | None = None
    settings: dict[str, Any] = field(default_factory=dict, hash=False)


def make_losses(name: str, beta: Any, *, apart: bool = False) -> PreferenceLoss:
    """The loss for runs with ``beta`` (R, 1); ``apart`` as in ``losses.make_loss``."""
    found: dict[str, PreferenceLoss] = {
        "dpo": PreferenceLoss("dpo", partial(dpo, beta=beta), closed_margin=partial(dpo_margin, beta=beta)),
        "ipo": PreferenceLoss(
            "ipo", partial(ipo, beta=beta), squared=True, closed_margin=partial(ipo_margin, beta=beta)
        ),
        "simpo": PreferenceLoss("simpo", partial(simpo, beta=beta, gamma=1.0), reference=False),
        "cpo": PreferenceLoss(
            "cpo",
            partial(cpo, beta=beta, alpha=CPO_ALPHA),
            reference=False,
            closed_margin=partial(cpo_ranking, beta=beta) if apart else None,
            likelihood=partial(cpo_likelihood, alpha=CPO_ALPHA) if apart else None,
        ),
    }
    return found[name]


class Beliefs:
    """What one run believes of its annotators, and what that says about its pairs."""

    def __init__(self, run: Run, votes: Votes, reliability: Floats, shape: PreferenceLoss) -> None:
        self.ranks, self.reference = shape.name in RANKING, shape.reference
        self.trust, self.per_pair, self.lost = run.trust, len(votes) // votes.n_pairs, False
        # As the trainer does: a square is read as a Gaussian log-likelihood of unknown variance.
        self.squared, self.beta = shape.squared and run.objective == "weighted", run.beta
        if self.trust == "two coins":
            self.fixed = estimate_two_coins(votes).p_a
            return
        told = BeliefSettings(update="frozen")
        if self.trust == "current":
            # As published, every vote is a row of its own.
            single = Votes.from_arrays(np.arange(len(votes)), votes.annotator, votes.sign)
            self.learnt = TrainingBeliefs(single, BeliefSettings(margins="current"))
        elif self.trust == "true" and run.objective != "score":
            self.learnt = TrainingBeliefs(votes, told)
        else:
            filtered = self.ranks or run.objective == "score"
            settings = BeliefSettings(one_annotator="filter" if filtered else "em", reference=shape.reference)
            self.learnt = TrainingBeliefs(votes, settings)
        self.trusted = self.learnt
        if self.trust == "true":
            # The score still learns what margins are worth, for its temperature.
            self.trusted = self.learnt if run.objective != "score" else TrainingBeliefs(votes, told)
            self.trusted.start_at(reliability)

    @property
    def mean_trust(self) -> float:
        """What the objective is divided by, so that steps do not grow with what is believed of the annotators."""
        return self.trusted.trust if self.ranks and self.trust in ("first", "true") else 1.0

    def confidence(self, pairs: Any, margins: Floats, balanced: Floats) -> Floats:
        """(B,) probability that the first answer is better; (B,) ``balanced`` as ``losses.balance`` gives them."""
        if self.trust == "two coins":
            return np.asarray(self.fixed[pairs])
        if self.trust == "current":
            rows = (pairs[:, None] * self.per_pair + np.arange(self.per_pair)).ravel()
            evidence = self.learnt.evidence_for(rows).reshape(-1, self.per_pair)
            return np.asarray(expit(margins[:, None] + evidence).mean(1))
        if not self.reference and self.learnt.filtered:
            return np.asarray(expit(balanced + self.trusted.evidence_for(pairs)))
        worth = min(self.learnt.temperature, 1.0) if self.reference else 1.0
        if self.squared:
            variance = self.learnt.variance
            worth = 1 / (2 * (variance if variance is not None else 1 / (4 * self.beta**2)))
            if len(self.learnt.log_odds) == 1:
                worth = min(worth, self.learnt.temperature)
        return np.asarray(expit(margins * worth + self.trusted.evidence_for(pairs)))

    def absorb(self, pairs: Any, margins: Floats, residuals: Floats | None = None) -> None:
        """Learn from a step: margins (B,) that the first answers are better, and (B,) losses weighted by confidence."""
        if self.trust == "two coins":
            return
        try:
            if self.trust == "current":
                rows = (pairs[:, None] * self.per_pair + np.arange(self.per_pair)).ravel()
                self.learnt.absorb(rows, np.repeat(margins, self.per_pair))
            else:
                self.learnt.absorb(pairs, margins, residuals if self.squared else None)
        except WorseThanChanceError:
            self.lost = True


def cast(world: World, noise: float, crowd: str) -> tuple[Votes, Floats]:
    """Votes on all pairs of a world, sorted by pair, and the annotators' reliabilities."""
    annotators, per_pair = CROWDS[crowd]
    rng = np.random.default_rng([world.seed, annotators, per_pair, 2])
    truth = world.truth
    m = len(truth)
    reliability = np.array([1 - noise]) if annotators == 1 else mixed_annotators(noise, seed=world.seed)
    # Every annotator votes equally often, and never twice on a pair.
    first = rng.permutation(np.arange(m) % annotators)
    steps = np.concatenate([[0], 1 + rng.permutation(annotators - 1)[: per_pair - 1]])
    annotator = ((first[:, None] + steps) % annotators).ravel()
    pair = np.repeat(np.arange(m), per_pair)
    correct = rng.random(len(pair)) < reliability[annotator]
    sign = np.where(correct, truth[pair], -truth[pair])
    return Votes.from_arrays(pair, annotator, sign, swapped=rng.random(len(pair)) < 0.5), reliability


def batches(pairs: int, epochs: int, seed: int) -> Iterator[tuple[int, Any]]:
    """The epoch and the (B,) pairs of each step; all runs of a world see them in this order."""
    rng = np.random.default_rng([seed, 9])
    for epoch in range(epochs):
        for some in np.array_split(rng.permutation(pairs), -(-pairs // BATCH)):
            yield epoch, some


def train(world: World, runs: list[Run], *, loss: str = "dpo", epochs: int = 1) -> Judged:
    """Train a policy per run, and judge all of them. A run that stops, as votes contradict its policy, stays as it began."""
    return Training(world, runs, loss).train(list(batches(world.pairs, epochs, world.seed)))


class Training:
    """Some runs in a world: ``train`` takes them through the steps.

    ``votes`` are those of each share of wrong votes and crowd, with the annotators' reliabilities; simulated by default.
    """

    def __init__(
        self,
        world: World,
        runs: list[Run],
        loss: str,
        *,
        votes: dict[tuple[float, str], tuple[Votes, Floats]] | None = None,
    ) -> None:
        self.world, self.runs, self.name = world, runs, loss
        if votes is None:
            votes = {kind: cast(world, *kind) for kind in {(run.noise, run.crowd) for run in runs}}
        mean = {
            kind: np.bincount(v.pair, v.sign, minlength=world.pairs) / np.bincount(v.pair, minlength=world.pairs)
            for kind, (v, _) in votes.items()
        }
        self.share = torch.tensor(np.stack([(1 + mean[run.noise, run.crowd]) / 2 for run in runs]), dtype=torch.float32)
        shape = make_losses(loss, 1.0)
        self.policies = world.policies(len(runs), reference=shape.reference)
        self.beta = torch.tensor([run.beta for run in runs])[:, None]
        self.groups: dict[Any, list[int]] = defaultdict(list)
        for i, run in enumerate(runs):
            self.groups[run.objective, str(run.settings)].append(i)
        self.beliefs = {i: Beliefs(run, *votes[run.noise, run.crowd], shape) for i, run in enumerate(runs) if run.trust}
        self.filter = RateFilter((sum(run.objective == "score" for run in runs),), reference=shape.reference)

    def train(self, steps: list[tuple[int, Any]]) -> Judged:
        """Train on the (B,) pairs of each step, which belongs to an epoch, and judge."""
        optimizer = torch.optim.AdamW(self.policies.parameters(), lr=self.world.rate, weight_decay=0.0)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: 0.5 + 0.5 * math.cos(math.pi * step / len(steps))
        )
        for step, (epoch, pairs) in enumerate(steps):
            value = self._loss(pairs, epoch, (step + 1) / len(steps))
            optimizer.zero_grad()
            torch.autograd.backward(value)
            optimizer.step()
            schedule.step()
        judged = self.policies.judge()
        lost = [i for i, beliefs in self.beliefs.items() if beliefs.lost]
        for values, nothing in zip(judged, (0.5, 0.5, 0.0), strict=True):
            values[lost] = nothing
        return judged

    @torch.no_grad()
    def vote_losses(self, pairs: Any) -> Floats:
        """(R, B) mean loss of the votes on (B,) pairs, under the policies as they are."""
        losses = make_losses(self.name, self.beta)(*self.policies.answers(torch.tensor(pairs)))
        share = self.share[:, pairs]
        return np.asarray((share * losses.forward + (1 - share) * losses.reverse).double().numpy())

    def _loss(self, pairs: Any, epoch: int, done: float) -> Tensor:
        a, b = self.policies.answers(torch.tensor(pairs))
        total = a.logp.new_zeros(())
        for (objective, _), some in self.groups.items():
            one, two = (ScoredAnswers(*(part[some] for part in answer)) for answer in (a, b))
            losses = make_losses(self.name, self.beta[some], apart=objective == "score")(one, two)
            margins, balanced = losses.margin.detach().double().numpy(), balance(losses).double().numpy()
            share = self.share[some][:, pairs]
            if objective == "score":
                total = total + self._score(some, losses, share, pairs, margins, epoch, done)
                continue
            weight, trust = torch.ones_like(share), torch.ones_like(share[:, :1])
            for row, i in enumerate(some):
                if i in self.beliefs:
                    weight[row] = torch.tensor(self.beliefs[i].confidence(pairs, margins[row], balanced[row]))
                    trust[row] = self.beliefs[i].mean_trust
            settings = self.runs[some[0]].settings
            value = apply_objective(
                objective,
                losses,
                weight=weight,
                share=share,
                noise=settings.get("noise", 0.0),
                holder_gamma=settings.get("holder_gamma", 2.0),
                trust=trust,
            )
            if objective == "drdpo":
                total = total + torch.stack([batch_mean(row, drdpo_beta=DRDPO_BETA) for row in value]).sum()
            else:
                total = total + value.mean(1).sum()
            residuals = weight * losses.forward.detach() + (1 - weight) * losses.reverse.detach()
            self._learn(some, pairs, margins, residuals.double().numpy())
        return total

    def _learn(self, some: list[int], pairs: Any, margins: Floats, residuals: Any = None) -> None:
        for row, i in enumerate(some):
            if i in self.beliefs:
                self.beliefs[i].absorb(pairs, margins[row], None if residuals is None else residuals[row])

    def _score(
        self, some: list[int], losses: Losses, share: Tensor, pairs: Any, margins: Floats, epoch: int, done: float
    ) -> Tensor:
        """The objective ``score`` of runs that find their temperature themselves."""
        side = np.where(share.numpy() > 0.5, 1.0, -1.0)
        root = self.filter.root if epoch else self.filter.root_with(side * margins)
        evidence, trust, temperature = np.zeros_like(margins), np.zeros((len(some), 1)), np.ones((len(some), 1))
        for row, i in enumerate(some):
            if i in self.beliefs:
                beliefs = self.beliefs[i]
                evidence[row], trust[row] = beliefs.trusted.evidence_for(pairs), beliefs.trusted.trust
                sharpness = beliefs.learnt.temperature * root[row]
            else:
                eta = float(np.clip(self.filter.eta[row], *ETA))
                evidence[row], trust[row] = side[row] * np.log(eta / (1 - eta)), 2 * eta - 1
                sharpness = self.filter.sharpness[row]
            temperature[row] = automatic_temperature(sharpness, root[row], epoch)
        as_tensor = [torch.tensor(part, dtype=torch.float32) for part in (evidence, temperature, trust)]
        value = score(losses, *as_tensor, TILT * (1 - as_tensor[2]) * done).mean(1).sum()
        if epoch == 0:
            self.filter.absorb(side * margins)
        self._learn(some, pairs, margins)
        return value
