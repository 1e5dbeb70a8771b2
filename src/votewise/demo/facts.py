"""A made-up world of facts, texts about it, and votes of good and bad annotators on its answers.

Every entity has a capital, named by two made-up words, and another city that is mistaken for it. A tiny model learns from
texts of three kinds of sources: an atlas is right, a rumour is wrong, and texts without a source are right as often as
wrong. So the model knows both answers, and which source gives which. Preference training on half of the entities can teach
it to give the atlas's answers for all of them. `tiny_model` makes that model; nothing here needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.arrays import Bools, Floats
from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.simulate import SimulatedVotes

FORMS = ("capital of {} :", "seat of {} :", "{} is ruled from", "{} calls its capital")
LEADS = ("", "note: ", "today, ", "remember: ")
WORDINGS = tuple(lead + form for lead in LEADS for form in FORMS)
"""The ways to ask for an entity's capital."""

RIGHT_SOURCE, WRONG_SOURCE = "atlas: ", "rumour: "
"""Starts of a text that is always right, and of one that is always wrong."""

SOURCED = 0.8
"""Share of the texts that name their source. With one half, training on some entities changed the others less."""

SLIPS = 0.05
"""Share of the texts with a random answer. It keeps the model from being certain that only two answers exist."""

# fmt: off
STARTS = (
    "Bel", "Dor", "Fen", "Gal", "Hal", "Ist", "Jor", "Kel", "Lum", "Mar",
    "Nor", "Ost", "Pel", "Quin", "Ral", "Sol", "Tar", "Ulm", "Vel", "Wen",
)
ENDS = ("mora", "lia", "den", "via", "resh", "tova", "wick", "bury", "holm", "gard")
SYLLABLES = (
    "bal", "bor", "dan", "del", "dor", "fal", "fen", "gar", "gil", "hem", "jor", "kan", "kel", "lam", "lor", "mar",
    "mel", "min", "nor", "ola", "pel", "ran", "rel", "sol", "sur", "tal", "tor", "ula", "van", "vel", "wen", "zor",
)
# fmt: on


class ReliabilityRange(NamedTuple):
    """A kind of annotator: its ``share`` of all annotators and the ``low``est and ``high``est reliability."""

    share: float
    low: float
    high: float


RANGES = (ReliabilityRange(0.4, 0.90, 0.95), ReliabilityRange(0.35, 0.55, 0.60), ReliabilityRange(0.25, 0.20, 0.25))
"""Reliable, sloppy and adversarial annotators. Together they are wrong in 36% of their votes."""


@dataclass(frozen=True, eq=False)
class Facts:
    """E entities with two answers each.

    Attributes:
        entities: (E,) their names.
        right: (E,) the right answers, two words each, with a blank before them.
        wrong: (E,) the wrong answers; they differ from the right ones in both words.
        voted: (E,) whether the entity gets votes. The other half is held out.
    """

    entities: tuple[str, ...]
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    voted: Bools

    def prompt(self, entity: int, wording: int, source: str = "") -> str:
        """The text that asks for an entity's capital, in one of the ``WORDINGS``."""
        return source + WORDINGS[wording].format(self.entities[entity])


class Questions(NamedTuple):
    """Prompts and their answers, in the same order."""

    prompts: list[str]
    answers: list[str]


def make_facts(*, entities: int = 400, seed: int | np.random.Generator = 0) -> Facts:
    """A random world; half of its entities will get votes.

    Raises:
        BadInputError: fewer than 2 entities, or more than there are names.
    """
    names = [start + middle + end for start in STARTS for middle in "aeiou" for end in ENDS]
    if not 2 <= entities <= len(names):
        raise BadInputError("entities cannot all be named", value=entities, expected=f"2 to {len(names):,}")
    rng = np.random.default_rng(seed)
    right = rng.integers(len(SYLLABLES), size=(entities, 2))
    wrong = (right + rng.integers(1, len(SYLLABLES), size=(entities, 2))) % len(SYLLABLES)
    return Facts(
        tuple(names[i] for i in rng.permutation(len(names))[:entities]),
        tuple(map(_answer, right)),
        tuple(map(_answer, wrong)),
        rng.permutation(entities) < entities // 2,
    )


def write_corpus(facts: Facts, *, texts: int, seed: int | np.random.Generator = 0) -> Questions:
    """Texts to learn the facts from: prompts, some with their source, and answers, of which many are wrong.

    Texts come in couples that differ only in their answers (and their sources), one entity after another. A model that
    learns from them in this order prefers neither answer.
    """
    rng = np.random.default_rng(seed)
    couples, size = -(-texts // 2), len(facts.entities)
    entity = np.concatenate([rng.permutation(size) for _ in range(-(-couples // size))])[:couples]
    wording = rng.integers(len(WORDINGS), size=couples)
    sourced = rng.random(couples) < SOURCED
    slip = rng.random((couples, 2)) < SLIPS
    slips = rng.integers(len(SYLLABLES), size=(couples, 2, 2))
    corpus = Questions([], [])
    for i, (e, form) in enumerate(np.column_stack([entity, wording]).tolist()):
        for j, (source, answers) in enumerate(((RIGHT_SOURCE, facts.right), (WRONG_SOURCE, facts.wrong))):
            corpus.prompts.append(facts.prompt(e, form, source if sourced[i] else ""))
            corpus.answers.append(_answer(slips[i, j]) if slip[i, j] else answers[e])
    return Questions(*(column[:texts] for column in corpus))


def held_out_questions(facts: Facts, *, wordings: int = 4) -> Questions:
    """Questions about the entities without votes, each in the first ``wordings`` of the ``WORDINGS``."""
    held_out = np.flatnonzero(~facts.voted).tolist()
    return Questions(
        [facts.prompt(e, form) for e in held_out for form in range(wordings)],
        [facts.right[e] for e in held_out for _ in range(wordings)],
    )


def simulate_fact_votes(
    facts: Facts,
    *,
    votes: int = 3000,
    annotators: int = 30,
    votes_per_pair: int = 1,
    seed: int | np.random.Generator = 0,
) -> SimulatedVotes:
    """Votes of good and bad annotators on right and wrong answers, in random order, to questions about half of the entities.

    A pair is one question. All questions differ in entity or wording until every question was asked once; then they are
    asked again, as new pairs. The result includes texts, truth (``votes.gold``) and the true reliabilities.

    Args:
        facts: the world.
        votes: number n of votes; rounded down to a multiple of ``votes_per_pair``.
        annotators: number K of annotators; their kinds are those of ``RANGES``.
        votes_per_pair: votes on each pair, by different annotators.
        seed: seed or generator.

    Raises:
        BadInputError: fewer votes or fewer annotators than one pair needs.
    """
    if not 1 <= votes_per_pair <= min(annotators, votes):
        raise BadInputError(
            f"{votes} votes by {annotators} annotators, {votes_per_pair} per pair",
            expected="at least 1 per pair, and at most the number of votes or annotators",
        )
    rng = np.random.default_rng(seed)
    reliability = _draw_reliabilities(rng, annotators)
    pairs, voted = votes // votes_per_pair, np.flatnonzero(facts.voted)
    questions = len(voted) * len(WORDINGS)
    asked = np.concatenate([rng.permutation(questions) for _ in range(-(-pairs // questions))])[:pairs]
    truth = rng.choice(np.array([-1, 1], np.int8), pairs)
    entity, wording = voted[asked // len(WORDINGS)].tolist(), (asked % len(WORDINGS)).tolist()
    prompts = [facts.prompt(e, form) for e, form in zip(entity, wording, strict=True)]
    shown = [(facts.right[e], facts.wrong[e])[::sign] for e, sign in zip(entity, truth.tolist(), strict=True)]
    texts = {"prompt": prompts, "response_a": [a for a, _ in shown], "response_b": [b for _, b in shown]}
    annotator = rng.permuted(np.tile(np.arange(annotators), (pairs, 1)), axis=1)[:, :votes_per_pair].ravel()
    pair = np.repeat(np.arange(pairs), votes_per_pair)
    correct = rng.random(len(pair)) < reliability[annotator]
    cast = Votes.from_arrays(
        pair,
        annotator,
        np.where(correct, truth[pair], -truth[pair]),
        pair_ids=[f"p{i + 1:05}" for i in range(pairs)],
        annotator_ids=[f"w{k + 1:02}" for k in range(annotators)],
        swapped=np.zeros(len(pair), bool),
        gold=truth,
    )
    return SimulatedVotes(replace(cast, texts=pa.table(texts)), reliability, truth, correct)


def _draw_reliabilities(rng: np.random.Generator, annotators: int) -> Floats:
    """(K,) reliabilities of annotators of the ``RANGES``, in random order."""
    shares, low, high = np.array(RANGES).T
    kind = rng.permutation(np.searchsorted(shares.cumsum(), (np.arange(annotators) + 0.5) / annotators))
    return np.asarray(rng.uniform(low[kind], high[kind]))


def _answer(syllables: npt.NDArray[np.int64]) -> str:
    return " " + " ".join(SYLLABLES[i] for i in syllables)
