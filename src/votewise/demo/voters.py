"""Simulated annotators whose reliabilities are known, and their votes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from votewise.arrays import Floats
from votewise.demo.questions import Question

START = datetime(2025, 3, 3, 8, tzinfo=UTC)
WEEKS = 6
VOTES_PER_PAIR = 5

# fmt: off
NAMES = (
    "Ada", "Bela", "Carla", "Dmitri", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas",
    "Kofi", "Leila", "Marek", "Nadia", "Omar", "Paula", "Quentin", "Rosa", "Selim", "Tanja",
    "Uwe", "Vera", "Wanda", "Xenia", "Yusuf", "Zoë", "Amir", "Birgit", "Chen", "Dora",
    "Emil", "Fatou", "Goran", "Hanna", "Igor", "Jana", "Karim", "Lucia", "Milan", "Noor",
)
# fmt: on


@dataclass(frozen=True)
class VoterKind:
    """A kind of annotator.

    Attributes:
        name: name of the kind.
        size: number of annotators of this kind.
        low: lowest reliability: the probability that a vote other than a tie agrees with the truth.
        high: highest reliability.
        ties: share of the votes that are ties.
        seconds: typical time per vote.
        explains: share of the votes that have a reason.
        first: whether every vote is for the response shown first.
    """

    name: str
    size: int
    low: float
    high: float
    ties: float
    seconds: float
    explains: float
    first: bool = False


KINDS = (
    VoterKind("careful", 15, 0.86, 0.97, ties=0.01, seconds=25, explains=0.5),
    VoterKind("careless", 14, 0.58, 0.74, ties=0.04, seconds=12, explains=0.15),
    VoterKind("spammer", 9, 0.48, 0.52, ties=0.05, seconds=4, explains=0.1),
    VoterKind("adversary", 1, 0.12, 0.12, ties=0.0, seconds=15, explains=0.3),
    VoterKind("first-clicker", 1, 0.50, 0.50, ties=0.0, seconds=3, explains=0.0, first=True),
)


@dataclass(frozen=True, eq=False)
class Voters:
    """K annotators: their ``names``, their ``kinds`` (indices into ``KINDS``) and their true ``reliability``, (K,)."""

    names: tuple[str, ...]
    kinds: npt.NDArray[np.int_]
    reliability: Floats


def make_voters(rng: np.random.Generator) -> Voters:
    """The annotators of ``KINDS``, with names in random order."""
    kinds = rng.permutation(np.repeat(np.arange(len(KINDS)), [kind.size for kind in KINDS]))
    low, high = (np.array([getattr(kind, bound) for kind in KINDS])[kinds] for bound in ("low", "high"))
    return Voters(NAMES, kinds, rng.uniform(low, high))


def cast_votes(rng: np.random.Generator, questions: list[Question], voters: Voters) -> list[dict[str, Any]]:
    """``VOTES_PER_PAIR`` votes on every question, ordered by time, as rows of the plain votes format.

    Each vote has its own order of the two answers. ``gold`` is the right answer in that order.
    """
    rows = []
    clock = _clocks(rng, len(voters.names))
    for number, question in enumerate(questions):
        for k in rng.choice(len(voters.names), VOTES_PER_PAIR, replace=False):
            kind = KINDS[voters.kinds[k]]
            gold = "a" if rng.random() < 0.5 else "b"
            label = "a" if kind.first or (rng.random() < voters.reliability[k]) == (gold == "a") else "b"
            seconds = int(np.ceil(kind.seconds * rng.lognormal(0, 0.4)))
            row = {
                "pair": f"q{number + 1:03}",
                "domain": question.domain,
                "prompt": question.prompt,
                "response_a": question.right if gold == "a" else question.wrong,
                "response_b": question.wrong if gold == "a" else question.right,
                "annotator": voters.names[k],
                "label": "tie" if rng.random() < kind.ties else label,
                "time": clock[k][rng.integers(len(clock[k]))] + timedelta(seconds=int(rng.integers(5400))),
                "seconds": seconds,
                "reason": None,
                "gold": gold,
            }
            if row["label"] != "tie" and rng.random() < kind.explains:
                row["reason"] = _reason(rng, question, right=label == gold)
            rows.append(row)
    return sorted(rows, key=lambda row: (row["time"], row["pair"], row["annotator"]))


def _clocks(rng: np.random.Generator, size: int) -> list[list[datetime]]:
    """For each annotator the starting times of a few sessions on working days."""
    days = [day for day in range(7 * WEEKS) if day % 7 < 5]
    return [
        [START + timedelta(days=int(day), minutes=int(rng.integers(540))) for day in rng.choice(days, 8, replace=False)]
        for _ in range(size)
    ]


def _reason(rng: np.random.Generator, question: Question, *, right: bool) -> str:
    if right:
        return question.why
    return str(
        rng.choice(["Looks right to me.", "I am fairly sure.", "Sounds better.", "ok", "I remember it this way."])
    )
