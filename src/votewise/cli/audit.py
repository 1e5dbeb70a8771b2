"""``votewise audit``: votes -> whom and what to believe."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from votewise.errors import BadInputError

if TYPE_CHECKING:
    from votewise.fitting import PriorChoice


class OnError(StrEnum):
    """What `--on-error` takes."""

    stop = "stop"
    skip = "skip"


Source = Annotated[
    str,
    typer.Argument(
        metavar="VOTES",
        help="A file (.parquet, .jsonl, .json, .csv, .arrow), a data set's folder, or a table's URL such as "
        "`duckdb://votes.db?table=votes`.",
        show_default=False,
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="The folder to write to.", show_default="audit/ and the name of VOTES"),
]
FormatName = Annotated[
    str, typer.Option("--format", metavar="NAME", help="The format of VOTES, a name from `votewise formats`.")
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=COLUMN",
        help="Where to find what: `--column annotator=worker_id` reads annotators from `worker_id`. Repeatable.",
        show_default="the format's own names",
    ),
]
AtError = Annotated[
    OnError,
    typer.Option(
        metavar="stop|skip",
        help="At an unusable row: stop, or skip it and write it to DIR/rejected.jsonl with the reason.",
    ),
]
Prior = Annotated[
    str,
    typer.Option(
        metavar="fit|beta:C,D|none",
        help="What is known of annotators beforehand: what these votes tell of the whole crowd, a Beta "
        "distribution of reliability, or nothing.",
    ),
]
Temperature = Annotated[
    str, typer.Option(metavar="NUMBER|fit", help="The factor that margins are multiplied by, or `fit`.")
]
Unshared = Annotated[
    bool,
    typer.Option("--no-shared-pairs", help="Judge each vote by its pair's margin alone, not by the others' votes."),
]
Pointwise = Annotated[
    bool,
    typer.Option("--no-intervals", help="Estimates only, to save time: no intervals, flags, agreement or calibration."),
]
Level = Annotated[float, typer.Option(metavar="NUMBER", help="The probability that an interval covers the truth.")]
Force = Annotated[
    bool, typer.Option("--force", help="Go on where the votes do not determine the answer (exit code 3 otherwise).")
]
Reportless = Annotated[bool, typer.Option("--no-report", help="Do not write report.html.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing when all went well.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print summary.json, and nothing else, on stdout.")]


def audit(
    votes: Source,
    out: Folder = None,
    format_name: FormatName = "auto",
    column: Columns = None,
    on_error: AtError = OnError.stop,
    prior: Prior = "fit",
    temperature: Temperature = "1.0",
    no_shared_pairs: Unshared = False,
    no_intervals: Pointwise = False,
    level: Level = 0.95,
    force: Force = False,
    no_report: Reportless = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Find out which annotators, votes and pairs to believe.

    Writes report.html, annotators.parquet, votes.parquet, pairs.parquet and summary.json.

    **Examples:**

    `votewise audit votes.parquet`

    `votewise audit votes.csv --column annotator=worker_id --on-error skip --out audit/june`

    `votewise audit votes.jsonl --prior beta:5,2 --json`
    """
    prior_choice, factor = parse_prior(prior), parse_temperature(temperature)
    columns = parse_columns(column or [])
    folder = out or default_folder(votes)
    if folder.exists() and not folder.is_dir():
        raise BadInputError("is a file", source=str(folder), expected="a folder to write to")

    from votewise.audit import check_identifiable, summarise, write_audit
    from votewise.cli.waiting import Waiting
    from votewise.files import make_folder
    from votewise.readers import read_votes
    from votewise.reliability import estimate_reliability

    with Waiting(quiet=quiet) as waiting:
        waiting.stage(f"Reading {title_of(votes)}")
        rejects = make_folder(folder) / "rejected.jsonl" if on_error is OnError.skip else None
        table = read_votes(votes, format=format_name, columns=columns, on_error=on_error.value, rejects=rejects)
        waiting.stage("Judging annotators")
        result = estimate_reliability(
            table,
            prior=prior_choice,
            temperature=factor,
            shared_pairs=not no_shared_pairs,
            intervals=not no_intervals,
            level=level,
            progress=waiting.step,
        )
        if not force:
            check_identifiable(result)
        waiting.stage(f"Writing {folder}")
        summary = summarise(table, result, columns=columns, created=datetime.now(UTC))
        files = write_audit(folder, table, result, summary=summary, title=None if no_report else title_of(votes))
    if as_json:
        typer.echo(json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False, default=str))
    elif not quiet:
        from votewise.cli.printing import print_audit

        print_audit(table, result, summary, files)


def parse_prior(text: str) -> PriorChoice:
    """``fit`` as it is, ``none`` -> None, ``beta:5,2`` -> Beta(5, 2)."""
    if text == "fit":
        return "fit"
    if text == "none":
        return None
    from votewise.priors import Beta

    name, _, numbers = text.partition(":")
    try:
        c, d = (float(number) for number in numbers.split(","))
        if name != "beta":
            raise ValueError
    except ValueError:
        raise BadInputError(
            "no such prior", source="--prior", value=text, expected="fit, none or, say, beta:5,2"
        ) from None
    return Beta(c, d)


def parse_temperature(text: str) -> float | Literal["fit"]:
    """``fit`` or a number."""
    try:
        return "fit" if text == "fit" else float(text)
    except ValueError:
        raise BadInputError("not a number", source="--temperature", value=text, expected="a number or fit") from None


def parse_columns(assignments: list[str]) -> dict[str, str] | None:
    """``["annotator=worker_id"]`` -> ``{"annotator": "worker_id"}``; None for none."""
    columns: dict[str, str] = {}
    for assignment in assignments:
        name, equals, column = assignment.partition("=")
        if not (name and equals and column):
            raise BadInputError(
                "not an assignment", source="--column", value=assignment, expected="say, annotator=worker_id"
            )
        if name in columns:
            raise BadInputError("given twice", source="--column", value=name, expected="each name once")
        columns[name] = column
    return columns or None


def title_of(votes: str) -> str:
    """A short name for a source: the file's, folder's or table's name, without folders, passwords or suffixes."""
    path, _, query = votes.partition("?")
    if "://" in votes:
        named = [value for key, _, value in (part.partition("=") for part in query.split("&")) if key == "table"]
        return named[0] if named and named[0] else path.partition("://")[0]
    return Path(votes).resolve().stem


def default_folder(votes: str) -> Path:
    """Where results go unless told: ``audit/`` and the source's short name."""
    return Path("audit", title_of(votes).replace("/", "-"))
