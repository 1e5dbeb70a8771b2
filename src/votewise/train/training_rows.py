"""Votes -> rows for a trainer: one row per pair with all its votes, or one row per vote as in the papers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.arrays import Floats, Signs
from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.train.dataset_votes import ROW, first_of_each, votes_of_dataset
from votewise.train.gathered import gathered
from votewise.train.implicit_prompts import with_prompt
from votewise.train.seen_rows import SHOWN
from votewise.train.vote_rows import rows_of_votes

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["ROW", "TrainingRows", "training_rows", "votes_of_dataset"]


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """R rows to train on, and the votes they stand for.

    Attributes:
        votes: the votes, on M pairs; with one row per vote, every vote is on a pair of its own.
        dataset: R rows with ``prompt``, ``chosen``, ``rejected`` and the column ``ROW``.
        pair: (R,) pair of each row.
        side: (R,) +1 where ``chosen`` is the pair's response_a, -1 where it is response_b.
        share: (R,) share of the pair's votes for ``chosen``, at least 1/2; None if it is 1 for all.
        tied: number of pairs left out because they have no votes but ties.
        weight: (R,) mean weight of the row's votes, by which its loss is multiplied; None if it is 1 for all.
        unweighted: number of pairs left out because all their votes have weight 0.
    """

    votes: Votes
    dataset: Dataset
    pair: npt.NDArray[np.int64]
    side: Signs
    share: Floats | None
    tied: int
    weight: Floats | None = None
    unweighted: int = 0


def training_rows(
    votes: Votes, *, one_row_per: Literal["pair", "vote"], source: Any = None, carry: bool = False
) -> TrainingRows:
    """Arrange votes as rows for training.

    Args:
        votes: votes with texts.
        one_row_per: ``pair`` (all votes of a pair share its truth) or ``vote``.
        source: the dataset that the votes were read from, whose rows are trained on as they are.
        carry: whether to keep the source's other columns, too.

    Raises:
        BadInputError: votes without texts, or no votes but ties.
    """
    if votes.texts is None:
        raise BadInputError("the votes have no texts", expected="votes with prompt, response_a and response_b")
    weight = np.ones(len(votes)) if votes.weight is None else votes.weight
    if not (weight * np.abs(votes.sign)).any():
        raise BadInputError(
            "there are no votes but ties" + (" and votes of weight 0" if votes.sign.any() else ""),
            expected="votes for one of two answers",
        )
    decided = (votes.sign != 0) & (weight > 0)
    tied, unweighted = _left_out(votes, decided)
    if one_row_per == "vote":
        which = np.flatnonzero(decided)
        votes, weight, decided = _each_alone(votes, which), weight[which], decided[which]
    total = np.bincount(votes.pair, weight * decided, minlength=votes.n_pairs)
    lead = np.bincount(votes.pair, weight * votes.sign, minlength=votes.n_pairs)
    pair = np.flatnonzero(total)
    side = np.where(lead >= 0, 1, -1).astype(np.int8)
    share = (1 + np.abs(lead[pair]) / total[pair]) / 2
    mean = total[pair] / np.bincount(votes.pair[decided], minlength=votes.n_pairs)[pair]
    # The first vote for the answer with most votes: its row prefers that answer as it is.
    speaks = np.flatnonzero(decided & (votes.sign == side[votes.pair]))
    first = first_of_each(votes.pair[speaks], speaks, votes.n_pairs)[pair]
    return TrainingRows(
        votes,
        _dataset(votes, first, source, carry=carry),
        pair,
        side[pair],
        None if (share == 1).all() else share,
        tied,
        None if (mean == 1).all() else mean,
        unweighted,
    )


def _left_out(votes: Votes, decided: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """The numbers of pairs with no votes but ties, and of other pairs with no votes that count."""
    some, used = np.zeros(votes.n_pairs, bool), np.zeros(votes.n_pairs, bool)
    some[votes.pair[votes.sign != 0]] = True
    used[votes.pair[decided]] = True
    return int((~some).sum()), int((some & ~used).sum())


def _dataset(votes: Votes, first: npt.NDArray[np.int64], source: Any, *, carry: bool) -> Dataset:
    """The rows of the votes ``first``, as their source has them."""
    if source is None or votes.row is None:
        rows = rows_of_votes(votes, first)
    else:
        kept = [name for name in source.column_names if carry or name in SHOWN]
        rows = gathered(source.select_columns(kept), votes.row[first])
        if "prompt" not in kept:
            # As TRL does: the prompt is what both answers start with.
            rows = rows.map(with_prompt)
    if ROW in rows.column_names:
        rows = rows.remove_columns(ROW)
    return rows.add_column(ROW, np.arange(len(first)))


def _each_alone(votes: Votes, decided: npt.NDArray[np.int64]) -> Votes:
    """The votes that are not ties, each on a pair of its own."""
    pair = votes.pair[decided]
    names = pa.array([f"{p}#{i}" for i, p in enumerate(votes.pair_ids.take(pa.array(pair)).to_pylist())])
    of_pair: dict[str, Any] = {
        name: None if (value := getattr(votes, name)) is None else value[pair] for name in ("margin", "domain", "gold")
    }
    of_vote: dict[str, Any] = {
        name: None if (value := getattr(votes, name)) is None else value[decided]
        for name in ("swapped", "weight", "judgement", "time", "row", "flipped")
    }
    return replace(
        votes,
        pair=np.arange(len(decided), dtype=np.int32),
        annotator=votes.annotator[decided],
        sign=votes.sign[decided],
        pair_ids=names,
        table=None if votes.table is None else votes.table.take(pa.array(decided)),
        texts=None if votes.texts is None else votes.texts.take(pa.array(pair)),
        answers=None,
        **of_pair,
        **of_vote,
    )
