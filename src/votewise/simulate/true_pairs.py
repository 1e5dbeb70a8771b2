"""Pairs whose truth is known, to vote on: made up, or read from a file."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from votewise.arrays import Signs
from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.simulate.design import Codes


@dataclass(frozen=True, eq=False)
class TruePairs:
    """M pairs and their truth.

    Attributes:
        truth: (M,) +1 where response_a is truly better, else -1.
        ids: (M,) their names; None where a pair is called by its number.
        texts: (M rows) as in ``Votes``; None without texts.
        domain: (M,) the domain's name, null where unknown; None without domains.
        undecided: pairs of the source that are left out because nothing says which response is better.
    """

    truth: Signs
    ids: pa.Array | None = None
    texts: pa.Table | None = None
    domain: pa.Array | None = None
    undecided: int = 0

    def __len__(self) -> int:
        return len(self.truth)

    @classmethod
    def made_up(cls, size: int, seed: int) -> TruePairs:
        """``size`` pairs without texts; which response is better is a coin toss."""
        return cls(np.where(np.random.default_rng([seed, 6]).integers(0, 2, size, np.int8), 1, -1).astype(np.int8))

    @classmethod
    def of(cls, votes: Votes) -> TruePairs:
        """The pairs of a preference file: the truth is the gold label, or else what most votes on the pair say.

        Raises:
            BadInputError: when no pair is decided.
        """
        weight = np.ones(len(votes)) if votes.weight is None else votes.weight
        lead = np.sign(np.bincount(votes.pair, weight * votes.sign, minlength=votes.n_pairs))
        truth = lead if votes.gold is None else np.where(votes.gold != 0, votes.gold, lead)
        known = pa.array(truth != 0)
        if not truth.any():
            raise BadInputError("no pair has a better response", expected="a chosen response, votes or gold labels")
        domain = None
        if votes.domain is not None:
            names = pa.array(votes.domain_ids, pa.string())
            domain = names.take(pa.array(votes.domain, mask=votes.domain < 0)).filter(known)
        ids = votes.pair_ids.filter(known)
        texts = None if votes.texts is None else votes.texts.filter(known)
        return cls(truth[truth != 0].astype(np.int8), ids, texts, domain, int((truth == 0).sum()))

    def sample(self, size: int | None, seed: int) -> TruePairs:
        """A random ``size`` of them, in their order; all of them for None.

        Raises BadInputError where there are fewer.
        """
        if size is None:
            return self
        if not 1 <= size <= len(self):
            raise BadInputError(
                "out of range", parameter="pairs", value=size, expected=f"1 to {len(self):,}, all there are"
            )
        return self.take(np.sort(np.random.default_rng([seed, 8]).permutation(len(self))[:size]))

    def take(self, pairs: Codes) -> TruePairs:
        """Only these pairs."""
        at = pa.array(pairs)
        ids, texts, domain = (
            None if column is None else column.take(at) for column in (self.ids, self.texts, self.domain)
        )
        return replace(self, truth=self.truth[pairs], ids=ids, texts=texts, domain=domain)
