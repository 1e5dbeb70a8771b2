"""``votewise export``: an audit -> a training file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from votewise.annotators.select import Selection


class ExportShape(StrEnum):
    """What `--to` takes; the names of ``votewise.workflows.export.SHAPES``."""

    trl = "trl"
    votes = "votes"
    openai = "openai"


def export(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder that `votewise audit` wrote.", show_default=False)
    ],
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Where to write: a .jsonl or .parquet file.", show_default=False)
    ],
    to: Annotated[
        ExportShape,
        typer.Option(
            metavar="trl|votes|openai",
            help="The shape of the file: TRL's preference data set, plain votes, or OpenAI's preference fine-tuning file.",
        ),
    ] = ExportShape.trl,
    min_confidence: Annotated[
        float, typer.Option(metavar="NUMBER", help="Drop votes that are less likely to be right than this.")
    ] = 0.5,
    flip_below: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            help="Turn round votes that are less likely to be right than this; 1 - confidence becomes their confidence.",
            show_default="none are flipped",
        ),
    ] = None,
    one_per_pair: Annotated[
        bool,
        typer.Option(
            "--one-per-pair", help="Write one row per pair, its likelier response preferred, in place of one per vote."
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing when all went well.")] = False,
) -> None:
    """Turn an audit into a training file without the votes that are probably wrong.

    Rows carry `annotator` and `confidence`, except in OpenAI's shape, which allows no other columns. Ties are dropped.

    **Examples:**

    `votewise export audit/votes --out train.jsonl`

    `votewise export audit/votes --flip-below 0.2 --out train.parquet`

    `votewise export audit/votes --one-per-pair --min-confidence 0.9 --out train.jsonl`
    """
    from votewise.annotators.saved import load_audit
    from votewise.cli.printing.progress import ProgressBar
    from votewise.workflows.export import check_export, export_audit

    check_export(out, shape=to.value, flip_below=flip_below, one_per_pair=one_per_pair)
    with ProgressBar(quiet=quiet) as bar:
        bar.stage(f"Reading {folder}")
        audit = load_audit(folder)
        bar.stage(f"Writing {out}")
        selection = export_audit(
            audit,
            out,
            shape=to.value,
            min_confidence=min_confidence,
            flip_below=flip_below,
            one_per_pair=one_per_pair,
        )
    if not quiet:
        typer.echo(describe(selection, min_confidence, flip_below, "pairs" if one_per_pair else "votes"))
        typer.echo(f"Written to {out}")


def describe(selection: Selection, min_confidence: float, flip_below: float | None, what: str) -> str:
    """One line per fate of the votes (or pairs): kept, flipped, dropped."""
    rows = [(selection.kept, f"{what} kept, with confidence {min_confidence:g} or more")]
    if flip_below is not None:
        rows.append((len(selection.rows) - selection.kept, f"{what} flipped, with confidence below {flip_below:g}"))
    rows.append((selection.dropped, f"{what} dropped, less sure than that"))
    rows.append((selection.ties, "ties dropped" if what == "votes" else "pairs dropped, neither response likelier"))
    width = max(len(f"{number:,}") for number, _ in rows)
    return "\n".join(f"{number:>{width},} {text}" for number, text in rows)
