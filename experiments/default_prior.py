"""Which prior predicts real votes best? The figures behind the default `prior="fit"`.

Ten-fold: a tenth of the real votes is held out, reliabilities and posteriors are estimated from the rest, and each held-out
vote is predicted as 1/2 + rho (p - 1/2). Prints the mean log-loss per vote with its difference to the best (and the
standard error of that difference over votes), and on all votes the agreement of pairs with `gold` and the AUC of
`confidence` for wrong votes.

    python experiments/default_prior.py [VOTES]
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from votewise.gold import score_against_gold
from votewise.observation import vote_probability
from votewise.priors import Beta
from votewise.readers import read_votes
from votewise.reliability import estimate_reliability
from votewise.votes import Votes

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "convincing_arguments.parquet"
FOLDS = 10
BETAS = (Beta(2, 1), Beta(3, 1.5), Beta(4, 1), Beta(4, 2), Beta(5, 2), Beta(8, 2), Beta(8, 3), Beta(20, 5), Beta(20, 6))
CHOICES: dict[str, dict[str, Any]] = {
    "fitted, mean": {"prior": "fit"},
    "none": {"prior": None},
    **{f"Beta({b.c:g}, {b.d:g}), mean": {"prior": b} for b in BETAS},
    **{f"Beta({b.c:g}, {b.d:g}), mode": {"prior": b, "point": "mode"} for b in BETAS},
}


def only(votes: Votes, keep: np.ndarray) -> Votes:
    """The votes at ``keep``, all annotators and pairs still there."""
    return Votes.from_arrays(
        votes.pair[keep],
        votes.annotator[keep],
        votes.sign[keep],
        pair_ids=votes.pair_ids,
        annotator_ids=votes.annotator_ids,
    )


def held_out_losses(votes: Votes, settings: dict[str, Any]) -> np.ndarray:
    """(n,) log-loss of each vote, predicted without it."""
    fold = np.random.default_rng(0).integers(0, FOLDS, len(votes))
    losses = np.empty(len(votes))
    for number in range(FOLDS):
        out = fold == number
        result = estimate_reliability(only(votes, ~out), intervals=False, **settings)
        eta = result.annotators["reliability"].to_numpy()[votes.annotator[out]]
        p = vote_probability(result.pairs["p_a"].to_numpy()[votes.pair[out]], eta)
        # One in a thousand is the most that any prior may stake against a vote, so that none has an infinite loss.
        losses[out] = -np.log(np.clip(np.where(votes.sign[out] > 0, p, 1 - p), 1e-3, None))
    return losses


def main() -> None:
    source = sys.argv[1] if len(sys.argv) > 1 else str(DATA)
    read = read_votes(source)
    votes = replace(only(read, np.flatnonzero(read.sign)), gold=read.gold)
    losses = {name: held_out_losses(votes, settings) for name, settings in CHOICES.items()}
    best = min(losses.values(), key=np.mean)
    print(f"{source}: {len(votes):,} votes that are no ties, {FOLDS} folds")
    print(f"{'prior, point':<22}{'held-out loss':>14}{'to the best':>20}{'pairs right':>13}{'AUC':>8}{'steps':>7}")
    for name, loss in sorted(losses.items(), key=lambda item: item[1].mean()):
        result = estimate_reliability(votes, intervals=False, **CHOICES[name])
        gold = score_against_gold(votes, result)
        more = loss - best
        error = more.std(ddof=1) / np.sqrt(len(more))
        scores = f"{gold.accuracy:>12.2%}{gold.auc:>9.4f}" if gold and gold.auc else " " * 21
        print(f"{name:<22}{loss.mean():>14.4f}{more.mean():>12.4f} ({error:.4f}){scores}{result.iterations:>7}")


if __name__ == "__main__":
    main()
