"""The states of a comparison and the moves between them, as the design names them."""

from __future__ import annotations

from votewise.collect.states import MOVES, OPEN, STATES, State, sources_of


def reached(state: State) -> set[State]:
    """All states that a comparison may come to from one of them."""
    found: set[State] = set()
    next_to: set[State] = set(MOVES[state])
    while next_to:
        found |= next_to
        next_to = {after for before in next_to for after in MOVES[before]} - found
    return found


def test_every_state_is_reached_from_the_first() -> None:
    assert set(MOVES) == set(STATES)
    assert reached("created") == set(STATES) - {"created"}


def test_a_final_vote_is_never_undone_and_ends_never_change() -> None:
    assert reached("final") == {"voided"}
    for end in ("one_sided", "failed", "expired", "voided"):
        assert MOVES[end] == ()


def test_a_vote_needs_both_answers_to_be_seen() -> None:
    assert sources_of("voted") == sources_of("skipped") == ("shown",)
    assert sources_of("ready") == ("answering",)
    assert set(sources_of("shown")) == {"ready", "voted", "skipped"}


def test_only_comparisons_without_a_vote_expire() -> None:
    assert set(sources_of("expired")) == set(OPEN)
