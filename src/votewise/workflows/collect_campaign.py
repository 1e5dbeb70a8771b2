"""A campaign paused, resumed or closed: ``votewise collect campaign``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from votewise.errors import BadInputError, needs

if TYPE_CHECKING:
    import os

CampaignAct = Literal["pause", "resume", "close"]
STATES = {"pause": "paused", "resume": "open", "close": "closed"}
"""The state of the campaign after each act."""


def collect_campaign(folder: str | os.PathLike[str], act: CampaignAct) -> str:
    """Pause, resume or close the campaign of a collection.

    While it is paused, no pairs are given out, and whoever has one may vote on it. Closing it takes those back, too; a
    closed campaign can be resumed.

    Args:
        folder: the folder that ``collect_init`` made.
        act: what to do.

    Returns:
        The campaign's state now: ``open``, ``paused`` or ``closed``.

    Raises:
        BadInputError: the folder cannot be opened, there is no campaign, or no such act.
    """
    with needs("collect", "collecting"):
        from votewise.collect.campaign_state import set_state
        from votewise.collect.folder import open_collection

    if act not in STATES:
        raise BadInputError("there is no such act", parameter="act", value=act, expected=", ".join(STATES))
    collection = open_collection(Path(folder))
    try:
        set_state(collection, STATES[act])
    finally:
        collection.close()
    return STATES[act]
