"""Beliefs become tables: codes become names again, arrays become columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import expit

from votewise.annotators.beliefs import Beliefs
from votewise.annotators.position import PositionTest
from votewise.arrays import Bools, Floats
from votewise.data.lazy_table import with_columns
from votewise.data.own_columns import free_name, is_ours
from votewise.data.votes import Votes
from votewise.inference.calibration import share_interval
from votewise.inference.observation import Evidence


@dataclass(frozen=True, eq=False)
class Checks:
    """What is computed beyond the estimates.

    Attributes:
        low, high: (K,) ends of the intervals.
        flags: (K,) flags.
        position: the test of position bias; None where positions are unknown.
        informed: (n,) whether anything except the vote itself is known about its pair.
        agrees: (n,) whether the vote agrees with the likelier truth according to everything except itself.
    """

    low: Floats
    high: Floats
    flags: list[str]
    position: PositionTest | None
    informed: Bools
    agrees: Bools


def annotator_table(votes: Votes, evidence: Evidence, beliefs: Beliefs, checks: Checks | None) -> pa.Table:
    """One row per annotator, see ``ReliabilityResult.annotators``; without ``checks`` only the estimates."""
    k = votes.n_annotators
    number = np.bincount(votes.annotator, minlength=k)
    decided = number if evidence.decided is None else np.bincount(evidence.annotator, minlength=k)
    columns = {
        "annotator": names(votes.annotator_ids),
        "votes": pa.array(number),
        "ties": pa.array(number - decided),
        "reliability": pa.array(beliefs.reliability),
    }
    later = ("low", "high", "agreement", "first_share", "first_low", "first_high")
    columns |= {name: pa.nulls(k, pa.float64()) for name in later} | {"flag": pa.nulls(k, pa.string())}
    if checks is not None:
        agreeing = np.bincount(evidence.annotator, checks.agrees, minlength=k)
        comparable = np.bincount(evidence.annotator, checks.informed, minlength=k)
        columns["low"], columns["high"] = pa.array(checks.low), pa.array(checks.high)
        columns["agreement"] = share(agreeing, comparable)
        columns["flag"] = pa.array(checks.flags, pa.string())
        if checks.position is not None:
            first, trials = checks.position.first, checks.position.votes
            low, high = share_interval(first, trials)
            columns["first_share"] = share(first, trials)
            columns["first_low"] = pa.array(low, mask=trials == 0)
            columns["first_high"] = pa.array(high, mask=trials == 0)
    return pa.table(columns)


def vote_table(votes: Votes, evidence: Evidence, beliefs: Beliefs) -> pa.Table:
    """One row per vote, see ``ReliabilityResult.votes``."""
    if evidence.decided is None:
        confidence = pa.array(beliefs.confidence)
    else:
        values, known = np.zeros(len(votes)), np.zeros(len(votes), bool)
        values[evidence.decided], known[evidence.decided] = beliefs.confidence, True
        confidence = pa.array(values, mask=~known)
    own = {
        "pair": pa.DictionaryArray.from_arrays(pa.array(votes.pair), names(votes.pair_ids)),
        "annotator": pa.DictionaryArray.from_arrays(pa.array(votes.annotator), names(votes.annotator_ids)),
        "confidence": confidence,
    }
    return with_columns(votes.table, {column: own[name] for name, column in own_names(votes).items()})


def own_names(votes: Votes) -> dict[str, str]:
    """Our columns in the table of votes -> the names that they have there.

    Pairs and annotators are ours only where the source's column of that name is missing or is something else.
    """
    taken = () if votes.table is None else votes.table.column_names
    reading = votes.reading
    roles = {c.name: c.role for c in reading.columns} if reading is not None and reading.one_per_row else {}
    there = {
        name for own, role in roles.items() for name in ("pair", "annotator") if role == name and is_ours(own, name)
    }
    ours = [name for name in ("pair", "annotator") if name not in taken or roles.get(name, name) != name]
    ours = [name for name in ours if name not in there]
    return {name: free_name(name, taken) for name in (*ours, "confidence")}


def pair_table(votes: Votes, evidence: Evidence, beliefs: Beliefs, *, shared_pairs: bool) -> pa.Table:
    """One row per pair, see ``ReliabilityResult.pairs``; of unrelated votes on a pair, ``p_a`` is the mean posterior."""
    m = votes.n_pairs
    p_a = expit(beliefs.posterior)
    if not shared_pairs:
        pair = votes.pair if evidence.decided is None else votes.pair[evidence.decided]
        number = np.bincount(pair, minlength=m)
        prior = np.full(m, 0.5) if votes.margin is None else expit(votes.margin)
        p_a = np.where(number > 0, np.bincount(pair, p_a, minlength=m) / np.maximum(number, 1), prior)
    number = np.bincount(votes.pair, minlength=m)
    ties = np.zeros(m, np.int64)
    if evidence.decided is not None:
        ties += np.bincount(votes.pair, votes.sign == 0, minlength=m).astype(np.int64)
    if shared_pairs and not evidence.weighted:
        balance = np.abs(evidence.signs @ np.ones(votes.n_annotators))
    else:
        balance = np.abs(np.bincount(votes.pair, votes.sign, minlength=m))
    return pa.table(
        {
            "pair": names(votes.pair_ids),
            "p_a": pa.array(p_a),
            "votes": pa.array(number),
            "ties": pa.array(ties),
            "disagreement": share((number - ties - balance) / 2, number - ties),
        }
    )


def share(part: npt.ArrayLike, whole: npt.ArrayLike) -> pa.Array:
    """Part / whole, null where there is nothing to take a share of."""
    total = np.asarray(whole, np.float64)
    return pa.array(np.asarray(part) / np.maximum(total, 1), mask=total == 0)


def names(ids: pa.Array) -> pa.Array:
    """The ids as strings."""
    flat = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
    return flat if pa.types.is_string(flat.type) or pa.types.is_large_string(flat.type) else pc.cast(flat, pa.string())
