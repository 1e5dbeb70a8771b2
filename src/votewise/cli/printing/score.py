"""What ``votewise score`` prints."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from rich.table import Table

from votewise.cli.printing.common import TABLE_STYLE, Screen, left_out, say, speed
from votewise.errors import many
from votewise.score.results import ScoreResult
from votewise.score.temperature import TemperatureFit


def print_plan(result: ScoreResult) -> None:
    """Print what would be done."""
    job = result.job
    sign = job.pairs.sign
    votes = "no votes" if sign is None else f"{many(int((sign != 0).sum()), 'vote')} without ties"
    say(f"{many(len(job.pairs), 'row')} in {job.pairs.source} ({job.pairs.format or 'pairs'}), {votes}")
    _say_left_out(result)
    say(f"Scores from {', '.join(f'{k} {v}' for k, v in job.method.settings().items())}")
    say(f"Would be written: {', '.join(map(str, job.files))}")


def print_scored(result: ScoreResult) -> None:
    """Print how much was scored, how well margins fit the votes, and where the files are."""
    pairs, counts = result.job.pairs, result.counts
    say(f"{many(len(pairs), 'row')} in {pairs.source}, {many(counts.answers, 'answer')} to score")
    _say_left_out(result)
    missing = int(np.isnan(result.margin).sum())
    if missing:
        say(f"{many(missing, 'row')} without a margin: {counts.unscored:,} answers have no score, or are too long")
    if counts.resumed:
        say(f"From an interrupted run: {many(counts.resumed, 'score')}")
    if counts.tokens:
        say(speed(counts.tokens, counts.seconds))
    if result.temperature is not None:
        say(describe_temperature(result.temperature))
    print_calibration(result)
    for note in result.summary["notes"]:
        say(note)
    say(f"Written to {' and '.join(map(str, result.files))}")


def _say_left_out(result: ScoreResult) -> None:
    pairs = result.job.pairs
    if text := left_out(pairs.rejected):
        say(text)
    if pairs.skipped:
        say(f"left out because they are no votes: {pairs.skipped:,}")


def describe_temperature(fit: TemperatureFit) -> str:
    """Like ``temperature 0.41, standard error 0.02, from 1,234 votes``; or why the margins are unchanged."""
    if fit.problem is not None:
        return f"Margins are unchanged: {fit.problem}"
    return f"temperature {fit.temperature:.4g}, standard error {fit.standard_error:.2g}, from {many(fit.votes, 'vote')}"


def print_calibration(result: ScoreResult) -> None:
    """Print how well probabilities fit the votes, before the temperature and after."""
    before, after = result.calibration_before, result.calibration_after
    if before is None:
        return
    say(f"{before.agreement:.1%} of the votes agree with the scores")
    for when, calibration in (("before", before), ("after", after)):
        if calibration is not None:
            note = f" {when} the temperature" if after is not None else ""
            say(f"log-loss {calibration.log_loss:.4f}, calibration error {calibration.error:.4f}{note}")
    Screen().print(calibration_rows((after or before).table))


def calibration_rows(table: pa.Table) -> Table:
    """The bins of a calibration table, as a table to print."""
    shown = Table(box=TABLE_STYLE["box"])
    for name in ("Predicted", "Observed", "Interval", "Votes"):
        shown.add_column(name, justify="right", no_wrap=True)
    for row in table.to_pylist():
        interval = f"{row['observed_low']:.3f} to {row['observed_high']:.3f}"
        shown.add_row(f"{row['predicted']:.3f}", f"{row['observed']:.3f}", interval, f"{row['votes']:,}")
    return shown
