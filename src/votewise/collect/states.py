"""The life of a comparison.

    created -> answering -> ready -> shown -> voted -> final

``created``: models and sides are drawn. ``answering``: at least one model has been asked. ``ready``: both answers are there.
``shown``: a person sees them. ``voted``: the person chose, and can undo it for ten seconds; then the vote is ``final``.
Other ends: ``one_sided`` (one model failed for good) and ``failed`` (both did), ``expired`` (nobody voted in time),
``skipped`` (the person did not want to choose; can be undone as a vote can), ``voided`` (taken back by the owner).
"""

from __future__ import annotations

from typing import Literal, get_args

State = Literal[
    "created",
    "answering",
    "ready",
    "shown",
    "voted",
    "final",
    "one_sided",
    "failed",
    "expired",
    "skipped",
    "voided",
]
Choice = Literal["left", "right", "tie", "both_bad", "skip"]
Purpose = Literal["main", "probe", "audit"]
CampaignState = Literal["open", "paused", "closed"]

STATES: tuple[State, ...] = get_args(State)
CHOICES: tuple[Choice, ...] = get_args(Choice)
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
CAMPAIGN_STATES: tuple[CampaignState, ...] = get_args(CampaignState)
PAIR_STATES = ("open", "sure", "contested", "closed")
"""States of a pair of a campaign; see ``assignment``."""

UNDO_SECONDS = 10.0
"""How long a person can undo a vote."""

OPEN: tuple[State, ...] = ("created", "answering", "ready", "shown")
"""States in which a vote may still come; a comparison whose lease ends in one of them expires."""

MOVES: dict[State, tuple[State, ...]] = {
    "created": ("answering", "expired", "voided"),
    "answering": ("ready", "one_sided", "failed", "expired", "voided"),
    "ready": ("shown", "expired", "voided"),
    "shown": ("voted", "skipped", "expired", "voided"),
    "voted": ("shown", "final", "voided"),
    "skipped": ("shown", "voided"),
    "final": ("voided",),
    "one_sided": (),
    "failed": (),
    "expired": (),
    "voided": (),
}
"""The states that may follow a state. ``shown`` follows ``voted`` and ``skipped`` where the person undoes the choice."""


def sources_of(state: State) -> tuple[State, ...]:
    """The states that ``state`` may follow."""
    return tuple(before for before, after in MOVES.items() if state in after)
