"""Options that the commands of ``votewise simulate`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path, typer.Option(metavar="FILE", help="The file to write: .parquet, .jsonl or .csv.")]
Seed = Annotated[int, typer.Option(metavar="NUMBER", min=0, help="The seed; the same command gives the same file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print what was made as JSON, and nothing else, on stdout.")]
Texts = Annotated[
    bool | None,
    typer.Option(
        "--texts/--without-texts",
        help="Whether rows hold prompts and answers, or only the names of pairs or comparisons.",
        show_default="with texts up to a million rows",
    ),
]
