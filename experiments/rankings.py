"""Do 95% intervals hold the truth 95% of the time where votes come from rankings, or from choices of the best answer?

A ranking of n answers gives n (n - 1) / 2 votes that err together, a choice of the best one n - 1. Data sets of 30
annotators with 20 to 200 judgements each (spread evenly in logarithms), reliabilities uniform from 0.6 to 0.95, the
prior fitted to the same votes. Rankings go wrong in eight ways (``votewise.simulate.ranking_noise``), of which the last
four were added after the method was settled; three to seven answers, two to five judgements of each prompt, ties, weights,
and one judgement of each prompt with margins. Prints the coverage with judgements read as orders, with their votes
read one by one (what happens where the answers of pairs are not known), and with every vote independent.

Five answers get two fifths of the data sets, six a fifth, seven two fifths.

    python experiments/rankings.py [--data-sets 10] [--answers 3 4 5 6 7]
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from itertools import combinations, product
from typing import Literal, get_args

import numpy as np
from harness import Page, each, parser

from votewise.annotators.estimate import estimate_reliability
from votewise.arrays import Bools, Floats
from votewise.data.votes import Votes
from votewise.simulate.annotators import SimulatedVotes
from votewise.simulate.ranked_votes import simulate_rankings
from votewise.simulate.ranking_noise import DRAWS, Noise, draw_right

NOISES: tuple[Noise, ...] = (
    "attention",
    "mallows",
    "flips",
    "plackett-luce",
    "swaps",
    "bottom",
    "probit",
    "people",
)
Kind = Literal["order", "best", "ties", "margins", "best, margins", "weights", "best, weights"]
KINDS: tuple[tuple[Kind, int], ...] = (
    ("order", 2),
    ("order", 3),
    ("order", 5),
    ("best", 2),
    ("best", 3),
    ("best", 5),
    ("ties", 3),
    ("margins", 1),
    ("best, margins", 1),
)
OF_SEVEN: tuple[tuple[Kind, int], ...] = (("order", 3), ("best", 3))
WEIGHTED: tuple[tuple[Kind, int], ...] = (("weights", 3), ("best, weights", 3))
TIED = 0.2
"""Probability that an answer is tied with the one before it."""
PART = {3: 1.0, 4: 1.0, 5: 0.4, 6: 0.2, 7: 0.4}
"""Share of the data sets, by number of answers: with more answers they take longer."""


def one_data_set(seed: int, noise: Noise, answers: int, kind: Kind, per_prompt: int) -> list[float]:
    """Coverage, mean error and width with judgements as orders; coverage and error one by one; coverage unmarked."""
    rng = np.random.default_rng([seed, NOISES.index(noise), answers, per_prompt, get_args(Kind).index(kind)])
    data = simulate_rankings(
        noise=noise,
        answers=answers,
        annotators=30,
        rankings_per_prompt=(per_prompt, per_prompt),
        rankings_per_annotator=(20, 200),
        reliability=rng.uniform(0.6, 0.95, 30),
        said="best" if kind.startswith("best") else "order",
        seed=rng,
    )
    votes = data.votes
    if kind == "ties":
        data, votes = _with_ties(data, noise, answers, rng)
    elif "margins" in kind:
        votes = votes.with_margins(_margins(data, answers, rng))
    elif "weights" in kind:
        votes = replace(votes, weight=rng.choice([0.5, 1.0], int(votes.judgement.max()) + 1)[votes.judgement])
    as_orders, singly, unmarked = (
        _held(v, data) for v in (votes, replace(votes, answers=None), replace(votes, judgement=None))
    )
    return [*as_orders, *singly[:2], unmarked[0]]


def _held(votes: Votes, data: SimulatedVotes) -> list[float]:
    table = estimate_reliability(votes).annotators
    low, high, point = (table[name].to_numpy() for name in ("low", "high", "reliability"))
    inside = (low <= data.reliability) & (data.reliability <= high)
    return [float(inside.mean()), float((point - data.reliability).mean()), float((high - low).mean())]


def _with_ties(data: SimulatedVotes, noise: Noise, n: int, rng: np.random.Generator) -> tuple[SimulatedVotes, Votes]:
    """The votes, with answers that follow one another in a ranking tied at random.

    What is left compares answers that are further apart, so reliabilities become the expected shares of right votes in it.
    """
    correct = data.correct.reshape(-1, n * (n - 1) // 2)
    sign = np.where(_tied(correct, n, rng).ravel(), 0, data.votes.sign).astype(np.int8)
    share = np.empty(len(data.reliability))
    for i in range(2):
        share[i::2] = np.interp(data.reliability[i::2], *_shares_without_ties(noise, n, i))
    return replace(data, reliability=share), replace(data.votes, sign=sign)


def _tied(correct: Bools, n: int, rng: np.random.Generator) -> Bools:
    """(J, m) which comparisons of each ranking are ties."""
    pairs = np.array(list(combinations(range(n), 2)))
    winner = np.where(correct, pairs[:, 0], pairs[:, 1])
    place = n - 1 - (winner[:, :, None] == np.arange(n)).sum(axis=1)
    level = np.cumsum(rng.random((len(place), n)) >= TIED, axis=1)
    level = np.take_along_axis(level, place, axis=1)
    return np.asarray(level[:, pairs[:, 0]] == level[:, pairs[:, 1]])


@cache
def _shares_without_ties(noise: Noise, n: int, annotator: int) -> tuple[Floats, Floats]:
    """Reliabilities in whole rankings, and the shares of right votes where there is no tie."""
    rng, eta, share = np.random.default_rng(1), np.linspace(0.5, 0.98, 25), []
    for value in eta:
        quality = -np.sort(-rng.standard_normal((DRAWS, n)), axis=1)
        correct = draw_right(noise, np.full(DRAWS, value), np.full(DRAWS, annotator), quality, rng)
        share.append(correct[~_tied(correct, n, rng)].mean())
    return eta, np.maximum.accumulate(share)


def _margins(data: SimulatedVotes, n: int, rng: np.random.Generator) -> Floats:
    """(M,) calibrated margins: scores with Gumbel noise put the answers in their true order."""
    m = n * (n - 1) // 2
    score = 1.5 * rng.normal(size=(len(data.truth) // m, n))
    order = np.argsort(-(score + rng.gumbel(size=score.shape)), axis=1)
    score = np.take_along_axis(score, order, axis=1)
    first, second = np.array(list(combinations(range(n), 2))).T
    return (score[:, first] - score[:, second]).ravel() * data.truth


def _settings(answers: list[int]) -> list[tuple[Kind, int, int]]:
    """(what is said, judgements per prompt, answers) of every row."""
    found = [(kind, number, n) for n in answers for kind, number in (KINDS if n <= 6 else OF_SEVEN)]
    return [*found, *((kind, number, n) for n in answers if n == 4 for kind, number in WEIGHTED)]


def main() -> None:
    flags = parser(__doc__, data_sets=10)
    flags.add_argument("--answers", type=int, nargs="+", default=[3, 4, 5, 6, 7])
    args = flags.parse_args()
    page = Page("Coverage of intervals where votes come from rankings", args)
    rows, coverage, errors = [], [], []
    for (kind, per_prompt, answers), noise in product(_settings(args.answers), NOISES):
        run = partial(one_data_set, noise=noise, answers=answers, kind=kind, per_prompt=per_prompt)
        found = np.array(each(run, range(max(2, round(PART[answers] * args.data_sets))), args.workers))
        mean = found.mean(axis=0)
        spread = found[:, 0].std(ddof=1) / np.sqrt(len(found))
        figures = [f"{mean[0]:.3f} ({spread:.3f})", f"{mean[1]:+.3f}", f"{mean[2]:.3f}"]
        figures += [f"{mean[3]:.3f}", f"{mean[4]:+.3f}", f"{mean[5]:.3f}"]
        rows.append([kind, per_prompt, answers, noise, len(found), *figures])
        print(*rows[-1], flush=True)
        if "weights" not in kind:
            coverage.append(mean[0])
            errors.append(abs(mean[1]))
    heads = ["said", "judgements per prompt", "answers", "noise", "data sets", "as orders", "error", "width"]
    page.table(
        [*heads, "one by one", "error, one by one", "every vote independent"],
        rows,
        "Data sets of 30 annotators: mean coverage (standard error), mean error of the reliabilities and mean width of "
        "their intervals. With weights (0.5 or 1 for each judgement) votes are read one by one in any case.",
    )
    within = np.mean([0.93 <= c <= 0.97 for c in coverage])
    page.write(
        f"As orders, 95% intervals hold the truth in {min(coverage):.1%} to {max(coverage):.1%} of the cases, in "
        f"{np.mean(coverage):.1%} on average; in {within:.0%} of the {len(coverage)} settings in 93 to 97%, in "
        f"{np.mean([c < 0.93 for c in coverage]):.0%} in fewer. The mean error is at most {max(errors):.3f}."
    )


if __name__ == "__main__":
    main()
