"""What ``votewise judge`` prints."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from votewise.cli.printing.common import TABLE_STYLE, Screen, left_out, say
from votewise.cli.printing.generate import print_errors
from votewise.cli.printing.jury import print_jury
from votewise.errors import many
from votewise.judge.results import JudgeCounts, JudgeResult
from votewise.storage.journal import SUFFIX


def print_plan(result: JudgeResult, *, report: bool = True) -> None:
    """Print what would be asked, about how many tokens that takes, what it costs, and which files there would be."""
    job, o = result.job, result.job.options
    say(f"{many(len(job.pairs), 'pair')} in {job.pairs.source} ({job.pairs.format or 'pairs'})")
    _say_left_out(result)
    times = f", {many(o.repeats, 'time')} each" if o.repeats > 1 else ""
    say(f"{many(len(job.judges), 'judge')}, {'both orders' if o.both_orders else 'one order'}{times}")
    if result.resumed:
        say(f"Known from earlier runs: {result.resumed:,} replies")
    table = _table("Judge", "Group", "Questions", "Tokens in", "Tokens out", "Cost")
    for judge, counts in zip(job.judges, result.counts, strict=True):
        table.add_row(
            escape(judge.name),
            escape(judge.group),
            f"{counts.open:,}",
            f"{counts.tokens_in:,}",
            f"{counts.tokens_out:,}",
            _cost(counts.cost),
        )
    Screen().print(table)
    say("Tokens and cost are estimates from the texts' lengths." + _total(result))
    files = (job.out, job.summary, job.report if report else None)
    say(f"Would be written: {', '.join(str(file) for file in files if file is not None)}")


def print_judged(result: JudgeResult) -> None:
    """Print what became of the questions, what it cost, and where the files are."""
    job = result.job
    say(f"{many(len(job.pairs), 'pair')} in {job.pairs.source}")
    _say_left_out(result)
    table = _table("Judge", "Group", "Questions", "Votes", "No verdict", "Failed", "Not asked", "Cost")
    for judge, counts in zip(job.judges, result.counts, strict=True):
        numbers = (counts.asked, counts.votes, counts.unreadable, counts.failed, counts.open)
        table.add_row(escape(judge.name), escape(judge.group), *(f"{n:,}" for n in numbers), _cost(counts.cost))
    Screen().print(table)
    print_errors(result.errors)
    for name, reason in result.stopped.items():
        say(f"Judge {name} could not be asked: {reason}")
    if result.over_budget:
        say("Questions were left out because of --max-cost; with a higher one the same command asks them.")
    if result.resumed:
        say(f"{result.resumed:,} replies were known from earlier runs")
    tokens = sum(counts.tokens_in + counts.tokens_out for counts in result.counts)
    about = "" if all(counts.counted for counts in result.counts) else "about "
    say(f"{about}{tokens:,} tokens in all runs, {result.seconds:,.1f} s in this one.{_total(result)}")
    if result.worth is not None:
        print_jury(result.worth)
    if job.out is not None:
        say(f"Written to {' and '.join(map(str, result.files))}; all replies stay in {job.out.name}{SUFFIX}")


def _table(*names: str) -> Table:
    table = Table(box=TABLE_STYLE["box"], pad_edge=False)
    for name in names:
        table.add_column(name, justify="left" if name in ("Judge", "Group") else "right", overflow="fold")
    return table


def _cost(cost: float | None) -> str:
    return "" if cost is None else f"{cost:,.2f}"


def _total(result: JudgeResult) -> str:
    if result.cost is None:
        unpriced = [c.judge for c in result.counts if c.cost is None]
        return f" Without a price: {', '.join(unpriced)}." if len(unpriced) < len(result.counts) else ""
    return f" Cost {result.cost:,.2f}." if result.cost or _any_tokens(result.counts) else ""


def _any_tokens(counts: tuple[JudgeCounts, ...]) -> bool:
    return any(c.tokens_in for c in counts)


def _say_left_out(result: JudgeResult) -> None:
    if text := left_out(result.job.pairs.rejected):
        say(text)
    if result.job.pairs.identical:
        say(f"left out because both answers are equal: {result.job.pairs.identical:,}")
