"""Is EM as good as any estimator can be? Root mean squared errors against the Cramer-Rao bound, and coverage for users.

Rows of [UAA table 4]: m users with n comparisons each, win rate 0.8, attentiveness from two points (0.6 at 0.4, 0.4 at 0.98)
or from Beta(3, 5). Prints per parameter the root mean squared error over the draws as a ratio to the Cramer-Rao bound of the
marginal model (computed from the exact distribution of a user's wins), the median over draws of the largest relative error,
its 10% and 90% quantiles, the paper's single draw, and the share of users whose 95% interval holds their attentiveness.

    python experiments/efficiency.py [--draws 200]
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
from scipy.stats import binom

from votewise.attentiveness import Counts, estimate_attentiveness
from votewise.priors import Beta, Grid

MU = 0.8
ROWS = ((200, 50), (400, 50), (200, 100), (400, 100), (800, 100), (800, 200))
TRUTHS = {"two-point": {"q": 0.6, "low": 0.4, "high": 0.98}, "beta": {"c": 3.0, "d": 5.0}}
PAPER = {"two-point": (12.0, 5.1, 2.1, 1.3, 0.8, 0.5), "beta": (20.3, 15.1, 20.0, 5.3, 4.8, 0.4)}
"""Largest relative error, per cent, of the single draws that the paper shows."""


def wins_distribution(family: str, values: np.ndarray, n: int) -> np.ndarray:
    """(n + 1,) probability of each number of wins of a user."""
    if family == "two-point":
        q, low, high = values
        nodes, mass = np.array([low, high]), np.array([q, 1 - q])
    else:
        grid = Grid.of_size(2000)
        nodes, mass = grid.x, np.exp(grid.log_mass(Beta(*values)))
    return binom.pmf(np.arange(n + 1)[:, None], n, 0.5 + nodes * (MU - 0.5)) @ mass


def cramer_rao(family: str, m: int, n: int) -> np.ndarray:
    """Smallest standard errors of an unbiased estimator from m users."""
    values = np.array(list(TRUTHS[family].values()))
    p = wins_distribution(family, values, n)
    steps = 1e-4 * np.maximum(values, 0.1) * np.eye(len(values))
    scores = np.stack(
        [
            (wins_distribution(family, values + h, n) - wins_distribution(family, values - h, n)) / (2 * h.sum())
            for h in steps
        ]
    )
    information = m * (scores / np.maximum(p, 1e-300)) @ scores.T
    return np.sqrt(np.diag(np.linalg.inv(information)))


def one_draw(seed: int, family: str, m: int, n: int) -> tuple[list[float], float]:
    """Estimated parameters and coverage for users of one simulated crowd."""
    rng = np.random.default_rng([seed, m, n, list(TRUTHS).index(family)])
    t = TRUTHS[family]
    rho = (
        np.where(rng.random(m) < t["q"], t["low"], t["high"]) if family == "two-point" else rng.beta(t["c"], t["d"], m)
    )
    counts, cell_of = Counts.of_users(np.full(m, n), rng.binomial(n, 0.5 + rho * (MU - 0.5)))
    result = estimate_attentiveness(counts, win_rate=MU, prior=family)
    low, high = (result.cells[name].to_numpy()[cell_of] for name in ("low", "high"))
    return [result.prior[name] for name in t], float(((low <= rho) & (rho <= high)).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=200)
    args = parser.parse_args()
    with ProcessPoolExecutor() as pool:
        for family, truth in TRUTHS.items():
            names = list(truth)
            print(f"\n{family}, truth {truth}, win rate {MU}, {args.draws} draws")
            print(
                f"{'m':>5}{'n':>5}   "
                + "".join(f"{'rmse/bound ' + k:>17}" for k in names)
                + "   largest error: median (10% to 90%)  paper   coverage"
            )
            for (m, n), paper in zip(ROWS, PAPER[family], strict=True):
                draws = list(pool.map(partial(one_draw, family=family, m=m, n=n), range(args.draws), chunksize=10))
                found, true = np.array([d[0] for d in draws]), np.array(list(truth.values()))
                ratio = np.sqrt(((found - true) ** 2).mean(axis=0)) / cramer_rao(family, m, n)
                worst = 100 * np.abs(found / true - 1).max(axis=1)
                low, middle, high = np.quantile(worst, [0.1, 0.5, 0.9])
                cells = "".join(f"{r:>17.2f}" for r in ratio)
                rank = (worst < paper).mean()
                print(
                    f"{m:>5}{n:>5}   {cells}   {middle:>10.1f}% ({low:.1f} to {high:.1f}%)"
                    f"   {paper:>4}% (rank {rank:.2f})   {np.mean([d[1] for d in draws]):.3f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
