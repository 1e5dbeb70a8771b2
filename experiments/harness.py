"""What every experiment shares: arguments, processes, and one page of results with its chart.

A script prints its tables while it runs and writes the same tables to `experiments/results/NAME.md`, below one line on
what was claimed and what was found, and writes the chart to `experiments/results/NAME.svg`. No dates and no times: a
page changes only when its numbers do. `make experiments` runs every script.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from votewise import __version__
from votewise.report.theme import PALETTES, vega_config
from votewise.storage.files import written_whole

RESULTS = Path(__file__).resolve().parent / "results"
LARGEST_CHART = 100_000
COLOURS = {name: PALETTES["light"][name] for name in ("accent", "casual", "adversarial", "new", "position-biased")}
TRUE_COLOUR = PALETTES["light"]["text"]
"""Colours of methods in the order they are named, and of the truth."""


def parser(doc: str | None, **counts: int) -> argparse.ArgumentParser:
    """The arguments of a script: ``--NAME`` for each of ``counts`` (its default), ``--workers`` and ``--out``."""
    found = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    for name, default in counts.items():
        found.add_argument(f"--{name.replace('_', '-')}", type=int, default=default)
    found.add_argument("--workers", type=int, default=os.cpu_count(), help="processes; the results are the same")
    found.add_argument("--out", type=Path, default=RESULTS, help="folder for the page and the chart")
    return found


def each(function: Callable[[Any], Any], items: Iterable[Any], workers: int) -> list[Any]:
    """``function`` of every item, in order, in processes with one thread each; with one worker, in this process."""
    # New processes read this before they load NumPy; the matrices are too small for several threads.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    items = list(items)
    if workers == 1:
        return list(_counted(map(function, items), len(items)))
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        chunk = max(1, len(items) // (8 * workers))
        return list(_counted(pool.map(function, items, chunksize=chunk), len(items)))


def _counted(results: Iterable[Any], size: int) -> Iterator[Any]:
    """Yield the results, and show on a terminal how many there are so far."""
    for done, result in enumerate(results, 1):
        if sys.stderr.isatty():
            print(f"\r{done} of {size}", end="\n" if done == size else "", file=sys.stderr, flush=True)
        yield result


def middle(values: Any, digits: int = 2, scale: float = 1.0) -> str:
    """Median and 10% to 90% quantiles of the values that are numbers, as a cell."""
    seen = np.asarray(values, np.float64)
    low, mid, high = scale * np.quantile(seen[np.isfinite(seen)], [0.1, 0.5, 0.9])
    return f"{mid:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


class Page:
    """The results of one experiment, printed as they come and written at the end."""

    def __init__(self, title: str, arguments: argparse.Namespace) -> None:
        self.title, self.out = title, Path(arguments.out)
        self.name = Path(sys.argv[0]).stem
        given = {k: v for k, v in vars(arguments).items() if k not in ("workers", "out", "keep")}
        given = {f"--{k.replace('_', '-')}": v for k, v in given.items() if v is not None and v is not False}
        flags = [k if v is True else f"{k} {_words(v)}" for k, v in given.items()]
        self.command = " ".join(["python", f"experiments/{self.name}.py", *flags])
        self.parts: list[str] = []

    def text(self, text: str) -> None:
        """A paragraph."""
        print(f"\n{text}", flush=True)
        self.parts.append(text)

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[Any]], caption: str = "") -> None:
        """A table; the first column is text, the others are figures."""
        if caption:
            self.text(caption)
        cells = [list(heads), *([str(cell) for cell in row] for row in rows)]
        width = [max(len(row[i]) for row in cells) for i in range(len(heads))]
        for row in cells:
            padded = [cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, width, strict=True))]
            print("  ".join(padded), flush=True)
        lines = ["| " + " | ".join(row) + " |" for row in cells]
        lines.insert(1, "|---" + "|---:" * (len(heads) - 1) + "|")
        self.parts.append("\n".join(lines))

    def write(self, finding: str, chart: Any = None, caption: str = "") -> None:
        """Write the page, and the chart beside it.

        Args:
            finding: one line: what was claimed, and whether it holds here.
            chart: an Altair chart.
            caption: what the chart shows.
        """
        print(f"\n{finding}", flush=True)
        versions = f"votewise {__version__}, NumPy {np.__version__}"
        parts = [finding, f"# {self.title}", f"`{self.command}` ({versions})", *self.parts]
        if chart is not None:
            drawing = _svg(chart)
            if len(drawing) > LARGEST_CHART:
                raise ValueError(f"the chart of {self.name} has {len(drawing):,} bytes; draw fewer points")
            with written_whole(self.out / f"{self.name}.svg") as path:
                path.write_text(drawing, encoding="utf-8")
            parts += [f"![{caption}]({self.name}.svg)", caption]
        with written_whole(self.out / f"{self.name}.md") as path:
            path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _words(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _svg(chart: Any) -> str:
    import vl_convert

    config = vega_config("light")
    config |= {"background": "white", "font": "sans-serif", "padding": 12}
    config["axisY"] = {"tickCount": 5}
    config["range"] = {"category": list(COLOURS.values())}
    config["header"] = {"titleFontWeight": "normal", "labelFontSize": 12}
    config["legend"] = {"orient": "top", "title": None, "labelFontSize": 12, "symbolStrokeWidth": 3}
    return str(vl_convert.vegalite_to_svg(chart.properties().configure(**config).to_dict()))
