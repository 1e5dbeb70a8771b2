"""Every method at its best beta: what robust training gains in four worlds, and what a wrong beta costs.

The papers compare methods at one beta. A small beta alone makes plain training robust, so a method is judged here by its
best beta, by what it loses three and ten times off, and by where it lies between win rate and divergence from the
reference. The worlds are in ``small_worlds`` and ``fact_worlds``, and ``side_by_side`` trains. Label smoothing and rDPO are
told the true share of wrong votes; ``true reliabilities`` is votewise told those of the annotators, which is what there is
to know.
The best beta of a method is that of its highest mean win rate over the seeds. ``two-coin annotators`` are told apart before
training by the votes alone, each by how often it is right where the first and where the second answer was shown first.

    python experiments/frontier.py [--draws 8] [--workers 2] [--whole] [--keep FOLDER]

With ``--whole``, the language model of the facts world gets every method of every loss, which takes hours; without it, the
main methods where most votes are wrong. With ``--keep``, each world's results are kept in a folder, and a run that was
interrupted goes on from there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from functools import lru_cache, partial
from itertools import product
from pathlib import Path
from typing import Any

from easiest_pairs import train_easiest
from fact_worlds import FactWorld
from frontier_cells import EPOCHS, SCALES, WORLDS, Cell, Found, runs_of, scale
from frontier_tables import chart, curves, default, finding, tables
from harness import Page, each, parser
from side_by_side import Judged, Run, train
from small_worlds import SmallWorld

from votewise.storage.files import written_whole


def one_world(
    task: tuple[str, int, str], pairs: int, texts: int, keep: Path | None = None, *, whole: bool = False
) -> tuple[Found, float]:
    """What ``measured`` finds, and the seconds that a processor took; what the folder ``keep`` has is not measured again."""
    name = "-".join(map(str, (*task, pairs, texts))).replace(" ", "_")
    file = None if keep is None else keep / f"{name}.json"
    found: Found = {}
    seconds = 0.0
    if file is not None and file.exists():
        kept, seconds = json.loads(file.read_text(encoding="utf-8"))
        found = {(Cell(*cell), method, beta): tuple(values) for cell, method, beta, values in kept}
    began = time.process_time()
    new = measured(task, pairs, texts, found, whole=whole)
    seconds += time.process_time() - began
    found |= new
    if file is not None and new:
        with written_whole(file) as path:
            path.write_text(json.dumps([[(*key, values) for key, values in found.items()], seconds]), encoding="utf-8")
    return found, seconds


def measured(
    task: tuple[str, int, str], pairs: int, texts: int, known: Collection[Any] = (), *, whole: bool = False
) -> Found:
    """Accuracy, win rate and divergence by cell, method and beta in the world of a seed, but for what is ``known``."""
    import torch

    torch.set_num_threads(1)
    name, seed, loss = task
    here: Any = _facts(seed, pairs, texts) if name == "facts" else SmallWorld(name, seed, pairs)
    found: Found = {}
    for epochs in EPOCHS:
        runs = runs_of(name, loss, epochs, known, whole=whole)
        easiest = [run for run in runs if "keep_easiest" in run.settings]
        others = [run for run in runs if "keep_easiest" not in run.settings]
        judged = _each_run(others, train(here, others, loss=loss, epochs=epochs)) if others else {}
        if easiest:
            judged |= _each_run(easiest, train_easiest(here, easiest, epochs))
        found |= {
            (Cell(name, loss, epochs, crowd, noise), method, round(run.beta / scale(name, loss), 6)): values
            for run, values in judged.items()
            for method, crowd, noise in runs[run]
        }
    return found


@lru_cache(maxsize=1)
def _facts(seed: int, pairs: int, texts: int) -> FactWorld:
    """The world of a seed, whose model is made once for all losses."""
    return FactWorld(seed, pairs, texts)


def _each_run(runs: list[Run], judged: Judged) -> dict[Run, tuple[float, float, float]]:
    return dict(zip(runs, zip(*map(_list, judged), strict=True), strict=True))


def _list(values: Any) -> list[float]:
    return [float(value) for value in values]


def main() -> None:
    arguments = parser(__doc__, draws=8, pairs=3000, texts=60_000)
    arguments.add_argument("--losses", nargs="+", choices=SCALES, default=list(SCALES))
    arguments.add_argument("--worlds", nargs="+", choices=WORLDS, default=list(WORLDS))
    arguments.add_argument(
        "--keep", type=Path, help="folder for each world's results; what is there is not measured again"
    )
    arguments.add_argument(
        "--whole", action="store_true", help="every method in the facts world, too: three hours of a core"
    )
    args = arguments.parse_args()
    page = Page("Every method at its best beta", args)
    if args.losses != list(SCALES):
        page.name = "_".join([page.name, *args.losses])  # what is measured of some losses is no news of the others
    # The longest first, so that no process waits for another at the end, and all losses of a world together.
    tasks = list(product(args.worlds, range(args.draws), args.losses))
    one = partial(one_world, pairs=args.pairs, texts=args.texts, keep=args.keep, whole=args.whole)
    found = each(one, tasks, args.workers)
    by_cell = curves(results for results, _ in found)
    page.text(f"{sum(seconds for _, seconds in found) / 60:.0f} minutes of one core.")
    default(page, by_cell)
    tables(page, by_cell)
    page.write(
        finding(by_cell),
        chart(by_cell),
        "Win rate against divergence, a point per beta: 40 annotators, one vote a pair, 36% wrong, one epoch.",
    )


if __name__ == "__main__":
    main()
