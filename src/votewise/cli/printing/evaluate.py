"""What ``votewise evaluate`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from votewise.cli.printing.common import SEVERITY_STYLES, TABLE_STYLE, Screen, left_out, say, written
from votewise.data.win_rates import MatrixResult, Rate, WinRateResult
from votewise.errors import many, visible
from votewise.evaluate.verdicts import JudgeWork
from votewise.report.matrix_page import pair_rows
from votewise.report.win_rate_page import notes
from votewise.workflows.evaluate_benchmark import BenchmarkEvaluation
from votewise.workflows.export_alpaca_eval import AlpacaEvalExport
from votewise.workflows.export_arena_hard import ArenaHardExport
from votewise.workflows.import_arena_hard import ArenaHardImport

MOST_DOMAINS = 8
MOST_PAIRS = 15


def print_win_rate(result: WinRateResult, files: Sequence[Path]) -> None:
    """Print the win rate, what it depends on, what to keep in mind, and where the files are."""
    console = Screen()
    contests = result.contests
    table = _grid()
    table.add_row("Model", shown(contests.model_a))
    table.add_row("Baseline", shown(contests.model_b))
    table.add_row("Judge", shown(result.verdicts.judge))
    lost = [f"{number:,} {why}" for why, number in contests.left_out.items()]
    table.add_row("Read", f"{many(len(contests), 'contest')} on {many(contests.n_prompts, 'prompt')}")
    if lost:
        table.add_row("Left out", shown(", ".join(lost)))
    counted = f"{result.wins:,} won, {result.ties:,} tied, {result.losses:,} lost"
    table.add_row("Verdicts", counted + (f", {result.failed:,} without a verdict" if result.failed else ""))
    table.add_row("Win rate", f"[bold]{_rate(result.rate)}[/bold]")
    if result.length_controlled is not None:
        table.add_row("At equal lengths", _rate(result.length_controlled.rate))
    if result.swaps is not None:
        table.add_row("Order", f"{result.swaps.disagreement:.1%} of verdicts changed with the order of the answers")
    console.print(table)
    for title, parts in (
        ("By length of the model's answer compared with the baseline's, in characters", result.by_length),
        ("By domain", result.by_domain[:MOST_DOMAINS]),
    ):
        if len(parts) > 1:
            console.print()
            console.print(_parts(title, [(part.name, part.rate) for part in parts]))
    _finish(console, notes(result), files)


def print_matrix(result: MatrixResult, files: Sequence[Path]) -> None:
    """Print each model's mean win rate, the pairs, and where the files are."""
    console = Screen()
    table = _grid()
    table.add_row("Judge", shown(result.judge))
    total = sum(found.rate.contests for found in result.matchups.values())
    table.add_row("Read", f"{len(result.models)} models, {len(result.matchups)} matchups, {many(total, 'contest')}")
    console.print(table)
    console.print()
    ranking = Table(title="Mean win rate over the other models", **TABLE_STYLE)
    ranking.add_column("Model", max_width=48, overflow="ellipsis", no_wrap=True)
    ranking.add_column("Mean", justify="right", no_wrap=True)
    for model in result.models:
        ranking.add_row(shown(model), f"{result.mean[model]:.1%}")
    console.print(ranking)
    pairs = Table(title="Pairs", **TABLE_STYLE)
    for name in ("Better", "Than"):
        pairs.add_column(name, max_width=23, overflow="ellipsis", no_wrap=True)
    for name in ("Win rate", "Interval"):
        pairs.add_column(name, justify="right", no_wrap=True, min_width=8 if name == "Win rate" else 15)
    rows = pair_rows(result)
    for row in rows[:MOST_PAIRS]:
        rate: Rate = row["rate"]
        interval = f"{100 * rate.low:.1f} to {100 * rate.high:.1f}%"
        pairs.add_row(shown(row["better"]), shown(row["worse"]), f"{rate.value:.1%}", interval)
    console.print(pairs)
    left = len(rows) - MOST_PAIRS
    found = [("info", f"{left:,} more pairs are in matrix.csv.")] if left > 0 else []
    _finish(console, found, files)


def print_work(work: JudgeWork) -> None:
    """Print how many contests there are, and how much work they are for the judge."""
    console = Screen()
    table = _grid()
    for contests in work.matchups:
        name = f"{contests.model_a} against {contests.model_b}"
        table.add_row(shown(name), f"{many(len(contests), 'contest')} on {many(contests.n_prompts, 'prompt')}")
    what = None
    if work.scores is not None:
        what = f"{many(work.scores, 'answer')} to score"
    elif work.replies is not None:
        what = f"{many(work.replies, 'question')}, two for each contest"
    if what is not None:
        table.add_row("Judge's work", f"{what}; less if an interrupted run can be resumed")
    console.print(table)


def print_benchmark(found: BenchmarkEvaluation) -> None:
    """Print every figure with its standard error, and where the figures are."""
    for row in found.table.to_pylist():
        error = "" if row["standard_error"] is None else f" ± {row['standard_error']:.4f}"
        mark = "  <- the figure that papers report" if row["headline"] else ""
        say(f"{row['task']}  {row['metric']} ({row['filter']}): {row['value']:.4f}{error}{mark}")
    for file in found.files:
        say(f"Added to {file}")


def print_export(found: AlpacaEvalExport | ArenaHardExport) -> None:
    """Print how many answers were written, what is missing, and where the file is."""
    notes = {"prompts failed": found.failed, "unusable rows left out": found.rejected.rows}
    if isinstance(found, ArenaHardExport):
        notes |= {"questions have no answer": found.missing, "answers belong to no question": found.unknown}
    parts = [many(len(found.table), "answer"), *(f"{number:,} {what}" for what, number in notes.items() if number)]
    say(", ".join(parts))
    for file in found.files:
        say(f"Written to {file}")


def print_import(found: ArenaHardImport) -> None:
    """Print how many judged answers were read, Arena-Hard's own scores, and where the file is."""
    failed = f", {found.failed:,} without two verdicts" if found.failed else ""
    say(f"{many(len(found.table), 'judged answer')}{failed}")
    if text := left_out(found.rejected):
        say(text)
    for model, score in found.scores.items():
        say(f"  {model}: {score:.1%} by Arena-Hard's own score")
    for file in found.files:
        say(f"Written to {file}")


@contextmanager
def telling_what_is_kept() -> Iterator[None]:
    """At an interruption, print where the verdicts are that the judge has given so far."""
    try:
        yield
    except KeyboardInterrupt as interruption:
        for note in getattr(interruption, "__notes__", ()):
            say(note, error=True)
        raise


def _parts(title: str, parts: Sequence[tuple[str, Rate]]) -> Table:
    table = Table(title=title, **TABLE_STYLE)
    table.add_column("", max_width=32, overflow="ellipsis", no_wrap=True)
    for name in ("Contests", "Win rate", "Interval"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, rate in parts:
        table.add_row(shown(name), f"{rate.contests:,}", f"{rate.value:.1%}", f"{rate.low:.1%} to {rate.high:.1%}")
    return table


def _finish(console: Console, found: Sequence[tuple[str, str]], files: Sequence[Path]) -> None:
    if found:
        table = Table.grid(padding=(0, 2))
        for severity, message in found:
            table.add_row(f"[{SEVERITY_STYLES[severity]}]{severity.capitalize()}[/]", shown(message))
        console.print()
        console.print(table)
    console.print(written(files))


def _rate(rate: Rate) -> str:
    return f"{rate.value:.1%} ({rate.low:.1%} to {rate.high:.1%})"


def shown(text: str) -> str:
    """A text from the data that is safe to print on a terminal: no markup, no control sequences."""
    return escape(visible(text))


def _grid() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    return table
