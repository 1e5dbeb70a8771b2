"""Which suspicious votes are shown: the most suspicious of all, and some of every listed annotator, up to a size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.annotators.results import ReliabilityResult
from votewise.arrays import Floats
from votewise.data.lazy_table import LazyTable
from votewise.data.votes import Votes
from votewise.report.cards import Card, Codes, build_cards, shown_pairs
from votewise.report.summary import floats, problematic

OVERALL = 60
"""Most suspicious votes of all annotators that are shown ..."""
PER_ANNOTATOR = 3
"""... but at most this many by one annotator."""
PER_FLAGGED = 5
"""Votes shown of a flagged annotator."""
MAX_LINES = 4_000
"""Entries in all annotators' lists of suspicious votes together."""


@dataclass(frozen=True)
class Suspect:
    """One suspicious vote in an annotator's list; ``card`` tells whether the pair has a card that the entry can link to."""

    pair: str
    code: int
    sign: int
    confidence: float
    card: bool


@dataclass(frozen=True)
class Gallery:
    """Cards, lowest confidence first; each listed annotator's most suspicious votes; how many such votes each has."""

    cards: tuple[Card, ...]
    suspects: dict[int, list[Suspect]]
    doubtful: Codes


def build_gallery(votes: Votes, result: ReliabilityResult, listed: Codes) -> Gallery:
    """Choose and assemble what is shown.

    A vote is suspicious if its confidence is below one half: it is more likely wrong than right.

    Args:
        votes: the votes.
        result: the beliefs about them.
        listed: codes of the annotators in the report's table, most votes first.
    """
    confidence, suspicious, order, rank = _suspicious(votes, result)
    own, priority = _own(votes, result, order, rank, listed), _priority(votes, result, confidence, order, rank, listed)
    cards = build_cards(votes, result, confidence, priority)
    carded = {card.code for card in cards}
    suspects: dict[int, list[Suspect]] = {}
    names = votes.pair_ids.take(pa.array(votes.pair[own])).cast(pa.string()).to_pylist()
    for vote, name in zip(own.tolist(), names, strict=True):
        pair = int(votes.pair[vote])
        entry = Suspect(name, pair, int(votes.sign[vote]), float(confidence[vote]), pair in carded)
        suspects.setdefault(int(votes.annotator[vote]), []).append(entry)
    doubtful = np.bincount(votes.annotator[suspicious], minlength=votes.n_annotators)
    return Gallery(tuple(sorted(cards, key=lambda card: card.lowest)), suspects, doubtful)


def remember_cards(votes: Votes, result: ReliabilityResult, listed: Codes) -> None:
    """Keep the texts of the cards when all texts are read the next time, where they are left in files."""
    if not isinstance(votes.texts, LazyTable):
        return
    confidence, _, order, rank = _suspicious(votes, result)
    pairs, on_pair = shown_pairs(votes, confidence, _priority(votes, result, confidence, order, rank, listed))
    votes.texts.remember(pairs)
    if isinstance(result.votes, LazyTable):
        result.votes.remember(np.concatenate([pairs[:0], *on_pair.values()]))


def _suspicious(votes: Votes, result: ReliabilityResult) -> tuple[Floats, Codes, Codes, Codes]:
    """All confidences; the suspicious votes; the same by annotator, lowest confidence first; their ranks among these."""
    confidence = floats(result.confidence)
    suspicious = np.flatnonzero(confidence < 0.5)
    order = suspicious[np.lexsort((suspicious, confidence[suspicious], votes.annotator[suspicious]))]
    return confidence, suspicious, order, _rank_in_run(votes.annotator[order])


def _rank_in_run(values: npt.NDArray[Any]) -> Codes:
    """Position of each entry within its run of equal values."""
    if not len(values):
        return np.zeros(0, np.int64)
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    return np.arange(len(values)) - np.repeat(starts, np.diff(np.r_[starts, len(values)]))


def _by_turn(
    votes: Votes, result: ReliabilityResult, order: Codes, rank: Codes, listed: Codes, per_other: int
) -> Codes:
    """Suspicious votes of listed annotators, flagged ones first: each one's most suspicious vote, then each second, ..."""
    problem = problematic(result)
    place = np.full(votes.n_annotators, len(listed), np.int64)
    place[listed] = np.arange(len(listed))
    who = votes.annotator[order]
    limit = np.where(problem, PER_FLAGGED, per_other)[who]
    wanted = np.flatnonzero((place[who] < len(listed)) & (rank < limit))
    who = who[wanted]
    return order[wanted[np.lexsort((place[who], ~problem[who], rank[wanted]))]]


def _own(votes: Votes, result: ReliabilityResult, order: Codes, rank: Codes, listed: Codes) -> Codes:
    """The votes in the annotators' lists, grouped by annotator, lowest confidence first."""
    chosen = _by_turn(votes, result, order, rank, listed, PER_ANNOTATOR)[:MAX_LINES]
    return order[np.isin(order, chosen)]


def _priority(
    votes: Votes, result: ReliabilityResult, confidence: Floats, order: Codes, rank: Codes, listed: Codes
) -> Codes:
    """Votes in the order in which they get a card: the most suspicious of all, then those of listed annotators in turn."""
    overall = order[rank < PER_ANNOTATOR]
    overall = overall[np.argsort(confidence[overall], kind="stable")][:OVERALL]
    return np.concatenate([overall, _by_turn(votes, result, order, rank, listed, 1)])
