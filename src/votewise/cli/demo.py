"""``votewise demo``: the main job on votes whose truth is known."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write to.")] = Path("demo"),
    seed: Annotated[
        int, typer.Option(metavar="NUMBER", help="The seed that decides about questions, crowd and votes.")
    ] = 0,
) -> None:
    """Audit simulated votes whose truth is known, and compare.

    Forty annotators, some of them careless, random or hostile, vote on 600 questions that you can check at a glance.

    **Example:** `votewise demo --out demo`
    """
    import pyarrow.parquet as pq
    from rich.console import Console

    from votewise.audit import summarise, write_audit
    from votewise.cli.printing import compare_with_truth, written
    from votewise.cli.waiting import Waiting
    from votewise.demo import make_demo_data
    from votewise.files import make_folder, written_whole
    from votewise.readers import read_votes
    from votewise.reliability import estimate_reliability

    with Waiting() as waiting:
        waiting.stage("Simulating votes")
        data = make_demo_data(seed=seed)
        source = make_folder(out) / "simulated_votes.parquet"
        with written_whole(source) as partial:
            pq.write_table(data.table, partial)
        waiting.stage("Judging annotators")
        votes = read_votes(source)
        result = estimate_reliability(votes, progress=waiting.step)
        waiting.stage(f"Writing {out}")
        summary = summarise(votes, result, seed=seed, created=datetime.now(UTC))
        files = write_audit(out, votes, result, summary=summary, title="Simulated votes on checkable questions")
    console = Console(highlight=False)
    console.print(compare_with_truth(data, result, summary["gold"]))
    console.print(written([*files, source]))
    typer.echo(f"\nThe report: {out / 'report.html'}\nYour turn:  votewise audit {source}")
