"""A crowd of annotators, as a profile describes it, voting on pairs whose truth is known."""

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

WITH_TEXTS = 1_000_000
"""Up to this many votes texts are kept unless told otherwise: beyond, the same texts many times over fill the disk."""


@dataclass(frozen=True, eq=False)
class TruePairs:
    """M pairs and their truth.

    Attributes:
        truth: (M,) +1 where response_a is truly better, else -1.
        ids: (M,) their names; None where a pair is called by its number.
        texts: (M rows) as in ``Votes``; None without texts.
        domain: (M,) the domain's name, null where unknown; None without domains.
        undecided: pairs of the source left out because nothing says which response is better.
    """

    truth: Signs
    ids: pa.Array | None = None
    texts: pa.Table | None = None
    domain: pa.Array | None = None
    undecided: int = 0

    def __len__(self) -> int:
        return len(self.truth)

    @classmethod
    def made_up(cls, size: int, seed: int) -> TruePairs:
        """``size`` pairs without texts; which response is better is a coin toss."""
        return cls(np.where(np.random.default_rng([seed, 6]).integers(0, 2, size, np.int8), 1, -1).astype(np.int8))

    @classmethod
    def of(cls, votes: Votes) -> TruePairs:
        """The pairs of a preference file: the truth is its gold label, else what most of its votes say.

        Raises:
            BadInputError: when not a single pair is decided.
        """
        weight = np.ones(len(votes)) if votes.weight is None else votes.weight
        lead = np.sign(np.bincount(votes.pair, weight * votes.sign, minlength=votes.n_pairs))
        truth = lead if votes.gold is None else np.where(votes.gold != 0, votes.gold, lead)
        known = pa.array(truth != 0)
        if not truth.any():
            raise BadInputError("no pair has a better response", expected="a chosen response, votes or gold labels")
        domain = None
        if votes.domain is not None:
            names = pa.array(votes.domain_ids, pa.string())
            domain = names.take(pa.array(votes.domain, mask=votes.domain < 0)).filter(known)
        ids = votes.pair_ids.filter(known)
        texts = None if votes.texts is None else votes.texts.filter(known)
        return cls(truth[truth != 0].astype(np.int8), ids, texts, domain, int((truth == 0).sum()))

    def sample(self, size: int | None, seed: int) -> TruePairs:
        """A random ``size`` of them in their order; all of them for None.

        Raises BadInputError where there are not so many.
        """
        if size is None:
            return self
        if not 1 <= size <= len(self):
            raise BadInputError("pairs", value=size, expected=f"1 to {len(self):,}, as many as there are")
        return self.take(np.sort(np.random.default_rng([seed, 8]).permutation(len(self))[:size]))

    def take(self, pairs: Codes) -> TruePairs:
        """These pairs only."""
        at = pa.array(pairs)
        ids, texts, domain = (
            None if column is None else column.take(at) for column in (self.ids, self.texts, self.domain)
        )
        return replace(self, truth=self.truth[pairs], ids=ids, texts=texts, domain=domain)


@dataclass(frozen=True, eq=False)
class SimulatedCrowd(SimulatedVotes):
    """Votes of a crowd, and what it is made of.

    Attributes:
        kind: (K,) what each annotator is, an index into ``votewise.simulate.KINDS``.
        chance: (n,) probability that each vote agrees with the truth, whatever was shown first, noise included.
    """

    kind: npt.NDArray[np.int8]
    chance: Floats


@dataclass(frozen=True, eq=False)
class Block:
    """Some of the votes: ``pair``, ``annotator``, ``index`` among the annotator's own, and what came of them (n,).

    ``swapped`` tells where response_b was shown first; ``chance`` and ``correct`` are as in ``SimulatedCrowd``.
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
    """Everything that is settled before the first vote is drawn."""

    profile: Profile
    pairs: TruePairs
    crowd: DrawnAnnotators
    design: Design
    seed: int

    def blocks(self) -> Iterator[Block]:
        """The votes in the order of their pairs, a block at a time; every block has a seed of its own."""
        # Without texts a row cannot show a pair the other way round, so that everybody sees it the same way.
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
        profile, crowd, truth = self.profile, self.crowd, self.pairs.truth[pair]
        eta = crowd.reliability[annotator]
        kind = crowd.kind[annotator]
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
    """Settle who votes on what.

    Args:
        profile: the crowd.
        pairs: pairs with their truth; how many to make up; or None, as many as the profile's annotators have votes for.
        texts: whether to keep the pairs' texts; None for up to a million votes.
        seed: seed.

    Raises:
        BadInputError: numbers that do not fit together.
    """
    number = len(pairs) if isinstance(pairs, TruePairs) else pairs
    if number is not None and number < 1:
        raise BadInputError("pairs", value=number, expected="at least 1")
    design = make_design(profile, number, seed=seed)
    if not isinstance(pairs, TruePairs):
        known = TruePairs.made_up(design.pairs, seed)
    else:
        # Not the first ones where not all are used: a file may be sorted.
        known = pairs if design.pairs == len(pairs) else pairs.sample(design.pairs, seed)
    if not (design.places <= WITH_TEXTS if texts is None else texts):
        known = replace(known, texts=None)
    return VotesPlan(profile, known, draw_annotators(profile, len(design.counts), seed), design, seed)


def simulate_crowd(profile: Profile, *, pairs: TruePairs | Votes | int | None = None, seed: int = 0) -> SimulatedCrowd:
    """Draw the votes of a whole crowd into memory; ``votewise.simulate.write_votes`` streams them to a file.

    Args:
        profile: what the crowd is made of and how much it votes.
        pairs: what it votes on: votes that were read (their truth is taken from them), pairs with their truth, how many
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
    return SimulatedCrowd(votes, plan.crowd.reliability, plan.pairs.truth, correct, plan.crowd.kind, chance)
