"""What ``estimate_reliability`` returns: a frozen dataclass with tables in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from votewise.annotators.fit_tests import FitTests
from votewise.annotators.group_beliefs import SharedError
from votewise.inference.diagnostic import Diagnostic


@dataclass(frozen=True, eq=False)
class ReliabilityResult:
    """Beliefs about annotators, votes and pairs.

    Attributes:
        annotators: one row per annotator, in the order of ``Votes.annotator_ids``: ``annotator`` (str), ``votes`` (ties
            included), ``ties``, ``reliability`` (probability that a vote that is not a tie agrees with the truth), ``low``
            and ``high`` (interval), ``agreement`` (share of the votes that agree with the likelier truth according to
            all other annotators' votes; null where no other annotator voted), ``first_share`` (share of the votes that
            went to the response shown first; null where unknown) with ``first_low`` and ``first_high``, ``flag``
            (``reliable``, ``unsure``, ``casual``, ``adversarial`` or ``position-biased``). Interval columns are null without
            intervals.
        votes: one row per vote, in the order of ``Votes``: the source's columns, ``pair`` and ``annotator`` where the
            source lacks them, and ``confidence`` (probability that the vote agrees with the truth; null for a tie).
        pairs: one row per pair: ``pair``, ``p_a`` (probability that response_a is truly better), ``votes`` (ties
            included), ``ties``, ``disagreement`` (share of the votes, without ties, against the pair's majority, 0 to 0.5).
        calibration: ten or fewer rows. All other votes predict how likely each vote is to go to the likelier response; of
            those predicted between ``low`` and ``high``: number of ``votes``, mean ``predicted``, ``observed`` share with
            ``observed_low`` and ``observed_high``.
        prior: ``{"family": "beta", "c": ..., "d": ..., "outliers": ..., "fitted": bool}`` or ``{"family": "none"}``.
        prior_width: width of the interval that the prior alone gives, before any vote.
        temperature: the factor by which margins were multiplied.
        converged: whether the tolerance was reached. ``iterations``: EM steps done. ``history``: objective after each.
        diagnostics: what a reader should know, worst first.
        settings: every argument the estimate was made with.
        compared: how well models of pairs predict hidden votes, the fields of ``ModelScore`` each; empty unless ``model`` is
            ``auto``.
        names: our columns in ``votes`` -> the names that they have there: ``votewise_confidence`` where the source has a
            ``confidence`` of its own, which keeps its name.
        fit_tests: whether the model describes the votes; None where that was not asked for.
        groups: what is known about each group of annotators who err together; ``annotators`` then has a column ``group``.
        said: mean probability of the likelier response with groups, and without them; None where there are no groups.
    """

    annotators: pa.Table = field(repr=False)
    votes: pa.Table = field(repr=False)
    pairs: pa.Table = field(repr=False)
    calibration: pa.Table = field(repr=False)
    prior: dict[str, Any]
    prior_width: float
    temperature: float
    converged: bool
    iterations: int
    history: tuple[float, ...] = field(repr=False)
    diagnostics: tuple[Diagnostic, ...]
    settings: dict[str, Any] = field(repr=False)
    compared: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    names: dict[str, str] = field(default_factory=dict, repr=False)
    fit_tests: FitTests | None = field(default=None, repr=False)
    groups: tuple[SharedError, ...] = ()
    said: tuple[float, float] | None = None

    @property
    def confidence(self) -> pa.ChunkedArray:
        """(n,) our column of ``votes`` with the confidence of each, whatever its name is there."""
        return self.votes[self.names.get("confidence", "confidence")]
