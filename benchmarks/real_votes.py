"""Accuracy on real votes with gold answers, compared with majority voting and crowd-kit's Dawid-Skene models.

python benchmarks/real_votes.py [VOTES]
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.gold import score_against_gold
from votewise.data.votes import Votes
from votewise.inference.priors import Beta
from votewise.sources import read_votes

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "convincing_arguments.parquet"
OURS = {"prior='fit' (the default)": {}, "prior=Beta(5, 2)": {"prior": Beta(5, 2)}, "prior=None": {"prior": None}}


def peers(votes: Votes) -> None:
    """crowd-kit's models on the votes that are not ties."""
    try:
        import pandas as pd
        from crowdkit.aggregation import DawidSkene, OneCoinDawidSkene
    except ImportError:
        print("crowd-kit is not installed: pip install 'votewise[bench]'")
        return
    decided = votes.sign != 0
    table = pd.DataFrame(
        {"task": votes.pair[decided], "worker": votes.annotator[decided], "label": votes.sign[decided]}
    )
    gold = votes.gold
    for model in (OneCoinDawidSkene, DawidSkene):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            labels = model(n_iter=100).fit_predict(table)
        judged = labels[gold[labels.index.to_numpy()] != 0]
        right = (judged.to_numpy() == gold[judged.index.to_numpy()]).mean()
        print(f"{'crowd-kit ' + model.__name__:<32}{right:>12.2%}")


def main() -> None:
    source = sys.argv[1] if len(sys.argv) > 1 else str(DATA)
    if not Path(source).exists():
        print(f"{source} does not exist: give a file of votes with a gold column")
        return
    votes = read_votes(source)
    if votes.gold is None:
        print(f"{source} has no gold column")
        return
    print(f"{source}: {len(votes):,} votes, gold for {int(np.count_nonzero(votes.gold)):,} pairs")
    print(f"{'':<32}{'pairs right':>12}{'AUC':>10}")
    for name, settings in OURS.items():
        scores = score_against_gold(votes, estimate_reliability(votes, **settings))
        if scores is None:
            continue
        if name.startswith("prior='fit'"):
            print(f"{'majority, even splits half':<32}{scores.majority_accuracy:>12.2%}")
        print(f"{name:<32}{scores.accuracy:>12.2%}{scores.auc:>10.4f}")
    peers(votes)


if __name__ == "__main__":
    main()
