"""What a reader must find, as facts that do not depend on codes, order or orientation, and what it has found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from truth import Prompt, TrueVote

from votewise.data.votes import UNKNOWN, Votes

Fact = tuple[str, Prompt, frozenset[Prompt], Prompt | None]
"""Annotator, prompt, both answers and the preferred one (None for a tie), texts as conversations."""


def talk(value: Any, role: str) -> Prompt:
    """A text or a conversation as (role, content) of its messages."""
    if value is None:
        return ()
    if isinstance(value, str):
        return ((role, value),)
    return tuple((message["role"], message["content"]) for message in value)


def asked(prompt: Prompt) -> Prompt:
    """A prompt; one that is empty and one that is missing ask the same."""
    return () if prompt == (("user", ""),) else prompt


def answer(text: str) -> Prompt:
    return (("assistant", text),)


def true_facts(votes: Iterable[TrueVote]) -> Counter[Fact]:
    """The facts of all votes but skipped ones."""
    return Counter(
        (
            UNKNOWN if vote.annotator is None else vote.annotator,
            asked(vote.prompt),
            frozenset((answer(vote.a), answer(vote.b))),
            None if vote.better is None else answer(vote.better),
        )
        for vote in votes
        if vote.verdict != "skip"
    )


def found_facts(votes: Votes) -> Counter[Fact]:
    """The facts that votes tell."""
    assert votes.texts is not None
    pairs = votes.texts.to_pylist()
    people = votes.annotator_ids.to_pylist()
    found: Counter[Fact] = Counter()
    for pair, who, sign in zip(votes.pair.tolist(), votes.annotator.tolist(), votes.sign.tolist(), strict=True):
        a, b = (talk(pairs[pair][name], "assistant") for name in ("response_a", "response_b"))
        better = {1: a, -1: b, 0: None}[sign]
        found[(people[who], asked(talk(pairs[pair]["prompt"], "user")), frozenset((a, b)), better)] += 1
    return found


def true_counts(votes: Iterable[TrueVote]) -> dict[str, int]:
    """How many votes are ties of each kind, and how many are none."""
    said = Counter(vote.verdict for vote in votes)
    return {
        "ties": said["tie"] + said["both_bad"] + said["both_good"],
        "both_bad": said["both_bad"],
        "both_good": said["both_good"],
        "skipped": said["skip"],
    }


def found_counts(votes: Votes) -> dict[str, int]:
    assert votes.reading is not None
    return {name: getattr(votes.reading, name) for name in ("ties", "both_bad", "both_good", "skipped")}


def joined_facts(facts: Counter[Fact]) -> Counter[Fact]:
    """The same facts where it is open where the prompt ends: every answer with the prompt before it."""

    def whole(prompt: Prompt, said: Prompt) -> Prompt:
        return answer("".join(content for _, content in (*prompt, *said)))

    found: Counter[Fact] = Counter()
    for (who, prompt, answers, better), number in facts.items():
        both = frozenset(whole(prompt, said) for said in answers)
        found[(who, (), both, None if better is None else whole(prompt, better))] += number
    return found


def check_votes(votes: Votes, truth: list[TrueVote], *, joined: bool = False) -> None:
    """The votes are the truth's, none is lost or made up, and the reading counts them."""
    found, expected = found_facts(votes), true_facts(truth)
    if joined:
        found, expected = joined_facts(found), joined_facts(expected)
    assert found == expected, f"lost: {list(expected - found)}; made up: {list(found - expected)}"
    assert found_counts(votes) == true_counts(truth)
    reading = votes.reading
    assert reading is not None
    assert (reading.rejected, reading.repeated) == (0, 0)
    assert reading.votes == reading.kept + reading.skipped == len(truth)
    # Every pair is one pair, and is oriented as its first row shows it.
    assert votes.n_pairs == len({vote.pair for vote in truth if vote.verdict != "skip"})
    assert len(set(votes.pair_ids.to_pylist())) == votes.n_pairs
