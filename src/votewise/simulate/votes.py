"""Annotators, as a profile describes them, vote on pairs whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from votewise.arrays import Bools, Floats, Signs
from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.simulate.annotators import SimulatedVotes
from votewise.simulate.design import Codes, Design, make_design
from votewise.simulate.profiles import BIASED, TIRED, DrawnAnnotators, Profile, draw_annotators
from votewise.simulate.true_pairs import TruePairs

WITH_TEXTS = 1_000_000
"""Up to this many rows texts are written by default; with more, the same texts many times over would fill the disk."""


@dataclass(frozen=True, eq=False)
class DrawnVotes(SimulatedVotes):
    """Votes of annotators of several kinds.

    Attributes:
        kind: (K,) what each annotator is, an index into ``votewise.simulate.KINDS``.
        chance: (n,) probability that each vote agrees with the truth, averaged over what is shown first, noise included.
    """

    kind: npt.NDArray[np.int8]
    chance: Floats


@dataclass(frozen=True, eq=False)
class Block:
    """Some of the votes: ``pair``, ``annotator``, ``index`` among the annotator's own, and what came of them (n,).

    ``swapped`` tells where response_b was shown first; ``chance`` and ``correct`` are as in ``DrawnVotes``.
    """

    pair: Codes
    annotator: Codes
    index: Codes
    sign: Signs
    swapped: Bools
    chance: Floats
    correct: Bools


@dataclass(frozen=True, eq=False)
class VotesPlan:
    """Everything that is decided before the first vote is drawn."""

    profile: Profile
    pairs: TruePairs
    annotators: DrawnAnnotators
    design: Design
    seed: int

    def blocks(self) -> Iterator[Block]:
        """The votes in the order of their pairs, a block at a time; every block has a seed of its own."""
        # Without texts a row cannot show a pair with its sides swapped, so everybody sees it the same way.
        by_vote, made_up = self.pairs.texts is not None, self.pairs.ids is None
        for number, (pair, annotator, index) in enumerate(self.design.blocks()):
            rng = np.random.default_rng([self.seed, 7, number])
            if made_up:
                swapped = np.zeros(len(pair), bool)
            elif by_vote:
                swapped = rng.random(len(pair)) < 0.5
            else:
                swapped = (rng.random(int(pair[-1] - pair[0]) + 1) < 0.5)[pair - pair[0]]
            yield self._vote(pair, annotator, index, swapped, rng)

    def _vote(self, pair: Codes, annotator: Codes, index: Codes, swapped: Bools, rng: np.random.Generator) -> Block:
        profile, truth = self.profile, self.pairs.truth[pair]
        eta = self.annotators.reliability[annotator]
        kind = self.annotators.kind[annotator]
        if profile.tired:
            done = index / np.maximum(self.design.counts[annotator] - 1, 1)
            left = 1 - np.clip((done - profile.tired_from) / max(1 - profile.tired_from, 1e-9), 0, 1)
            eta = np.where(kind == TIRED, 0.5 + (eta - 0.5) * left, eta)
        sign = np.where(rng.random(len(pair)) < eta, truth, -truth)
        if profile.position_biased:
            bias = np.where(kind == BIASED, profile.position_bias, 0.0)
            sign = np.where(rng.random(len(pair)) < bias, np.where(swapped, -1, 1), sign)
            eta = bias / 2 + (1 - bias) * eta
        if profile.noise:
            sign = np.where(rng.random(len(pair)) < profile.noise, -sign, sign)
            eta = profile.noise + (1 - 2 * profile.noise) * eta
        return Block(pair, annotator, index, sign.astype(np.int8), swapped, np.asarray(eta), sign == truth)


def plan_votes(
    profile: Profile, *, pairs: TruePairs | int | None = None, texts: bool | None = None, seed: int = 0
) -> VotesPlan:
    """Decide who votes on what.

    Args:
        profile: the annotators, and how much they vote.
        pairs: pairs with their truth; how many to make up; or None for as many as the profile's annotators have votes
            for.
        texts: whether to keep the pairs' texts; None for up to a million votes.
        seed: seed.

    Raises:
        BadInputError: numbers that do not fit together.
    """
    number = len(pairs) if isinstance(pairs, TruePairs) else pairs
    if number is not None and number < 1:
        raise BadInputError("out of range", parameter="pairs", value=number, expected="at least 1")
    design = make_design(profile, number, seed=seed)
    if not isinstance(pairs, TruePairs):
        known = TruePairs.made_up(design.pairs, seed)
    else:
        # If not all are used, not the first ones: a file may be sorted.
        known = pairs if design.pairs == len(pairs) else pairs.sample(design.pairs, seed)
    if not (design.places <= WITH_TEXTS if texts is None else texts):
        known = replace(known, texts=None)
    return VotesPlan(profile, known, draw_annotators(profile, len(design.counts), seed), design, seed)


def draw_votes(profile: Profile, *, pairs: TruePairs | Votes | int | None = None, seed: int = 0) -> DrawnVotes:
    """Draw all votes into memory; ``votewise.simulate.write_votes`` streams them to a file.

    Args:
        profile: the annotators, and how much they vote.
        pairs: what they vote on: votes that were read (their truth is taken from them), pairs with their truth, how many
            to make up, or None for as many as the profile's annotators have votes for.
        seed: seed; the same arguments give the same votes.

    Raises:
        BadInputError: numbers that do not fit together, or votes that decide no pair.
    """
    plan = plan_votes(profile, pairs=TruePairs.of(pairs) if isinstance(pairs, Votes) else pairs, texts=True, seed=seed)
    blocks = list(plan.blocks())
    pair, annotator, sign, swapped, chance, correct = (
        np.concatenate([getattr(block, name) for block in blocks])
        for name in ("pair", "annotator", "sign", "swapped", "chance", "correct")
    )
    votes = Votes.from_arrays(
        pair,
        annotator,
        sign,
        pair_ids=pc.cast(pa.array(np.arange(len(plan.pairs))), pa.string())
        if plan.pairs.ids is None
        else plan.pairs.ids,
        annotator_ids=[str(k) for k in range(len(plan.design.counts))],
        swapped=swapped,
        gold=plan.pairs.truth,
    )
    votes = replace(votes, texts=plan.pairs.texts)
    return DrawnVotes(votes, plan.annotators.reliability, plan.pairs.truth, correct, plan.annotators.kind, chance)
