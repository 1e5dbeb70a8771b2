"""Votes on pairs that differ, with the truth."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from votewise.inference.observation import Evidence


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
