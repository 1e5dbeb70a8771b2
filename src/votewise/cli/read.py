"""``votewise read``: what would be read from a source."""

from __future__ import annotations

from votewise.cli.audit import Source
from votewise.cli.options import (
    AtErrorCounted,
    Columns,
    Criterion,
    Defaults,
    FormatName,
    Json,
    Label,
    OneAnnotator,
    Split,
    parse_columns,
    parse_label,
)
from votewise.workflows import read as workflow

DEFAULTS = Defaults(workflow.read)


def read(
    votes: Source,
    format: FormatName = DEFAULTS.format,
    columns: Columns = None,
    label: Label = None,
    criterion: Criterion = None,
    split: Split = None,
    one_annotator: OneAnnotator = None,
    on_error: AtErrorCounted = DEFAULTS.on_error,
    as_json: Json = False,
) -> None:
    """Show what would be read from a file, before anything else: run this first.

    Prints the format, the role of every column, how many votes, ties, skips and unknown people there are, and the first
    three votes in words. Of a log of clicks without texts, it shows the same, and the `votewise filter` command for it.
    Writes nothing.

    **Examples:**

    `votewise read votes.jsonl`

    `votewise read votes.csv --columns annotator=worker --label 'Left is better'=a --label 'Right is better'=b`
    """
    from votewise.cli.printing.read import print_reading, print_reading_json

    result = workflow.read(
        votes,
        format=format,
        columns=parse_columns(columns),
        label=parse_label(label),
        criterion=criterion,
        split=split,
        one_annotator=one_annotator,
        on_error=on_error,
    )
    if as_json:
        print_reading_json(result)
    else:
        print_reading(result)
