"""What ``votewise rank`` prints."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from votewise.cli.printing.common import TABLE_STYLE, Screen, written
from votewise.errors import many
from votewise.report.ranking_page import effect_sentence, needed
from votewise.workflows.rank_models import RankResult

MOST_SHOWN = 25


def print_ranking(result: RankResult) -> None:
    """Print the ranking, what to keep in mind, and where the files are."""
    console, ranking = Screen(), result.ranking
    rows = ranking.models.to_pylist()
    total = int(ranking.met.sum() / 2)
    console.print(f"[bold]{many(total, 'vote')}[/] between {many(len(rows), 'model')}, {ranking.settings['votes']}")
    console.print()
    table = Table(title="Ranking", **TABLE_STYLE)
    table.add_column("Rank", justify="right", no_wrap=True)
    table.add_column("Model", max_width=40, overflow="ellipsis", no_wrap=True)
    for name in ("Rating", "Interval", "Votes", "To the next"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows[:MOST_SHOWN]:
        best, worst = row["rank_best"], row["rank_worst"]
        table.add_row(
            str(best) if best == worst else f"{best}–{worst}",
            escape(row["model"]),
            f"{row['rating']:.0f}",
            f"{row['low']:.0f} to {row['high']:.0f}",
            f"{row['votes']:,}",
            needed(row["votes_to_separate"]),
        )
    console.print(table)
    if len(rows) > MOST_SHOWN:
        console.print(f"and {many(len(rows) - MOST_SHOWN, 'more model')}, all in ranking.csv")
    console.print("[dim]To the next: further votes between the two that would tell them apart if their gap stays.[/]")
    if ranking.effect is not None:
        console.print(effect_sentence(ranking))
    for note in ranking.notes:
        console.print(f"[cyan]Note[/]  {escape(note)}")
    if result.files:
        console.print(written(result.files))
