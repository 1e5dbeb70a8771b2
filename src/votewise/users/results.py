"""What ``estimate_attentiveness`` returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from votewise.arrays import Floats
from votewise.data.clicks import Clicks, Counts
from votewise.inference.diagnostic import Diagnostic
from votewise.users.fit import UsersFit
from votewise.users.tables import cell_beliefs


@dataclass(frozen=True, eq=False)
class AttentivenessResult:
    """Beliefs about users, by cell of equal users, and the prior that they share.

    Attributes:
        cells: one row per cell, in the order of the data: ``comparisons``, ``wins`` (over all domains), ``users``,
            ``attentiveness`` (posterior mean), ``mode``, ``low`` and ``high`` (interval), ``above`` (probability that the
            attentiveness is at least ``threshold``).
        density: the fitted prior: ``attentiveness`` and ``mass``, summing to 1.
        parameters: ``name``, ``value``, ``standard_error``, ``low``, ``high`` (null where there is none).
        win_rates: per domain ``domain``, ``win_rate``, ``low``, ``high`` (null where given), ``fitted``, ``comparisons``,
            ``wins``. Empty for single clicks with probabilities.
        prior: ``{"family": ..., parameters}``.
        prior_width: width of the interval of a user's attentiveness before any of the user's clicks is looked at.
        log_likelihood: of the clicks under the fitted prior, without constants.
        choice: what ``prior="auto"`` compared: ``family``, ``parameters``, ``log_likelihood``, ``bic``; else None.
        converged, iterations, history: of the EM run kept; the history never falls.
        diagnostics: what a reader should know, worst first.
        threshold: attentiveness that ``above`` and users' flags are about.
        level: probability that an interval covers the truth.
        settings: every argument the estimate was made with.
        fit: the fitted family itself.
    """

    cells: pa.Table = field(repr=False)
    density: pa.Table = field(repr=False)
    parameters: pa.Table = field(repr=False)
    win_rates: pa.Table = field(repr=False)
    prior: dict[str, Any]
    prior_width: float = field(repr=False)
    log_likelihood: float
    choice: pa.Table | None = field(repr=False)
    converged: bool
    iterations: int
    history: tuple[float, ...] = field(repr=False)
    diagnostics: tuple[Diagnostic, ...]
    threshold: float
    level: float
    settings: dict[str, Any] = field(repr=False)
    fit: UsersFit = field(repr=False)

    def exceeds(self, threshold: float) -> Floats:
        """(C,) probability that the attentiveness of a user of each cell is at least ``threshold``."""
        return self.fit.exceeds(threshold)

    def beliefs(self, data: Counts | Clicks) -> pa.Table:
        """Beliefs about other users, or the same ones in another stretch of time, with this prior and these win rates.

        Returns:
            One row per cell of ``data``: ``attentiveness``, ``low``, ``high`` (the prior taken as known) and
            ``log_evidence``, the log of the probability of the clicks with the attentiveness summed out.
        """
        return cell_beliefs(self.fit, data, self.level)
