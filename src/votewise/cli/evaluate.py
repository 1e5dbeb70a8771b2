"""``votewise evaluate``: how good is a model? Each of the group's commands is in a file of its own."""

from __future__ import annotations

import typer

from votewise.cli.evaluate_bridges import benchmark, exports, imports
from votewise.cli.evaluate_matrix import matrix
from votewise.cli.evaluate_win_rate import win_rate

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@app.callback()
def evaluate() -> None:
    """Measure how often one model's answers beat another's.

    `votewise evaluate win-rate` compares two models, `votewise evaluate matrix` several. `votewise evaluate benchmark` runs
    benchmarks; `export` and `import` go to AlpacaEval and Arena-Hard and back.
    """


app.command("win-rate")(win_rate)
app.command()(matrix)
app.command()(benchmark)
app.add_typer(exports, name="export")
app.add_typer(imports, name="import")
