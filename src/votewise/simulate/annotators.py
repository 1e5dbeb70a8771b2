"""Votes whose truth is known: annotators of known reliability vote on pairs of known truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from votewise.arrays import Bools, Floats, Signs
from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.inference.priors import Beta


@dataclass(frozen=True, eq=False)
class SimulatedVotes:
    """Votes, and the truth that an estimator should find in them.

    Attributes:
        votes: the votes; the names of annotators and pairs are their numbers.
        reliability: (K,) true reliability of each annotator.
        truth: (M,) +1 where response_a is truly better, else -1.
        correct: (n,) whether each vote agrees with the truth.
    """

    votes: Votes
    reliability: Floats
    truth: Signs
    correct: Bools


def simulate_annotators(
    *,
    annotators: int = 300,
    votes_per_pair: int = 3,
    votes_per_annotator: tuple[int, int] = (1, 500),
    reliability: Beta | npt.ArrayLike | None = None,
    seed: int | np.random.Generator = 0,
) -> SimulatedVotes:
    """Draw votes from the observation model with margin 0.

    Args:
        annotators: number K of annotators.
        votes_per_pair: votes on each pair, by different annotators (sometimes one fewer, where the same annotator was
            drawn twice).
        votes_per_annotator: fewest and most votes per annotator; numbers in between are spread evenly in logarithms.
        reliability: the prior that reliabilities are drawn from (Beta(5, 2) by default), or (K,) the reliabilities.
        seed: seed or generator.
    """
    low, high = votes_per_annotator
    if annotators < 1 or votes_per_pair < 1 or not 1 <= low <= high:
        raise BadInputError(
            f"{annotators} annotators, {votes_per_pair} votes per pair, {low} to {high} votes per annotator",
            expected="all at least 1, in ascending order",
        )
    rng = np.random.default_rng(seed)
    reliability = Beta(5.0, 2.0) if reliability is None else reliability
    eta = (
        rng.beta(reliability.c, reliability.d, annotators) if isinstance(reliability, Beta) else np.asarray(reliability)
    )
    counts = np.exp(rng.uniform(np.log(low), np.log(high + 1), annotators)).astype(np.int64)
    annotator = np.repeat(np.arange(annotators), counts)
    rng.shuffle(annotator)
    n_pairs = max(1, len(annotator) // votes_per_pair)
    pair = np.arange(len(annotator)) % n_pairs
    _, first = np.unique(pair * annotators + annotator, return_index=True)
    pair, annotator = pair[first], annotator[first]
    truth = rng.choice(np.array([-1, 1], np.int8), n_pairs)
    correct = rng.random(len(pair)) < eta[annotator]
    sign = np.where(correct, truth[pair], -truth[pair])
    votes = Votes.from_arrays(
        pair,
        annotator,
        sign,
        pair_ids=[str(i) for i in range(n_pairs)],
        annotator_ids=[str(k) for k in range(annotators)],
        swapped=rng.random(len(pair)) < 0.5,
        gold=truth,
    )
    return SimulatedVotes(votes, np.asarray(eta, np.float64), truth, correct)
