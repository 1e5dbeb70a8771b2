"""Votes on pairs that differ, with the truth."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.special import expit, logit

from votewise.inference import vote_messages
from votewise.inference.observation import Evidence
from votewise.inference.priors import Beta, Grid

PRIOR = Beta(4, 1.5, 0.05)
SIZE = np.array([0.4, 1.0, 2.5])
HALF = np.log([0.2, 0.5, 0.3]) - np.log(2)


def make_evidence(votes: list[tuple[int, int, int]], weight: list[float] | None = None) -> Evidence:
    """Votes as (pair, annotator, sign)."""
    pair, annotator, sign = (np.array(column, np.int32) for column in zip(*votes, strict=True))
    return Evidence.of(
        pair,
        annotator,
        sign.astype(np.int8),
        margin=np.zeros(pair.max() + 1),
        annotators=int(annotator.max()) + 1,
        weight=None if weight is None else np.array(weight, np.float64),
    )


def by_brute_force(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """(M,) probability that response_a is better and (K,) mean reliabilities, by summing over everything hidden."""
    grid = Grid.of_size(vote_messages.NODES)
    mass, skill = np.exp(grid.log_mass(PRIOR)), logit(grid.x)
    z, prior = np.concatenate([SIZE, -SIZE]), np.exp(np.concatenate([HALF, HALF]))
    pairs, annotators = len(evidence.margin), len(evidence.counts)
    weight = np.ones(len(evidence.sign)) if evidence.weight is None else evidence.weight
    votes = list(zip(evidence.annotator, evidence.pair, evidence.sign, weight, strict=True))
    p_a, total, reliability = np.zeros(pairs), 0.0, np.zeros(annotators)
    for strengths in itertools.product(range(len(z)), repeat=pairs):
        chance, means = np.prod(prior[list(strengths)]), np.zeros(annotators)
        for k in range(annotators):
            likelihood = mass.copy()
            for _, i, sign, power in (vote for vote in votes if vote[0] == k):
                likelihood = likelihood * expit(sign * skill * z[strengths[i]]) ** power
            chance, means[k] = chance * likelihood.sum(), likelihood @ grid.x / likelihood.sum()
        total += chance
        p_a += chance * (z[list(strengths)] > 0)
        reliability += chance * means
    return p_a / total, reliability / total


def simulate_difficulty(
    pairs: int, annotators: int, each: int, seed: int, spread: float = 0.0
) -> tuple[Evidence, np.ndarray, np.ndarray]:
    """Votes of the difficulty model: the evidence, reliabilities on a pair of strength 1, and strengths."""
    random = np.random.default_rng(seed)
    pair = np.repeat(np.arange(pairs, dtype=np.int32), each)
    annotator = np.argsort(random.random((pairs, annotators)), axis=1)[:, :each].ravel().astype(np.int32)
    eta = random.beta(8, 2.5, annotators)
    z = np.exp(spread * random.normal(size=pairs)) * random.choice([-1, 1], pairs)
    right = random.random(len(pair)) < expit(logit(eta[annotator]) * np.abs(z[pair]))
    sign = np.where(right, np.sign(z[pair]), -np.sign(z[pair])).astype(np.int8)
    return Evidence.of(pair, annotator, sign, margin=np.zeros(pairs), annotators=annotators), eta, z


def simulate_items(
    answers: int, pairs: int, annotators: int, each: int, seed: int
) -> tuple[Evidence, np.ndarray, np.ndarray, np.ndarray]:
    """Votes on pairs of recurring answers (s = 0.5): evidence, answers of each pair, reliabilities, strengths."""
    random = np.random.default_rng(seed)
    both = np.stack([random.permutation(answers)[:2] for _ in range(pairs)]).astype(np.int32)
    s2 = 0.25
    theta = random.normal(0, np.sqrt((1 - s2) / 2), answers)
    z = theta[both[:, 0]] - theta[both[:, 1]] + random.normal(0, np.sqrt(s2), pairs)
    pair = np.repeat(np.arange(pairs, dtype=np.int32), each)
    annotator = random.integers(0, annotators, len(pair)).astype(np.int32)
    eta = random.beta(12, 2, annotators)
    sign = np.where(random.random(len(pair)) < expit(logit(eta[annotator]) * z[pair]), 1, -1).astype(np.int8)
    return Evidence.of(pair, annotator, sign, margin=np.zeros(pairs), annotators=annotators), both, eta, z
