"""Do 95% intervals hold the truth 95% of the time where votes come from rankings?

A ranking of n answers gives n (n - 1) / 2 votes that err together. Data sets of 30 to 60 annotators with 20 to 100 rankings
each (spread evenly in logarithms), reliabilities from Beta(5, 2), the prior fitted to the same votes; four ways in which a
ranking can go wrong, and independent votes (``votewise.simulate.ranked_votes``). Prints the coverage with rankings marked as
judgements, with the marks taken away (every vote counts as independent), and, as a control, of independent votes that are
as often right as those of the rankings: what is missing there is due to pairs that differ in difficulty, not to rankings. A
second table has annotators who only say which of four answers is the best.

    python experiments/rankings.py [--data-sets 100]
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import combinations, product

import numpy as np
from harness import Page, each, parser

from votewise.annotators.estimate import estimate_reliability
from votewise.data.votes import Votes
from votewise.inference.calibration import calibration_table, expected_calibration_error
from votewise.simulate.annotators import SimulatedVotes
from votewise.simulate.ranked_votes import Noise, simulate_rankings

NOISES: tuple[Noise, ...] = ("attention", "mallows", "flips", "plackett-luce", "independent")
ANSWERS = (3, 4, 7)
PER_PROMPT = ((1, 3), (2, 2), (3, 3))


def one_data_set(seed: int, noise: Noise, answers: int, per_prompt: tuple[int, int]) -> list[float]:
    """Coverage marked, unmarked and of the control; mean width marked and unmarked; marked, mean error and calibration."""
    rng = np.random.default_rng([seed, NOISES.index(noise), answers, *per_prompt])
    annotators = int(rng.integers(30, 61))
    found: list[list[float]] = []
    for together in (True, False):
        data = simulate_rankings(
            noise=noise,
            answers=answers,
            annotators=annotators,
            rankings_per_prompt=per_prompt,
            together=together,
            seed=rng,
        )
        unmarked = replace(data.votes, judgement=None)
        found += [_held(votes, data) for votes in ((data.votes, unmarked) if together else (unmarked,))]
    marked, today, control = found
    return [marked[0], today[0], control[0], marked[1], today[1], *marked[2:]]


def _held(votes: Votes, data: SimulatedVotes) -> list[float]:
    result = estimate_reliability(votes)
    table, reliability = result.annotators, data.reliability
    confidence = calibration_table(result.votes["confidence"].to_numpy(), data.correct)
    low, high, point = (table[name].to_numpy() for name in ("low", "high", "reliability"))
    inside = (low <= reliability) & (reliability <= high)
    error = float((point - reliability).mean())
    return [float(inside.mean()), float((high - low).mean()), error, expected_calibration_error(confidence)]


def best_of_four(seed: int, noise: Noise, per_prompt: tuple[int, int]) -> list[float]:
    """Coverage marked and unmarked, and mean error marked, where annotators only say which of four answers is best."""
    rng = np.random.default_rng([seed, NOISES.index(noise), *per_prompt])
    data = simulate_rankings(noise=noise, rankings_per_prompt=per_prompt, seed=rng)
    alone = simulate_rankings(
        noise=noise,
        reliability=data.reliability,
        rankings_per_prompt=(1, 1),
        rankings_per_annotator=(2000, 2000),
        seed=rng,
    )
    kept, often = _votes_for_the_best(data), _votes_for_the_best(alone)
    share = np.bincount(often.votes.annotator, often.correct) / np.bincount(often.votes.annotator)
    kept = replace(kept, reliability=share)
    marked, unmarked = (_held(v, kept) for v in (kept.votes, replace(kept.votes, judgement=None)))
    return [marked[0], unmarked[0], marked[2]]


def _votes_for_the_best(data: SimulatedVotes) -> SimulatedVotes:
    """Of rankings of four answers the votes for the first against each of the others."""
    votes = data.votes
    right = data.correct.reshape(-1, 6)
    pairs = np.array(list(combinations(range(4), 2)))
    wins = np.stack([((pairs == i) & np.stack([right, ~right], axis=2)).sum(axis=(1, 2)) for i in range(4)], axis=1)
    kept = (pairs[None] == wins.argmax(axis=1)[:, None, None]).any(axis=2).ravel()
    chosen = Votes.from_arrays(
        votes.pair[kept],
        votes.annotator[kept],
        votes.sign[kept],
        pair_ids=votes.pair_ids,
        annotator_ids=votes.annotator_ids,
        judgement=votes.judgement[kept] if votes.judgement is not None else None,
    )
    return replace(data, votes=chosen, correct=data.correct[kept])


def main() -> None:
    args = parser(__doc__, data_sets=100).parse_args()
    page = Page("Coverage of intervals where votes come from rankings", args)
    rows, within, sound = [], [], []
    for noise, answers, per_prompt in product(NOISES, ANSWERS, PER_PROMPT):
        run = partial(one_data_set, noise=noise, answers=answers, per_prompt=per_prompt)
        found = np.array(each(run, range(args.data_sets), args.workers))
        mean = found.mean(axis=0)
        figures = [*(f"{m:.3f}" for m in mean[3:5]), f"{mean[5]:+.3f}", f"{mean[6]:.3f}"]
        rows.append([noise, answers, _words(per_prompt), *_cells(found[:, :3]), *figures])
        within.append(mean[0])
        sound.append(mean[2] >= 0.93)
    heads = ["noise", "answers", "rankings per prompt", "marked", "as independent", "control"]
    page.table(
        [*heads, "width, marked", "width, as independent", "error", "ECE"],
        rows,
        f"{args.data_sets} data sets per row; mean coverage (standard error), mean width of intervals, mean error of the "
        "reliabilities and expected calibration error of confidence, with rankings marked.",
    )
    rows = []
    for noise, per_prompt in product(NOISES[:4], PER_PROMPT[1:]):
        run = partial(best_of_four, noise=noise, per_prompt=per_prompt)
        found = np.array(each(run, range(max(2, args.data_sets // 2)), args.workers))
        rows.append([noise, _words(per_prompt), *_cells(found[:, :2]), f"{found[:, 2].mean():+.3f}"])
    page.table(
        ["noise", "choices per prompt", "marked", "as independent", "error"],
        rows,
        f"The best of four answers against each of the others, nothing else said; {max(2, args.data_sets // 2)} data sets "
        "of 40 annotators per row.",
    )
    chosen = np.array(within)[np.array(sound)]
    page.write(
        f"With rankings marked, 95% intervals hold the truth in {chosen.min():.1%} to {chosen.max():.1%} of the cases "
        f"in the {len(chosen)} of {len(within)} settings in which independent votes, as often right, do so in at least 93%; "
        f"in the others in at least {min(within):.1%}."
    )


def _words(per_prompt: tuple[int, int]) -> str:
    low, high = per_prompt
    return str(low) if low == high else f"{low} to {high}"


def _cells(found: np.ndarray) -> list[str]:
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    return [f"{m:.3f} ({e:.3f})" for m, e in zip(found.mean(axis=0), error, strict=True)]


if __name__ == "__main__":
    main()
