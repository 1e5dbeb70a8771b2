"""Does the interval of how sure a jury is hold how sure the true model of these judges is?

Four judges of three families, with 120 pairs with gold. The true model's mean probability of its verdicts is known from many
more pairs. Printed are the share of juries whose interval of 95% holds it, and the mean width.

    python experiments/jury_intervals.py [--juries 60] [--pairs 120]
"""

from __future__ import annotations

from functools import partial

import numpy as np
from harness import Page, each, parser
from scipy.special import expit

from votewise.annotators.jury_votes import jury_votes
from votewise.annotators.jury_worth import jury_worth
from votewise.inference.jury_model import JuryModel
from votewise.sources import read_votes

JUDGES = JuryModel(np.array([0.85, 0.8, 0.75, 0.7]), np.array([0, 0, 1, 2], np.int32), 0.3, 0.5)
PAIRS_OF_TRUTH = 200_000


def one_jury(seed: int, pairs: int) -> tuple[float, float]:
    """The ends of a jury's interval of how sure it is."""
    right = JUDGES.draw(pairs, np.random.default_rng([seed, 1]))
    rows = [
        {"prompt": f"p{i}", "response_a": f"better {i}", "response_b": f"worse {i}", "annotator": f"judge {j}"}
        | {"label": "a" if right[i, j] > 0 else "b", "group": f"family-{JUDGES.family[j]}", "gold": "a"}
        for i, j in np.ndindex(right.shape)
    ]
    together = jury_worth(jury_votes(read_votes(rows)), seed=seed).together
    assert together is not None
    return together.said.low, together.said.high


def main() -> None:
    args = parser(__doc__, juries=60, pairs=120).parse_args()
    page = Page("How sure a jury is", args)
    found = np.array(each(partial(one_jury, pairs=args.pairs), range(args.juries), args.workers))
    true = float(expit(np.abs(JUDGES.log_odds(JUDGES.draw(PAIRS_OF_TRUTH, np.random.default_rng(0))))).mean())
    held = (found[:, 0] <= true) & (true <= found[:, 1])
    share, width = float(held.mean()), float((found[:, 1] - found[:, 0]).mean())
    error = float(np.sqrt(share * (1 - share) / len(held)))
    page.table(
        ["juries", "true model", "holds it", "standard error", "mean width"],
        [[str(len(held)), f"{true:.3f}", f"{share:.3f}", f"{error:.3f}", f"{width:.3f}"]],
        f"Intervals of 95%, of juries fitted to {args.pairs} pairs with gold.",
    )
    page.write(
        f"The interval of how sure a jury is holds how sure the true model is in {int(held.sum())} of {len(held)} juries."
    )


if __name__ == "__main__":
    main()
