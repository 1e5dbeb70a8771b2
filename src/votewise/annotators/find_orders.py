"""Which judgements can be read as orders of a few answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from votewise.annotators.choice_prompts import ChoicePrompts
from votewise.annotators.find_choices import choice_prompts
from votewise.annotators.judged_prompts import pair_numbers
from votewise.annotators.judgements import linked_pairs
from votewise.annotators.ordered_prompts import OrderedPrompts
from votewise.arrays import Bools, Floats, Ints, Signs
from votewise.inference.observation import Evidence
from votewise.inference.orders import MOST_ANSWERS, Indices, Orders

MOST_SHAPES = 64
"""Ways to judge n answers (a ranking, the best of them, ...) beyond which the judgements of n answers are left alone."""

SAMPLED, MOST_SAMPLED_FROM = 5, 10
"""How many answers of a prompt with too many are looked at, and of how many at most: of more these would be too few."""


def ordered_prompts(
    evidence: Evidence, answers: npt.NDArray[np.integer] | None
) -> Iterator[OrderedPrompts | ChoicePrompts]:
    """The prompts whose judgements can be read as orders, by number of answers.

    Pairs belong to one prompt if a judgement links them. Up to ``MOST_ANSWERS`` answers are read as they are, and so are
    more where all that is said is which is the best. Of others with up to ``MOST_SAMPLED_FROM`` answers ``SAMPLED`` are
    drawn, the same for all judgements of the prompt. Left out are prompts with a judgement that no order agrees with, or
    whose votes have several weights.

    Args:
        evidence: the votes.
        answers: (M, 2) codes of response_a and response_b of each pair, equal where the same answer is meant; None where
            that is not known.
    """
    if answers is None or evidence.judgement is None:
        return
    linked = linked_pairs(evidence)
    key = np.unique(np.stack([np.repeat(linked, 2), answers.ravel()], axis=1), axis=0, return_inverse=True)[1]
    node = key.reshape(-1, 2)
    owner = np.zeros(int(node.max()) + 1, np.int64)
    owner[node.ravel()] = np.repeat(linked, 2)
    first_node = np.searchsorted(owner, np.arange(int(linked.max()) + 1))
    size = np.bincount(owner)
    local = node - first_node[linked][:, None]
    for n in range(3, MOST_ANSWERS + 1):
        if (size == n).any():
            found = _of_size(n, evidence, linked, local, size[linked] == n)
            if found is not None:
                yield found
    many = size > MOST_ANSWERS
    for choices in choice_prompts(evidence, linked, local, np.where(many, size, 0), all_named=evidence.informed):
        many[linked[choices.pair[choices.pair >= 0]]] = False
        yield choices
    many &= size <= MOST_SAMPLED_FROM
    if many.any():
        local = _some_answers(size, owner, local, linked)
        found = _of_size(SAMPLED, evidence, linked, local, many[linked] & (local < SAMPLED).all(axis=1))
        if found is not None:
            of_these = np.isin(linked, linked[found.pair[found.pair >= 0]])
            yield replace(found, single=np.flatnonzero(of_these))


def _some_answers(size: Indices, owner: Indices, local: Indices, linked: Ints) -> Indices:
    """(M, 2) numbers of the answers, drawn anew within each prompt, so that those below ``SAMPLED`` are a fair choice."""
    draw = np.random.default_rng(0).random(len(owner))
    by_prompt = np.lexsort([draw, owner])
    first = np.cumsum(size) - size
    number = np.empty(len(owner), np.int64)
    number[by_prompt] = np.arange(len(owner)) - first[owner[by_prompt]]
    return np.asarray(number[first[linked][:, None] + local])


def _of_size(n: int, evidence: Evidence, linked: Ints, local: Indices, chosen: Bools) -> OrderedPrompts | None:
    """The prompts of n answers; ``linked`` and ``chosen`` (M,) by pair, ``local`` (M, 2) numbers of the answers from 0."""
    local = np.where(chosen[:, None], local, 0)
    about = pair_numbers(n)[local[:, 0], local[:, 1]]
    side = np.where(local[:, 0] < local[:, 1], 1, -1).astype(np.int8)
    # Two pairs of the same answers, or a pair of one answer, are no comparisons of an order.
    two = np.flatnonzero(chosen)
    key, times = np.unique(np.stack([linked[two], about[two]]), axis=1, return_counts=True)
    odd = np.concatenate([key[0, times > 1], linked[two][local[two, 0] == local[two, 1]]])
    chosen = chosen & ~np.isin(linked, odd)
    said = _said(n, evidence, linked, (about, side), chosen)
    # What no order agrees with, and everything else about that prompt, is left out.
    circular = np.array([len(Orders.of(n).allowed(p)) == 0 for p in said.patterns], bool)
    left = circular[said.which] | np.isnan(said.weight)
    if left.any():
        chosen = chosen & ~np.isin(linked, said.each[left, 0])
        said = _said(n, evidence, linked, (about, side), chosen)
    if len(said.vote) == 0:
        return None
    renamed = [Orders.of(n).renamed(p) for p in said.patterns]
    shapes, shape = np.unique(np.array([r[0] for r in renamed]), axis=0, return_inverse=True)
    if len(shapes) > MOST_SHAPES:
        return None
    prompts, start, prompt = np.unique(said.each[:, 0], return_index=True, return_inverse=True)
    pairs = np.flatnonzero(chosen & np.isin(linked, prompts))
    at = (np.searchsorted(prompts, linked[pairs]), about[pairs])
    table = np.full((len(prompts), n * (n - 1) // 2), -1, np.int64)
    sides = np.ones(table.shape, np.int8)
    table[at], sides[at] = pairs, side[pairs]
    return OrderedPrompts(
        n=n,
        shapes=shapes,
        shape=shape.reshape(-1)[said.which],
        name=np.array([r[1] for r in renamed], np.int64)[said.which],
        annotator=said.each[:, 2].astype(np.int32),
        weight=said.weight if evidence.weighted else None,
        start=start,
        prompt=prompt.reshape(-1),
        pair=table,
        side=sides,
        single=np.zeros(0, np.int64),
        vote=said.vote,
        of=said.of,
        about=about[evidence.pair[said.vote]],
    )


@dataclass(frozen=True, eq=False)
class _Said:
    """What J judgements say.

    Attributes:
        vote: (V,) their votes; ``of`` (V,) the judgement of each.
        each: (J, 3) prompt, mark and annotator of each judgement.
        weight: (J,) weight of each of its votes, NaN where these differ.
        patterns: the different ways to compare a prompt's answers; ``which`` (J,) the one of each judgement.
    """

    vote: Indices
    of: Indices
    each: Indices
    weight: Floats
    patterns: npt.NDArray[np.int8]
    which: Indices


def _said(n: int, evidence: Evidence, linked: Ints, facing: tuple[Indices, Signs], chosen: Bools) -> _Said:
    """What is said about the ``chosen`` pairs (M,), each ``facing`` (M,) two answers in one order or the other."""
    about, side = facing
    vote = np.flatnonzero(chosen[evidence.pair])
    pair = evidence.pair[vote]
    marks = np.zeros(0, np.int64) if evidence.judgement is None else evidence.judgement[vote]
    keys = np.stack([linked[pair], marks, evidence.annotator[vote]], axis=1).astype(np.int64)
    each, of = np.unique(keys, axis=0, return_inverse=True)
    of = of.reshape(-1)
    signs = np.zeros((len(each), n * (n - 1) // 2), np.int8)
    signs[of, about[pair]] = evidence.sign[vote] * side[pair]
    patterns, which = np.unique(signs, axis=0, return_inverse=True)
    weight = np.ones(len(each))
    if evidence.weight is not None:
        given = evidence.weight[vote]
        weight[of] = given
        weight[of[weight[of] != given]] = np.nan
    return _Said(vote, of, each, weight, patterns, which.reshape(-1))
