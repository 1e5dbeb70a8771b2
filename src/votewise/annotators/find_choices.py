"""Which prompts have many answers and are judged by choices of the best one only."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from votewise.annotators.choice_prompts import ChoicePrompts
from votewise.annotators.judged_prompts import pair_numbers
from votewise.arrays import Bools, Ints
from votewise.inference.observation import Evidence
from votewise.inference.orders import Indices

MOST_STATES = 1024
"""States of the sum over places beyond which the choices of a prompt are left alone: all that ten answers can have."""


def choice_prompts(
    evidence: Evidence, linked: Ints, local: Indices, size: Indices, *, all_named: bool
) -> Iterator[ChoicePrompts]:
    """The prompts of which every judgement is the choice of the best of all answers, by number of answers.

    Left out are prompts whose votes have several weights, and of more than ten answers those that so many judged that there
    may be too many states.

    Args:
        evidence: the votes.
        linked: (M,) number of the prompt of each pair.
        local: (M, 2) numbers of the pair's answers within the prompt, from 0.
        size: (P,) how many answers each prompt has; 0 for prompts that are not asked about.
        all_named: whether something is known of all answers before, so that the unchosen ones are not alike.
    """
    pairs = np.flatnonzero(size[linked] > 0)
    if len(pairs) == 0:
        return
    n = int(size.max())
    two = np.sort(local[pairs], axis=1)
    key, times = np.unique((linked[pairs] * n + two[:, 0]) * n + two[:, 1], return_counts=True)
    good = size > 0
    good[key[times > 1] // n // n] = False
    good[linked[pairs][two[:, 0] == two[:, 1]]] = False
    vote = np.flatnonzero(good[linked[evidence.pair]])
    each, of, chosen, weight, whole = _choices(evidence, linked, local, size, vote)
    good[each[~whole, 0]] = False
    judged = np.bincount(each[:, 0], minlength=len(size))
    good &= judged > 0
    good &= _states(size, size if all_named else np.minimum(size, judged)) <= MOST_STATES
    for n in np.unique(size[good]):
        prompts = np.flatnonzero(good & (size == n))
        some = np.flatnonzero(np.isin(each[:, 0], prompts))
        place = np.full(len(each), -1)
        place[some] = np.arange(len(some))
        own = np.flatnonzero(place[of] >= 0)
        prompt = np.searchsorted(prompts, each[some, 0])
        pair, side = _tables(int(n), prompts, linked, local)
        facing = local[evidence.pair[vote[own]]]
        yield ChoicePrompts(
            n=int(n),
            annotator=each[some, 2].astype(np.int32),
            weight=weight[some] if evidence.weighted else None,
            start=np.searchsorted(prompt, np.arange(len(prompts))),
            prompt=prompt,
            pair=pair,
            side=side,
            vote=vote[own],
            of=place[of[own]],
            about=pair_numbers(int(n))[facing[:, 0], facing[:, 1]],
            chosen=chosen[some],
        )


def _choices(
    evidence: Evidence, linked: Ints, local: Indices, size: Indices, vote: Indices
) -> tuple[Indices, Indices, Indices, npt.NDArray[np.float64], Bools]:
    """The judgements that ``vote`` (V,) come from.

    Returns:
        (J, 3) prompt, mark and annotator of each, (V,) the judgement of each vote, (J,) the number of the chosen answer,
        (J,) the weight, and (J,) whether the judgement is the choice of one answer, with one weight.
    """
    pair = evidence.pair[vote]
    marks = np.zeros(0, np.int64) if evidence.judgement is None else evidence.judgement[vote]
    keys = np.stack([linked[pair], marks, evidence.annotator[vote]], axis=1).astype(np.int64)
    each, of, number = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    of = of.reshape(-1)
    better = np.where(evidence.sign[vote] > 0, local[pair, 0], local[pair, 1])
    given = np.ones(len(vote)) if evidence.weight is None else evidence.weight[vote]
    chosen, weight = np.zeros(len(each), np.int64), np.ones(len(each))
    chosen[of], weight[of] = better, given
    whole = number == size[each[:, 0]] - 1
    whole[of[(chosen[of] != better) | (weight[of] != given)]] = False
    return each, of, chosen, weight, whole


def _states(n: Indices, d: Indices) -> Indices:
    """States of the sums over places of d among n answers; too many where d is large."""
    return np.asarray(2 ** np.minimum(d, 40) * (n - d + 1))


def _tables(n: int, prompts: Indices, linked: Ints, local: Indices) -> tuple[Indices, npt.NDArray[np.int8]]:
    """(P, m) pair of every two answers, and (P, m) its side, as in ``JudgedPrompts``."""
    pairs = np.flatnonzero(np.isin(linked, prompts))
    first, second = local[pairs].T
    at = (np.searchsorted(prompts, linked[pairs]), pair_numbers(n)[first, second])
    pair = np.full((len(prompts), n * (n - 1) // 2), -1, np.int64)
    side = np.ones(pair.shape, np.int8)
    pair[at], side[at] = pairs, np.where(first < second, 1, -1)
    return pair, side
