"""Which prior predicts real votes best? The figures behind the default `prior="fit"`.

Ten-fold: a tenth of the real votes is held out, reliabilities and posteriors are estimated from the rest, and each
held-out vote is predicted as 1/2 + rho (p - 1/2). Prints the mean log-loss per vote with its difference to the best
(and the standard error of that difference over votes), and on all votes the agreement of pairs with `gold` and the AUC
of `confidence` for wrong votes.

    python experiments/default_prior.py [VOTES]
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from harness import Page, each, parser

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.gold import score_against_gold
from votewise.data.votes import Votes
from votewise.inference.observation import vote_probability
from votewise.inference.priors import Beta
from votewise.sources import read_votes

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
    """The votes at ``keep``, with all annotators and pairs."""
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
        # No vote is given a probability below one in a thousand, so no prior has an infinite loss.
        losses[out] = -np.log(np.clip(np.where(votes.sign[out] > 0, p, 1 - p), 1e-3, None))
    return losses


def of_choice(votes: Votes, name: str) -> tuple[np.ndarray, list[str]]:
    """Held-out losses of one of the ``CHOICES``, and its last cells of the table."""
    result = estimate_reliability(votes, intervals=False, **CHOICES[name])
    gold = score_against_gold(votes, result)
    right = [f"{gold.accuracy:.2%}", f"{gold.auc:.4f}"] if gold and gold.auc else ["", ""]
    return held_out_losses(votes, CHOICES[name]), [*right, str(result.iterations)]


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("votes", nargs="?", help="votes to use instead of the real ones")
    args = arguments.parse_args()
    if args.votes is None and not DATA.exists():
        print(f"skipped: the real votes are not at {DATA}")
        return
    page = Page("Priors on real votes", args)
    read = read_votes(args.votes or str(DATA))
    votes = replace(only(read, np.flatnonzero(read.sign)), gold=read.gold)
    runs = each(partial(of_choice, votes), CHOICES, args.workers)
    losses, scores = ({name: run[i] for name, run in zip(CHOICES, runs, strict=True)} for i in (0, 1))
    order = sorted(losses, key=lambda name: losses[name].mean())
    rows = []
    for name in order:
        more = losses[name] - losses[order[0]]
        error = more.std(ddof=1) / np.sqrt(len(more))
        rows.append([name, f"{losses[name].mean():.4f}", f"{more.mean():.4f} ({error:.4f})", *scores[name]])
    page.table(
        ["prior, point", "held-out loss", "to the best", "pairs right", "AUC", "steps"],
        rows,
        f"{Path(args.votes or DATA).name}: {len(votes):,} votes that are not ties, {FOLDS} folds; log-loss per held-out "
        "vote, its difference to the best (standard error), and on all votes agreement with gold and steps of EM.",
    )
    page.write(
        "The papers use no prior. On real votes the fitted prior loses "
        f"{losses['fitted, mean'].mean() - losses[order[0]].mean():.4f} to the best of {len(CHOICES)} choices in held-out "
        f"log-loss, Beta(5, 2) {losses['Beta(5, 2), mean'].mean() - losses[order[0]].mean():.4f}, no prior "
        f"{losses['none'].mean() - losses[order[0]].mean():.4f}."
    )


if __name__ == "__main__":
    main()
