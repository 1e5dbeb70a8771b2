"""Votes of people whom the source does not name: they share one reliability, and are not judged as if they were one."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from votewise.data.votes import UNKNOWN, Votes
from votewise.errors import many
from votewise.inference.diagnostic import Diagnostic


def unknown_people(votes: Votes) -> int | None:
    """The code that stands for all people without a name; None where every vote has one."""
    found = np.flatnonzero(pc.equal(votes.annotator_ids, UNKNOWN).to_numpy(zero_copy_only=False))
    return int(found[0]) if len(found) else None


def unknown_people_finding(number: int) -> Diagnostic:
    """What a reader should know about ``number`` votes of unknown people."""
    return Diagnostic(
        "unknown-people",
        "info",
        f"{many(number, 'vote')} {'is' if number == 1 else 'are'} by people whom the source does not name. They share one "
        "reliability, the average over all of them, and no flag is given for it. If one person or model cast them all, "
        "say so (one_annotator).",
    )
