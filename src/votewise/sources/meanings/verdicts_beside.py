"""A column that says which of chosen and rejected was preferred: then ``chosen`` alone is not the vote."""

from __future__ import annotations

import re

import pyarrow as pa

from votewise.sources.containers.stand_in_type import is_in_files
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.labels import LABELS, label_key
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows
from votewise.sources.samples import samples
from votewise.sources.values import decoded

NAMES = re.compile(
    r"((human|user|annotator|worker|rater|crowd|expert|judge|majority|final)_?)?(label|labels|preference|preferred|vote|verdict|choice"
    r"|winner|decision|selection|judg[e]?ment|better|agree|agrees|agreed|disagree|disagrees)"
)
FOR = frozenset(("chosen", "a", "1", "1.0", "true", "yes", "agree", "agrees", "response_a", "first"))
"""Values that say the same as the column ``chosen``."""
AGAINST = frozenset(("rejected", "b", "false", "0", "0.0", "no", "disagree", "disagrees", "response_b", "second"))
"""Values that speak against it, also where a column holds nothing else."""
MARK = re.compile(r"judgement \d+")
"""The names of judgements in files that votewise writes."""

MOST = 6
SAMPLE = 10_000


def refuse_verdict_beside(rows: Rows) -> None:
    """Refuse a column of verdicts beside chosen and rejected, some of which may be against chosen.

    Raises:
        BadInputError: with the options that count chosen, or the column, as the vote.
    """
    for name in rows.table.column_names:
        if name in rows.roles or name in rows.renames or not NAMES.fullmatch(plain_name(name)):
            continue
        values = [value for value in decoded(_different(rows, name), name) if value is not None]
        if values and all(isinstance(value, str) and MARK.fullmatch(value) for value in values):
            continue
        kinds = {label_key(str(value)) for value in values if isinstance(value, str | int | float)}
        if not kinds or len(kinds) > MOST or any(isinstance(value, list | dict) for value in values):
            continue
        short = all(len(kind.split()) <= MOST and len(kind) < 40 for kind in kinds)
        if not short or kinds <= FOR or (len(kinds) == 1 and not kinds & {*AGAINST, *LABELS}):
            continue
        own = rows.source_column(name)
        raise rows.fail(
            f"may say which of chosen and rejected was preferred: {', '.join(sorted(kinds)[:4])}",
            column=name,
            expected=f"{column_option(own, '')} if chosen is the vote; if this column is, --columns response_a=chosen "
            f"--columns response_b=rejected {column_option('label', own)}, and --label VALUE=a for chosen",
        )


def _different(rows: Rows, name: str) -> pa.Table:
    """The different values of a column of all rows; the first ones where they are lists, objects or in files."""
    field = rows.table.schema.field(name)
    if pa.types.is_nested(rows.type_of(name)) or is_in_files(field):
        return samples(rows, [name], SAMPLE)
    return pa.Table.from_arrays([rows.table.column(name).unique()], schema=pa.schema([field]))
