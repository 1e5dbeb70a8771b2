"""Cards of pairs with suspicious votes: what each shows, and how many fit the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.annotators.results import ReliabilityResult
from votewise.arrays import Floats
from votewise.data.votes import Votes
from votewise.report.text import Passage, passages

Codes = npt.NDArray[np.integer[Any]]

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


def build_cards(votes: Votes, result: ReliabilityResult, confidence: Floats, priority: Codes) -> list[Card]:
    """Cards of the pairs of these votes, in the order of the votes, as many as fit.

    Args:
        votes: all votes.
        result: the beliefs about them.
        confidence: (N,) the votes' confidences, NaN for ties.
        priority: indices of the votes that should have a card, the most important first.
    """
    pairs, on_pair = shown_pairs(votes, confidence, priority)
    # All at once, because they may be in a file.
    texts = [{}] * len(pairs) if votes.texts is None else votes.texts.take(pa.array(pairs)).to_pylist()
    reasons = _reasons(result, np.concatenate([on_pair[pair][:CARD_VOTES] for pair in pairs.tolist()] or [pairs]))
    cards: list[Card] = []
    room = BUDGET
    for pair, words in zip(pairs.tolist(), texts, strict=True):
        shown = list(_card_votes(votes, result, confidence, on_pair[pair][:CARD_VOTES], reasons))
        card = _card(votes, result, pair, words, shown)
        card = replace(card, more_votes=len(on_pair[pair]) - len(shown))
        room -= card.size
        if room < 0 and cards:
            break
        cards.append(card)
    return cards


def shown_pairs(votes: Votes, confidence: Floats, priority: Codes) -> tuple[Codes, dict[int, Codes]]:
    """The pairs that have a card if all fit, and the votes on each of them; see ``build_cards``."""
    pairs, first = np.unique(votes.pair[priority], return_index=True)
    pairs = pairs[np.argsort(first)][:MAX_CARDS].astype(np.int64)
    return pairs, _votes_by_pair(votes, confidence, pairs)


def _votes_by_pair(votes: Votes, confidence: Floats, pairs: Codes) -> dict[int, Codes]:
    """The votes on each of a few pairs, lowest confidence first, ties last."""
    chosen = np.zeros(votes.n_pairs, bool)
    chosen[pairs] = True
    index = np.flatnonzero(chosen[votes.pair])
    index = index[np.lexsort((index, confidence[index], votes.pair[index]))]
    pairs = votes.pair[index]
    ends = np.flatnonzero(np.r_[pairs[1:] != pairs[:-1], True]) + 1 if len(index) else np.zeros(0, np.int64)
    return {int(votes.pair[part[0]]): part for part in np.split(index, ends[:-1])} if len(index) else {}


def _reasons(result: ReliabilityResult, index: Codes) -> dict[int, Any]:
    """What the annotators wrote about these votes; empty where the source has no such column."""
    if "reason" not in result.votes.column_names:
        return {}
    found = result.votes.select(["reason"]).take(pa.array(index)).column("reason").to_pylist()
    return dict(zip(index.tolist(), found, strict=True))


def _card(votes: Votes, result: ReliabilityResult, pair: int, texts: dict[str, Any], listed: list[CardVote]) -> Card:
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
        lowest=min(vote.confidence for vote in listed if vote.confidence is not None),
        votes=tuple(listed),
        more_votes=0,
    )


def _card_votes(
    votes: Votes, result: ReliabilityResult, confidence: Floats, index: Codes, reasons: dict[int, Any]
) -> Iterator[CardVote]:
    for vote in index.tolist():
        code = int(votes.annotator[vote])
        reason = passages(reasons[vote], REASON_CAP) if reasons else ()
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
