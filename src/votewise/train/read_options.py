"""Votes to train and to evaluate on, read as the settings of the run say."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.sources import read_votes
from votewise.storage.files import written_at_last
from votewise.train.arguments import Arguments, DataArguments


def training_votes(arguments: Arguments, source: str, until: ExitStack | None = None) -> Votes:
    """The votes to train on. Rows that are skipped are in their file once ``until`` ends well, or at once for None."""
    data = arguments.data
    return _votes(arguments, source, "rejected.jsonl", until, split=data.split, one_annotator=data.one_annotator)


def evaluation_votes(arguments: Arguments, source: str, until: ExitStack | None = None) -> Votes:
    """The votes to evaluate on: they may have other people and another split."""
    return _votes(arguments, source, "eval-rejected.jsonl", until, split=arguments.data.eval_split)


def _votes(arguments: Arguments, source: str, rejects: str, until: ExitStack | None, **how: Any) -> Votes:
    data, column = arguments.data, arguments.training.annotator_column
    columns = _mapping("columns", data.columns)
    if column not in (None, "annotator") and columns.setdefault("annotator", column) != column:
        raise BadInputError(
            f"calls the annotators '{columns['annotator']}', and annotator_column '{column}'",
            parameter="columns",
            expected="one of the two",
        )
    label, criterion = _mapping("label", data.label), data.criterion
    # Every process reads the votes; one writes what is unusable. A dry run writes nothing.
    first = arguments.training.process_index == 0 and not data.dry_run and data.on_error == "skip"
    path = Path(arguments.training.output_dir, rejects) if first else None
    # A later refusal, before training begins, leaves no file behind.
    aside = path if until is None else until.enter_context(written_at_last(path))
    how |= {"on_error": data.on_error, "rejects": aside, "label": label, "criterion": criterion}
    return read_votes(source, format=data.votes_format, columns=columns or None, **how).rejects_in(path)


def _mapping(name: str, given: object) -> dict[str, str]:
    """A mapping from a recipe, or from an option that has it as JSON."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            raise BadInputError("is not a mapping", parameter=name, value=given, expected='{"NAME": "VALUE"}') from None
    if not isinstance(given, dict | type(None)):
        raise BadInputError("is not a mapping", parameter=name, value=given, expected="names with their values")
    return {str(key): "" if value is None else str(value) for key, value in (given or {}).items()}


def refuse_read_options(data: DataArguments) -> None:
    """Raise BadInputError for options that say how votes are read, where no votes are read."""
    for name in ("columns", "label", "criterion", "split", "one_annotator", "eval_split"):
        if getattr(data, name) is not None:
            raise BadInputError(
                "says how votes are read, and none are", parameter=name, expected="--votes FILE with it"
            )
    if data.on_error != "stop":
        raise BadInputError(
            "says how votes are read, and none are", parameter="on_error", expected="--votes FILE with it"
        )
