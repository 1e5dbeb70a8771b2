"""Rankings whose truth is known: every ranking of n answers gives n (n - 1) / 2 votes, all of one judgement."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import combinations
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from votewise.arrays import Bools, Floats, Signs
from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.inference.priors import Beta
from votewise.simulate.annotators import SimulatedVotes
from votewise.simulate.ranking_noise import DRAWS, Noise, draw_right


def simulate_rankings(
    *,
    noise: Noise = "attention",
    answers: int = 4,
    annotators: int = 40,
    rankings_per_prompt: tuple[int, int] = (1, 3),
    rankings_per_annotator: tuple[int, int] = (20, 100),
    reliability: Beta | npt.ArrayLike | None = None,
    together: bool = True,
    said: Literal["order", "best"] = "order",
    seed: int | np.random.Generator = 0,
) -> SimulatedVotes:
    """Draw rankings of the answers to one prompt after the other.

    Args:
        noise: how rankings go wrong, see ``votewise.simulate.ranking_noise``.
        answers: how many answers each prompt has, from 2 to 7.
        annotators: number K of annotators.
        rankings_per_prompt: fewest and most rankings of a prompt, by different annotators.
        rankings_per_annotator: fewest and most rankings per annotator; numbers in between are spread evenly in logarithms.
        reliability: the prior that reliabilities are drawn from (Beta(5, 2) by default), or (K,) the reliabilities: the
            expected shares of right comparisons.
        said: ``best`` keeps of each ranking only the votes for its first answer against each of the others; reliabilities
            are then the expected shares of these votes that are right.
        together: ``False`` takes each comparison from a ranking of its own: as often right as before, but independent.
        seed: seed or generator.
    """
    if noise not in get_args(Noise):
        raise BadInputError("no such noise", parameter="noise", value=noise, expected=", ".join(get_args(Noise)))
    if said not in ("order", "best") or (said == "best" and (noise == "independent" or not together)):
        raise BadInputError("no such votes", parameter="said", value=said, expected="order, or best of whole rankings")
    if not 2 <= answers <= 7 or annotators < 1:
        raise BadInputError(
            f"{answers} answers, {annotators} annotators", expected="2 to 7 answers, 1 annotator or more"
        )
    rng = np.random.default_rng(seed)
    reliability = Beta(5.0, 2.0) if reliability is None else reliability
    if isinstance(reliability, Beta):
        eta = rng.beta(reliability.c, reliability.d, annotators)
    else:
        eta = np.asarray(reliability, np.float64)
    prompt, annotator = _who_ranks_what(annotators, rankings_per_prompt, rankings_per_annotator, rng)
    m = answers * (answers - 1) // 2
    qualities = rng.standard_normal((int(prompt.max()) + 1, answers))
    quality = -np.sort(-qualities, axis=1)[prompt]
    if together:
        correct = draw_right(noise, eta[annotator], annotator, quality, rng)
    else:
        # Comparison j comes from the j-th of m rankings by the same annotator.
        each = [draw_right(noise, eta[annotator], annotator, quality, rng)[:, j] for j in range(m)]
        correct = np.stack(each, axis=1)
    pair = prompt[:, None] * m + np.arange(m)
    truth = rng.choice(np.array([-1, 1], np.int8), (int(prompt.max()) + 1) * m)
    sign = np.where(correct, truth[pair], -truth[pair])
    votes = Votes.from_arrays(
        pair.ravel(),
        np.repeat(annotator, m),
        sign.ravel(),
        pair_ids=[str(i) for i in range(len(truth))],
        annotator_ids=[str(k) for k in range(annotators)],
        judgement=np.repeat(np.arange(len(prompt)), m),
        answers=_answers(int(prompt.max()) + 1, answers, truth),
        gold=truth,
    )
    data = SimulatedVotes(votes, eta, truth, correct.ravel())
    return data if said == "order" else _best_only(data, noise, answers)


def _best_only(data: SimulatedVotes, noise: Noise, n: int) -> SimulatedVotes:
    """The votes for the first answer of each ranking against each of the others."""
    correct = data.correct.reshape(-1, n * (n - 1) // 2)
    kept = _about_the_first(correct, n).ravel()
    votes = data.votes
    fields = {name: getattr(votes, name)[kept] for name in ("pair", "annotator", "sign", "judgement")}
    share = np.empty(len(data.reliability))
    for i in range(2):  # Annotators with even and odd numbers may err in different ways.
        share[i::2] = np.interp(data.reliability[i::2], *_shares_of_best(noise, n, i))
    return SimulatedVotes(replace(votes, **fields), share, data.truth, data.correct[kept])


def _about_the_first(correct: Bools, n: int) -> Bools:
    """(J, m) which comparisons are about the first answer of the ranking that they make."""
    pairs = np.array(list(combinations(range(n), 2)))
    winner = np.where(correct, pairs[:, 0], pairs[:, 1])
    wins = (winner[:, :, None] == np.arange(n)).sum(axis=1)
    first = wins.argmax(axis=1)[:, None, None]
    return np.asarray((pairs[None] == first).any(axis=2))


@cache
def _shares_of_best(noise: Noise, n: int, annotator: int) -> tuple[Floats, Floats]:
    """Reliabilities in whole rankings, and the shares of right votes for the first answer that go with them."""
    rng = np.random.default_rng(1)
    eta = np.linspace(0.02, 0.98, 33)
    share = []
    for value in eta:
        quality = -np.sort(-rng.standard_normal((DRAWS, n)), axis=1)
        correct = draw_right(noise, np.full(DRAWS, value), np.full(DRAWS, annotator), quality, rng)
        share.append(correct[_about_the_first(correct, n)].mean())
    return eta, np.maximum.accumulate(share)


def _answers(prompts: int, n: int, truth: Signs) -> npt.NDArray[np.int64]:
    """(M, 2) the answers of each pair; swapped where response_a is the worse one."""
    two = np.array(list(combinations(range(n), 2)))
    both = (np.arange(prompts)[:, None, None] * n + two).reshape(-1, 2)
    return np.asarray(np.where(truth[:, None] > 0, both, both[:, ::-1]), np.int64)


def _who_ranks_what(
    annotators: int, per_prompt: tuple[int, int], per_annotator: tuple[int, int], rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(J,) prompt and (J,) annotator of each ranking; nobody ranks one prompt twice."""
    low, high = per_annotator
    number = np.exp(rng.uniform(np.log(low), np.log(high + 1), annotators)).astype(np.int64)
    annotator = np.repeat(np.arange(annotators), number)
    rng.shuffle(annotator)
    sizes = rng.integers(per_prompt[0], per_prompt[1] + 1, len(annotator))
    prompt = np.repeat(np.arange(len(sizes)), sizes)[: len(annotator)]
    _, first = np.unique(prompt * annotators + annotator, return_index=True)
    return prompt[first], annotator[first]
