"""``votewise demo``: the main job where the truth is known."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write to.")] = Path("demo"),
    seed: Annotated[int, typer.Option(metavar="NUMBER", help="The seed that decides about everything.")] = 0,
    loss: Annotated[
        Literal["dpo", "ipo", "simpo", "cpo"], typer.Option(metavar="NAME", help="The preference loss to train with.")
    ] = "dpo",
    worlds: Annotated[int, typer.Option(metavar="NUMBER", help="How many worlds to train in; more take longer.")] = 2,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only audit a crowd's votes on 600 questions, and train nothing.")
    ] = False,
) -> None:
    """See the whole story where the truth is known: a noisy crowd, a language model trained on its votes, and what helps.

    Thirty annotators, some sloppy, some hostile, vote on answers about a made-up world. A tiny language model, made and
    pre-trained on the spot, is trained on their votes in six ways; then its answers to other questions are checked. Takes
    two minutes, and needs `pip install 'votewise[train]'`; without that, or with `--quick`, votes are audited only.

    **Example:** `votewise demo --out demo`
    """
    if quick:
        _audit(out, seed)
    elif find_spec("trl") is None:
        _audit(out, seed)
        typer.echo("\nThe whole story, training included, needs:  pip install 'votewise[train]'")
    else:
        _story(out, seed, loss, worlds)


def _story(out: Path, seed: int, loss: str, worlds: int) -> None:
    from rich.console import Console

    from votewise.cli.printing.common import written
    from votewise.cli.printing.demo import story_tables
    from votewise.cli.printing.progress import ProgressBar
    from votewise.storage.files import make_folder

    with ProgressBar() as bar:
        bar.stage("Loading PyTorch")
        from votewise.demo.story import tell_story

        make_folder(out)
        story = tell_story(worlds=worlds, loss=loss, seed=seed, on_stage=bar.stage)
        bar.stage(f"Writing {out}")
        files = story.trainer.write_beliefs(out)
    console = Console(highlight=False)
    console.print(story_tables(story))
    console.print(written(files))
    typer.echo(f"\nThe report: {out / 'report.html'}\nYour turn:  votewise train --help")


def _audit(out: Path, seed: int) -> None:
    import pyarrow.parquet as pq
    from rich.console import Console

    from votewise.annotators.estimate import estimate_reliability
    from votewise.annotators.saved import summarise
    from votewise.cli.printing.common import written
    from votewise.cli.printing.demo import compare_with_truth
    from votewise.cli.printing.progress import ProgressBar
    from votewise.demo import make_demo_data
    from votewise.report.audit_files import write_audit
    from votewise.sources import read_votes
    from votewise.storage.files import make_folder, written_whole

    with ProgressBar() as bar:
        bar.stage("Simulating votes")
        data = make_demo_data(seed=seed)
        source = make_folder(out) / "simulated_votes.parquet"
        with written_whole(source) as partial:
            pq.write_table(data.table, partial)
        bar.stage("Judging annotators")
        votes = read_votes(source)
        result = estimate_reliability(votes, progress=bar.step)
        bar.stage(f"Writing {out}")
        summary = summarise(votes, result, seed=seed, created=datetime.now(UTC))
        files = write_audit(out, votes, result, summary=summary, title="Simulated votes on checkable questions")
    console = Console(highlight=False)
    console.print(compare_with_truth(data, result, summary["gold"]))
    console.print(written([*files, source]))
    typer.echo(f"\nThe report: {out / 'report.html'}\nYour turn:  votewise audit {source}")
