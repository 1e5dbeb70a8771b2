"""``votewise evaluate``: how good is a model? Each of its commands has a file of its own."""

from __future__ import annotations

import typer

from votewise.cli.evaluate_benchmark import benchmark
from votewise.cli.evaluate_matrix import matrix
from votewise.cli.evaluate_win_rate import win_rate
from votewise.cli.export_alpaca_eval import alpaca_eval
from votewise.cli.export_arena_hard import arena_hard as arena_hard_out
from votewise.cli.import_arena_hard import arena_hard as arena_hard_in

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
exports = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
imports = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@app.callback()
def evaluate() -> None:
    """Measure how often one model's answers beat another's.

    `votewise evaluate win-rate` compares two models, `votewise evaluate matrix` compares several. `votewise evaluate
    benchmark` runs benchmarks. `export` and `import` exchange files with AlpacaEval and Arena-Hard.
    """


@exports.callback()
def to_benchmarks() -> None:
    """Write answers in the form that a benchmark's judge reads.

    `votewise evaluate export alpaca-eval` and `votewise evaluate export arena-hard`.
    """


@imports.callback()
def from_benchmarks() -> None:
    """Read the verdicts of a benchmark's judge.

    `votewise evaluate import arena-hard`. AlpacaEval's annotations.json needs no import: `votewise evaluate win-rate` and
    `votewise audit` read it directly.
    """


app.command("win-rate")(win_rate)
app.command()(matrix)
app.command()(benchmark)
exports.command("alpaca-eval")(alpaca_eval)
exports.command("arena-hard")(arena_hard_out)
imports.command("arena-hard")(arena_hard_in)
app.add_typer(exports, name="export")
app.add_typer(imports, name="import")
