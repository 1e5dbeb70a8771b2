"""Which model of pairs predicts votes that were hidden from it? On any file of votes, and on data that follow each model.

Real votes: one vote of each pair is hidden, in `--splits` ways, and every model predicts it: pairs equally hard, pairs of
different difficulty, answers with strengths of their own. Then data are drawn from each model with the numbers of the real
file: how often the gate (`model="auto"`) chooses which model, what the choice costs, and how many intervals hold the truth.

    python experiments/hidden_votes.py [--votes FILE] [--splits 3] [--data-sets 20]
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from harness import Page, each, parser
from scipy.special import expit, logit

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.evidence import evidence_of
from votewise.annotators.fit_settings import FitSettings
from votewise.annotators.pair_models import best_model, compare_pair_models
from votewise.data.answer_codes import answer_codes
from votewise.data.votes import Votes
from votewise.sources import read_votes

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "convincing_arguments.parquet"
SETTINGS = FitSettings(intervals=False)
TRUTHS = {"equal": 0.0, "difficulty": 1.0, "items": 0.4}
SIZES = {"as the real file": 1.0, "a tenth of its annotators": 0.1}


def draw(seed: int, what: str, shape: dict[str, Any]) -> tuple[Votes, np.ndarray, np.ndarray]:
    """Votes of a model: who votes on what as in ``shape``; with reliabilities over all pairs, and true signs."""
    random = np.random.default_rng(seed)
    pair, annotator, answers = shape["pair"], shape["annotator"], shape["answers"]
    pairs, annotators = len(answers), int(annotator.max()) + 1
    eta = random.beta(12, 2.5, annotators)
    if what == "items":
        s2 = TRUTHS[what] ** 2
        theta = random.normal(0, np.sqrt((1 - s2) / 2), answers.max() + 1)
        z = theta[answers[:, 0]] - theta[answers[:, 1]] + random.normal(0, np.sqrt(s2), pairs)
        usual = np.abs(random.normal(size=4000))
    else:
        z = np.exp(TRUTHS[what] * random.normal(size=pairs)) * random.choice([-1, 1], pairs)
        usual = np.exp(TRUTHS[what] * random.normal(size=4000))
    right = random.random(len(pair)) < expit(logit(eta[annotator]) * np.abs(z[pair]))
    sign = np.where(right, np.sign(z[pair]), -np.sign(z[pair])).astype(np.int8)
    votes = Votes.from_arrays(pair, annotator, sign, answers=answers)
    return votes, expit(np.outer(logit(eta), usual)).mean(axis=1), z


def one_data_set(seed: int, what: str, shape: dict[str, Any]) -> dict[str, Any]:
    """What the gate chooses, and how right each model is."""
    votes, eta, z = draw(seed, what, shape)
    scores = compare_pair_models(evidence_of(votes), votes.answers, SETTINGS)
    found: dict[str, Any] = {"chosen": best_model(scores), "gain": {s.model: s.gain for s in scores}}
    voted = np.bincount(votes.annotator, minlength=votes.n_annotators) > 0
    for model in ("equal", what) if what != "equal" else ("equal",):
        result = estimate_reliability(votes, model=model, fit_tests=False)
        low, high = (result.annotators[name].to_numpy() for name in ("low", "high"))
        p_a = result.pairs["p_a"].to_numpy()
        found[model] = (
            ((low < eta) & (eta < high))[voted].mean(),
            np.maximum(p_a, 1 - p_a).mean() - ((p_a > 0.5) == (z > 0)).mean(),
        )
    return found


def smaller(shape: dict[str, Any], share: float) -> dict[str, Any]:
    """The votes of some of the annotators, on the pairs that they judged."""
    if share == 1:
        return shape
    number = int(shape["annotator"].max()) + 1
    chosen = np.zeros(number, bool)
    chosen[np.random.default_rng(0).permutation(number)[: int(share * number)]] = True
    kept = chosen[shape["annotator"]]
    pairs, pair = np.unique(shape["pair"][kept], return_inverse=True)
    _, annotator = np.unique(shape["annotator"][kept], return_inverse=True)
    return {"pair": pair, "annotator": annotator, "answers": shape["answers"][pairs]}


def main() -> None:
    arguments = parser(__doc__, splits=3, data_sets=20)
    arguments.add_argument("--votes", help="a file of votes; shared/data/convincing_arguments.parquet by default")
    args = arguments.parse_args()
    votes = read_votes(args.votes or str(DATA))
    evidence, answers = evidence_of(votes), answer_codes(votes)
    page = Page("Models of pairs, compared on hidden votes", args)
    splits = [compare_pair_models(evidence, answers, SETTINGS, seed=seed) for seed in range(args.splits)]
    rows = []
    for scores in zip(*splits, strict=True):
        mean = {
            name: float(np.mean([getattr(score, name) for score in scores]))
            for name in ("log_loss", "gain", "standard_error", "calibration_error", "right", "spread")
            if getattr(scores[0], name) is not None
        }
        spread = f"{mean['spread']:.2f}" if "spread" in mean else ""
        gain = f"{mean['gain']:+.4f} ({mean['standard_error']:.4f})" if spread else ""
        rows.append(
            [
                scores[0].model,
                f"{mean['log_loss']:.4f}",
                gain,
                f"{mean['calibration_error']:.3f}",
                f"{mean['right']:.1%}",
                spread,
            ]
        )
    page.table(
        ["model", "log-loss", "gain (standard error)", "calibration error", "right", "spread"],
        rows,
        f"{splits[0][0].votes:,} hidden votes of {Path(args.votes or DATA).name}, mean of {args.splits} splits.",
    )
    if answers is None:
        page.write("The votes have no texts, so recurring answers were not tried.")
        return
    whole = {"pair": evidence.pair, "annotator": evidence.annotator, "answers": answers}
    rows, false_choices = [], []
    for size, share in SIZES.items():
        shape = smaller(whole, share)
        for what in TRUTHS:
            found = each(partial(one_data_set, what=what, shape=shape), range(args.data_sets), args.workers)
            chosen = [one["chosen"] for one in found]
            if what == "equal":
                false_choices.append(np.mean([name != "equal" for name in chosen]))
            of_equal, own = (np.mean([one[name] for one in found], axis=0) for name in ("equal", what))
            rows.append(
                [
                    size,
                    what,
                    *(f"{chosen.count(name) / len(chosen):.2f}" for name in TRUTHS),
                    *(f"{np.mean([one['gain'][name] for one in found]):+.4f}" for name in ("difficulty", "items")),
                    f"{of_equal[0]:.3f}, {own[0]:.3f}",
                    f"{of_equal[1]:+.3f}, {own[1]:+.3f}",
                ]
            )
    page.table(
        [
            "size",
            "truth",
            *(f"chose {name}" for name in TRUTHS),
            "gain of difficulty",
            "of items",
            "coverage: equal, true",
            "said minus right: equal, true",
        ],
        rows,
        f"Data drawn from each model, {args.data_sets} data sets each: share of data sets in which the gate chooses a "
        "model, "
        "gains on hidden votes, share of 95% intervals that hold the reliability, and how much more pairs are "
        "said to be right "
        "than are, under equal pairs and under the true model.",
    )
    page.write(
        "Pairs that differ in difficulty, and answers that keep their strength, were said to predict hidden votes better by "
        f"0.0118 and 0.0852 nats. Here {splits[0][1].gain:+.4f} and {splits[0][2].gain:+.4f} in the first split; where "
        "pairs are equally hard "
        f"the gate chose a larger model in {max(false_choices):.0%} of the data sets."
    )


if __name__ == "__main__":
    main()
