"""Which suspicious votes are shown: the most suspicious of all, and some of every listed annotator, up to a size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.annotators.results import ReliabilityResult
from votewise.arrays import Floats
from votewise.data.votes import Votes
from votewise.report.summary import floats, problematic
from votewise.report.text import Passage, passages

Codes = npt.NDArray[np.integer[Any]]

OVERALL = 60
"""Most suspicious votes of all annotators that are shown ..."""
PER_ANNOTATOR = 3
"""... but at most this many by one annotator."""
PER_FLAGGED = 5
"""Votes shown of a flagged annotator."""
MAX_LINES = 4_000
"""Entries in all annotators' lists of suspicious votes together."""
MAX_CARDS = 300
BUDGET = 600_000
"""Bytes for the cards' contents."""
CARD_VOTES = 12
"""Votes listed on one card."""
REASON_CAP = 600


@dataclass(frozen=True)
class CardVote:
    """One vote on a card: its annotator (name and code), its sign, and the beliefs about both."""

    annotator: str
    code: int
    sign: int
    reliability: float
    confidence: float | None
    reason: Passage | None


@dataclass(frozen=True)
class Card:
    """One pair with suspicious votes; ``p_a`` is the probability that answer A is truly better."""

    code: int
    pair: str
    domain: str | None
    prompt: tuple[Passage, ...]
    answers: tuple[tuple[str, str | None, tuple[Passage, ...]], ...]
    p_a: float
    lowest: float
    votes: tuple[CardVote, ...]
    more_votes: int

    @property
    def size(self) -> int:
        """Approximate number of bytes that the card takes in the page."""
        texts = [*self.prompt, *(p for _, _, answer in self.answers for p in answer)]
        reasons = [vote.reason for vote in self.votes if vote.reason]
        return 900 + 260 * len(self.votes) + sum(passage.size for passage in texts + reasons)


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
    confidence = floats(result.votes["confidence"])
    suspicious = np.flatnonzero(confidence < 0.5)
    order = suspicious[np.lexsort((suspicious, confidence[suspicious], votes.annotator[suspicious]))]
    rank = _rank_in_group(votes.annotator[order])
    own, priority = _own(votes, result, order, rank, listed), _priority(votes, result, confidence, order, rank, listed)
    cards = _cards(votes, result, confidence, priority)
    carded = {card.code for card in cards}
    suspects: dict[int, list[Suspect]] = {}
    names = votes.pair_ids.take(pa.array(votes.pair[own])).cast(pa.string()).to_pylist()
    for vote, name in zip(own.tolist(), names, strict=True):
        pair = int(votes.pair[vote])
        entry = Suspect(name, pair, int(votes.sign[vote]), float(confidence[vote]), pair in carded)
        suspects.setdefault(int(votes.annotator[vote]), []).append(entry)
    doubtful = np.bincount(votes.annotator[suspicious], minlength=votes.n_annotators)
    return Gallery(tuple(sorted(cards, key=lambda card: card.lowest)), suspects, doubtful)


def _rank_in_group(groups: npt.NDArray[Any]) -> Codes:
    """Position of each entry within its run of equal values."""
    if not len(groups):
        return np.zeros(0, np.int64)
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    return np.arange(len(groups)) - np.repeat(starts, np.diff(np.r_[starts, len(groups)]))


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


def _cards(votes: Votes, result: ReliabilityResult, confidence: Floats, priority: Codes) -> list[Card]:
    pairs, first = np.unique(votes.pair[priority], return_index=True)
    pairs = pairs[np.argsort(first)][:MAX_CARDS].astype(np.int64)
    on_pair = _votes_by_pair(votes, confidence, pairs)
    cards: list[Card] = []
    room = BUDGET
    for pair in pairs.tolist():
        card = _card(votes, result, confidence, pair, on_pair[pair])
        room -= card.size
        if room < 0 and cards:
            break
        cards.append(card)
    return cards


def _votes_by_pair(votes: Votes, confidence: Floats, pairs: Codes) -> dict[int, Codes]:
    """The votes on each of a few pairs, the least believable first, ties last."""
    chosen = np.zeros(votes.n_pairs, bool)
    chosen[pairs] = True
    index = np.flatnonzero(chosen[votes.pair])
    index = index[np.lexsort((index, confidence[index], votes.pair[index]))]
    groups = votes.pair[index]
    ends = np.flatnonzero(np.r_[groups[1:] != groups[:-1], True]) + 1 if len(index) else np.zeros(0, np.int64)
    return {int(votes.pair[part[0]]): part for part in np.split(index, ends[:-1])} if len(index) else {}


def _card(votes: Votes, result: ReliabilityResult, confidence: Floats, pair: int, index: Codes) -> Card:
    texts: dict[str, Any] = votes.texts.slice(pair, 1).to_pylist()[0] if votes.texts is not None else {}
    answers = tuple(
        (letter, _name(texts.get(f"model_{letter.lower()}")), passages(texts.get(f"response_{letter.lower()}")))
        for letter in "AB"
        if f"response_{letter.lower()}" in texts
    )
    domain = int(votes.domain[pair]) if votes.domain is not None else -1
    return Card(
        code=pair,
        pair=str(votes.pair_ids[pair].as_py()),
        domain=votes.domain_ids[domain] if domain >= 0 else None,
        prompt=passages(texts.get("prompt")),
        answers=answers,
        p_a=float(result.pairs["p_a"][pair].as_py()),
        lowest=float(np.nanmin(confidence[index])),
        votes=tuple(_card_votes(votes, result, confidence, index[:CARD_VOTES])),
        more_votes=max(0, len(index) - CARD_VOTES),
    )


def _card_votes(votes: Votes, result: ReliabilityResult, confidence: Floats, index: Codes) -> Iterator[CardVote]:
    has_reason = "reason" in result.votes.column_names
    for vote in index.tolist():
        code = int(votes.annotator[vote])
        reason = passages(result.votes["reason"][vote].as_py(), REASON_CAP) if has_reason else ()
        yield CardVote(
            annotator=str(result.annotators["annotator"][code].as_py()),
            code=code,
            sign=int(votes.sign[vote]),
            reliability=float(result.annotators["reliability"][code].as_py()),
            confidence=None if np.isnan(confidence[vote]) else float(confidence[vote]),
            reason=reason[0] if reason and reason[0].start.strip() else None,
        )


def _name(value: object) -> str | None:
    return None if value is None else str(value)
