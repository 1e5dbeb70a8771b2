"""Parts of what several commands print: short tables that fit a terminal of 80 columns."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from votewise.data.reading import Rejected
from votewise.errors import acts, many, visible
from votewise.inference.diagnostic import Diagnostic

FLAG_STYLES = {
    "reliable": "green",
    "unsure": "default",
    "casual": "yellow",
    "adversarial": "red",
    "position-biased": "magenta",
}
TABLE_STYLE: Any = {"box": box.SIMPLE_HEAD, "pad_edge": False, "title_justify": "left", "title_style": "bold"}
SEVERITY_STYLES = {"info": "cyan", "warning": "yellow", "error": "bold red"}
FILE_NOTES = {
    "report.html": "open it in a browser",
    "annotators.parquet": "the annotators, each with reliability and flag",
    "votes.parquet": "the votes, each with its confidence",
    "pairs.parquet": "the pairs, each with its posterior",
    "summary.json": "settings, versions, counts, diagnostics",
    "simulated_votes.parquet": "the votes that were audited",
    "rejected.jsonl": "unusable rows, each with its reason",
    "comparisons.parquet": "the rows of the kept users",
    "evaluation.json": "the figures, for programs",
    "matrix.csv": "every model against every other",
    "ranking.csv": "the models with ratings and intervals",
    "ranking.json": "everything, for programs",
    "users.parquet": "every user with attentiveness and flag",
    "drift.parquet": "users who changed over time",
    "stretches.parquet": "each user's attentiveness in each period",
}
SUFFIX_NOTES = {
    ".html": "open it in a browser",
    ".parquet": "every contest with its verdict",
    ".jsonl": "unusable rows, each with its reason",
}
"""Notes on files that are named after their content."""


class Screen(Console):
    """A terminal that shows control characters of texts as symbols, whatever data they come from."""

    def __init__(self, *, file: TextIO | None = None) -> None:
        super().__init__(file=file, highlight=False)

    def render_str(self, text: str, **how: Any) -> Text:
        """A text with markup, as something to print."""
        return super().render_str(visible(text, lines=True), **how)


def findings(diagnostics: Iterable[Diagnostic]) -> Table:
    """The diagnostics, worst first."""
    table = Table.grid(padding=(0, 2))
    for diagnostic in diagnostics:
        style = SEVERITY_STYLES[diagnostic.severity]
        table.add_row(f"[{style}]{diagnostic.severity.capitalize()}[/]", escape(diagnostic.message))
    return table


def written(files: Sequence[Path]) -> Table:
    """The files, each with a note on what it contains."""
    table = Table.grid(padding=(0, 2))
    table.title, table.title_justify, table.title_style = f"\nWritten to {escape(str(files[0].parent))}", "left", "bold"
    for file in files:
        note = FILE_NOTES.get(file.name) or SUFFIX_NOTES[file.suffix]
        table.add_row(escape(file.name), f"[dim]{note}[/dim]")
    return table


def flag_counts(counts: Mapping[str, int]) -> str:
    """Like ``16 reliable · 1 adversarial``, best first, each in its colour and unbroken."""
    parts = [(counts.get(flag, 0), flag, style) for flag, style in FLAG_STYLES.items()]
    return " · ".join(f"[{style}]{number:,}\u00a0{flag}[/]" for number, flag, style in parts if number)


def percent(share: float | None) -> str:
    """A share in whole per cent; an empty text for None."""
    return "" if share is None else f"{share:.0%}"


def speed(tokens: int, seconds: float) -> str:
    """Like ``12,345 tokens in 10.2 s, 1,210 tokens/s``."""
    return f"{tokens:,} tokens in {seconds:,.1f} s, {tokens / max(seconds, 1e-9):,.0f} tokens/s"


def left_out(rejected: Rejected) -> str:
    """Like ``3 unusable rows left out: scored-rejected.jsonl``; an empty text for none."""
    if not rejected.rows:
        return ""
    return f"{many(rejected.rows, 'unusable row')} left out" + (f": {rejected.file}" if rejected.file else "")


def print_json(value: Any) -> None:
    """Print one value as indented JSON, and nothing else, on stdout."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=str)
    # What JSON leaves as it is and a terminal would act on is written as JSON's escapes: the values stay the same.
    print("".join(json.dumps(c)[1:-1] if c != "\n" and acts(c) else c for c in text))


def say(text: str, *, error: bool = False) -> None:
    """Print lines on stdout, or on stderr; what a terminal would act on is shown as symbols."""
    print(visible(text, lines=True), file=sys.stderr if error else sys.stdout)
