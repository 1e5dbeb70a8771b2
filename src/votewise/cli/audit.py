"""``votewise audit``: votes -> which annotators, votes and pairs to trust."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from votewise.cli.options import (
    AsJson,
    AtError,
    Columns,
    Criterion,
    Defaults,
    Force,
    FormatName,
    Group,
    GroupColumn,
    Label,
    Level,
    OneAnnotator,
    Quiet,
    Report,
    Split,
    default_folder,
    parse_columns,
    parse_groups,
    parse_label,
)
from votewise.workflows import audit as workflow

DEFAULTS = Defaults(workflow.audit)

Source = Annotated[
    str,
    typer.Argument(
        metavar="VOTES",
        help="A file (.parquet, .jsonl, .json, .csv, .arrow), the folder of a data set, or the URL of a table such as "
        "`duckdb://votes.db?table=votes`.",
        show_default=False,
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="The folder to write to.", show_default="audit/ and the name of VOTES"),
]
Prior = Annotated[
    str,
    typer.Option(
        metavar="fit|beta:C,D|none",
        help="The prior on reliability: fitted to all annotators in these votes, a Beta distribution, or none.",
    ),
]
Temperature = Annotated[
    str,
    typer.Option(metavar="NUMBER|fit", help="The factor that all margins are multiplied by, or `fit` to estimate it."),
]
SharedPairs = Annotated[
    bool,
    typer.Option(
        " /--no-shared-pairs",
        help="Judge each vote by the margin of its pair only, not by the other annotators' votes.",
        show_default=False,
    ),
]
Intervals = Annotated[
    bool,
    typer.Option(
        " /--no-intervals",
        help="Save time and compute no intervals, flags, agreement or calibration, only the estimates.",
        show_default=False,
    ),
]
FitTests = Annotated[
    bool,
    typer.Option(
        " /--no-fit-tests",
        help="Save about a second and do not test whether the model describes these votes (copying, difficulty of pairs, "
        "preference for the response shown first).",
        show_default=False,
    ),
]
Model = Annotated[
    Literal["equal", "difficulty", "items", "auto"],
    typer.Option(
        metavar="equal|difficulty|items|auto",
        help="How pairs differ: not at all, in difficulty, by the strengths of answers that recur in several pairs, or "
        "whichever of these predicts hidden votes best.",
    ),
]
CompareModels = Annotated[
    bool,
    typer.Option(
        "--compare-models",
        help="Hide one vote of each pair, let every model of pairs predict it, and print how well each does.",
        show_default=False,
    ),
]
TwoCoins = Annotated[
    bool,
    typer.Option(
        "--two-coins",
        help="Estimate in addition how often each annotator is right where the response shown first is better, and where "
        "the second one is.",
        show_default=False,
    ),
]


def audit(
    votes: Source,
    out: Folder = None,
    format: FormatName = DEFAULTS.format,
    columns: Columns = None,
    label: Label = None,
    criterion: Criterion = None,
    split: Split = None,
    one_annotator: OneAnnotator = None,
    on_error: AtError = DEFAULTS.on_error,
    prior: Prior = DEFAULTS.prior,
    temperature: Temperature = f"{DEFAULTS.temperature:g}",
    shared_pairs: SharedPairs = DEFAULTS.shared_pairs,
    model: Model = DEFAULTS.model,
    compare_models: CompareModels = DEFAULTS.compare_models,
    intervals: Intervals = DEFAULTS.intervals,
    fit_tests: FitTests = DEFAULTS.fit_tests,
    two_coins: TwoCoins = DEFAULTS.two_coins,
    group: Group = None,
    group_column: GroupColumn = None,
    level: Level = DEFAULTS.level,
    force: Force = DEFAULTS.force,
    report: Report = DEFAULTS.report,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Find out which annotators, votes and pairs to trust.

    Writes report.html, annotators.parquet, votes.parquet, pairs.parquet and summary.json.

    **Examples:**

    `votewise audit votes.parquet`

    `votewise audit votes.csv --columns annotator=worker_id --on-error skip --out audit/june`

    `votewise audit votes.jsonl --prior beta:5,2 --json`

    `votewise audit votes.jsonl --group judges='gpt-*'`
    """
    from votewise.cli.printing.audit import print_audit
    from votewise.cli.printing.common import print_json
    from votewise.cli.printing.progress import ProgressBar

    with ProgressBar(quiet=quiet) as bar:
        result = workflow.audit(
            votes,
            out=out or default_folder("audit", votes),
            format=format,
            columns=parse_columns(columns),
            label=parse_label(label),
            criterion=criterion,
            split=split,
            one_annotator=one_annotator,
            on_error=on_error,
            prior=prior,
            temperature=temperature,
            shared_pairs=shared_pairs,
            model=model,
            compare_models=compare_models,
            intervals=intervals,
            fit_tests=fit_tests,
            two_coins=two_coins,
            groups=parse_groups(group, group_column),
            level=level,
            force=force,
            report=report,
            progress=bar,
        )
    if as_json:
        print_json(result.summary)
    elif not quiet:
        print_audit(result)
