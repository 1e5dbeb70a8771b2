"""Which suspicious votes are shown, and that no single annotator fills the page."""

from __future__ import annotations

import numpy as np
import pytest

from votewise.annotators.results import ReliabilityResult
from votewise.data.votes import Votes
from votewise.report import cards, gallery
from votewise.report.gallery import build_gallery

Audited = tuple[Votes, ReliabilityResult]


def everybody(result: ReliabilityResult) -> np.ndarray:
    return np.arange(len(result.annotators))


def test_votes_of_lowest_confidence_come_first(plain: Audited) -> None:
    votes, result = plain
    found = build_gallery(votes, result, everybody(result))
    lowest = [card.lowest for card in found.cards]
    assert lowest == sorted(lowest)
    confidence = result.votes["confidence"].to_numpy()
    assert lowest[0] == pytest.approx(confidence.min())
    assert found.doubtful.sum() == (confidence < 0.5).sum()


def test_no_annotator_fills_the_gallery(plain: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    votes, result = plain
    monkeypatch.setattr(gallery, "PER_ANNOTATOR", 2)
    monkeypatch.setattr(gallery, "PER_FLAGGED", 2)
    found = build_gallery(votes, result, everybody(result))
    assert all(len(entries) <= 2 for entries in found.suspects.values())
    assert found.doubtful[11] > 2


def test_a_card_shows_who_voted_what_and_why(plain: Audited) -> None:
    votes, result = plain
    card = build_gallery(votes, result, everybody(result)).cards[0]
    on_pair = votes.pair == card.code
    assert len(card.votes) + card.more_votes == on_pair.sum()
    assert card.p_a == pytest.approx(result.pairs["p_a"][card.code].as_py())
    worst = card.votes[0]
    assert worst.confidence == card.lowest
    assert [letter for letter, _, _ in card.answers] == ["A", "B"]
    reasons = {vote.annotator: vote.reason for vote in card.votes}
    assert all((reason is not None) == (name == "w11") for name, reason in reasons.items())


def test_the_budget_limits_the_cards(plain: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    votes, result = plain
    many = len(build_gallery(votes, result, everybody(result)).cards)
    monkeypatch.setattr(cards, "BUDGET", 10_000)
    few = build_gallery(votes, result, everybody(result)).cards
    assert 1 <= len(few) < many
    assert sum(card.size for card in few) <= 10_000 or len(few) == 1


def test_links_go_to_cards_that_exist(plain: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    votes, result = plain
    monkeypatch.setattr(cards, "BUDGET", 10_000)
    found = build_gallery(votes, result, everybody(result))
    shown = {card.code for card in found.cards}
    entries = [entry for own in found.suspects.values() for entry in own]
    assert {entry.code for entry in entries if entry.card} <= shown
    assert any(not entry.card for entry in entries)
