"""``votewise export``: an audit -> a training file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.options import Defaults, Quiet
from votewise.workflows import export as workflow

DEFAULTS = Defaults(workflow.export)

Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="The folder that `votewise audit` wrote.", show_default=False)
]
Out = Annotated[
    Path, typer.Option(metavar="FILE", help="Where to write: a .jsonl or .parquet file.", show_default=False)
]
Shape = Annotated[
    workflow.ExportShape,
    typer.Option(
        metavar="trl|votes|openai",
        help="The shape of the file: TRL's preference data set, plain votes, or OpenAI's preference fine-tuning file.",
    ),
]
MinConfidence = Annotated[float, typer.Option(metavar="NUMBER", help="Drop votes whose confidence is less than this.")]
FlipBelow = Annotated[
    float | None,
    typer.Option(
        metavar="NUMBER",
        help="Flip votes whose confidence is less than this; their confidence becomes 1 - confidence, and the column "
        "`flipped` says which they are.",
        show_default="none are flipped",
    ),
]
OnePerPair = Annotated[
    bool,
    typer.Option(
        "--one-per-pair",
        help="Write one row per pair, with its likelier response preferred, instead of one row per vote.",
    ),
]
Texts = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Where the texts are, if the audit left them in a database: the URL that was audited, with its password.",
        show_default="the URL that was audited, without its password",
    ),
]


def export(
    audit: Folder,
    out: Out,
    to: Shape = DEFAULTS.to,
    min_confidence: MinConfidence = DEFAULTS.min_confidence,
    flip_below: FlipBelow = DEFAULTS.flip_below,
    one_per_pair: OnePerPair = DEFAULTS.one_per_pair,
    source: Texts = DEFAULTS.source,
    quiet: Quiet = False,
) -> None:
    """Turn an audit into a training file without the votes that are probably wrong.

    Rows carry `annotator`, `confidence` and the source's other columns, except in OpenAI's shape, which allows no others.
    Ties are dropped. After an audit with groups (`votewise audit --group`), confidences take shared errors into account:
    rows carry `group`, too, and NAME-groups.json beside the file says what each group is worth.

    **Examples:**

    `votewise export audit/votes --out train.jsonl`

    `votewise export audit/votes --flip-below 0.2 --out train.parquet`

    `votewise export audit/votes --one-per-pair --min-confidence 0.9 --out train.jsonl`
    """
    from votewise.cli.printing.export import print_export
    from votewise.cli.printing.progress import ProgressBar

    with ProgressBar(quiet=quiet) as bar:
        result = workflow.export(
            audit,
            out=out,
            to=to,
            min_confidence=min_confidence,
            flip_below=flip_below,
            one_per_pair=one_per_pair,
            source=source,
            progress=bar,
        )
    if not quiet:
        print_export(
            result, min_confidence=min_confidence, flip_below=flip_below, what="pairs" if one_per_pair else "votes"
        )
