"""A data set to try votewise on: several hundred questions, votes of good and bad annotators, and the truth about both.

Nothing is downloaded, and the seed determines everything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from votewise.arrays import Floats
from votewise.demo.questions import make_questions
from votewise.demo.voters import KINDS, cast_votes, make_voters


@dataclass(frozen=True, eq=False)
class DemoData:
    """Votes with their truth.

    Attributes:
        table: the votes, in the plain votes format with ``gold``.
        names: the K annotators.
        kinds: (K,) kind of each annotator.
        reliability: (K,) true reliability of each annotator.
    """

    table: pa.Table
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    reliability: Floats


def make_demo_data(*, pairs: int = 600, seed: int = 0) -> DemoData:
    """Simulate votes of 40 annotators on ``pairs`` questions, five votes on each, about 30% of them wrong."""
    rng = np.random.default_rng(seed)
    questions = make_questions(rng, pairs)
    voters = make_voters(rng)
    table = pa.Table.from_pylist(cast_votes(rng, questions, voters))
    return DemoData(table, voters.names, tuple(KINDS[kind].name for kind in voters.kinds), voters.reliability)
