"""Do probabilities mean what they say? Bins of predicted probability against observed shares."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import ndtri

from votewise.arrays import Floats
from votewise.defaults import LEVEL

BINS = 10


def share_interval(hits: npt.ArrayLike, trials: npt.ArrayLike, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Wilson's interval for a share of ``hits`` among ``trials``, both any shape; 0 to 1 where there were no trials."""
    x, n = np.asarray(hits, np.float64), np.asarray(trials, np.float64)
    z2 = float(ndtri((1 + level) / 2)) ** 2
    middle = (x + z2 / 2) / (n + z2)
    reach = np.sqrt(z2 * (np.where(n > 0, x * (n - x) / np.maximum(n, 1), 0.0) + z2 / 4)) / (n + z2)
    return np.clip(middle - reach, 0, 1), np.clip(middle + reach, 0, 1)


def calibration_table(
    predicted: Floats,
    happened: npt.NDArray[np.bool_],
    *,
    low: float = 0.0,
    bins: int = BINS,
    worth: Floats | None = None,
) -> pa.Table:
    """Compare probabilities with outcomes in ``bins`` equal bins from ``low`` to 1; empty bins are left out.

    Args:
        predicted: (n,) probabilities.
        happened: (n,) whether each event happened.
        low: where the first bin starts.
        bins: how many bins.
        worth: (n,) how many independent events each counts for in the intervals; None for one each.

    Returns:
        Columns ``low``, ``high`` (the bin), ``votes`` (how many), ``predicted`` (their mean), ``observed`` (share that
        happened), ``observed_low``, ``observed_high`` (95% interval).
    """
    edges = np.linspace(low, 1.0, bins + 1)
    which = np.clip(((predicted - low) * (bins / (1 - low))).astype(np.int64), 0, bins - 1)
    number = np.bincount(which, minlength=bins)
    keep = np.flatnonzero(number)
    hits = np.bincount(which, happened, minlength=bins)[keep]
    mean = np.bincount(which, predicted, minlength=bins)[keep] / number[keep]
    independent = 1.0 if worth is None else np.bincount(which, worth, minlength=bins)[keep] / number[keep]
    observed_low, observed_high = share_interval(hits * independent, number[keep] * independent)
    return pa.table(
        {
            "low": edges[keep],
            "high": edges[keep + 1],
            "votes": number[keep],
            "predicted": mean,
            "observed": hits / number[keep],
            "observed_low": observed_low,
            "observed_high": observed_high,
        }
    )


def expected_calibration_error(table: pa.Table) -> float:
    """Mean distance between predicted and observed over the bins of a ``calibration_table``, weighted by votes."""
    votes = table["votes"].to_numpy()
    gap = np.abs(table["predicted"].to_numpy() - table["observed"].to_numpy())
    return float(votes @ gap / votes.sum()) if votes.sum() else 0.0


def predictive_calibration(predicted: Floats, informed: npt.NDArray[np.bool_], worth: Floats | None = None) -> pa.Table:
    """How well each vote is predicted by everything but itself; needs no truth.

    The event is that a vote goes to the response it was predicted to go to, so predictions run from 1/2 to 1.

    Args:
        predicted: (n,) probability of each vote coming out as it did.
        informed: (n,) whether anything except the vote itself is known about its pair; the others are left out.
        worth: (n,) how many independent votes each counts for in the intervals; None for one each.
    """
    known = predicted[informed]
    return calibration_table(
        np.maximum(known, 1 - known), known > 0.5, low=0.5, worth=None if worth is None else worth[informed]
    )
