"""A column that says which of chosen and rejected was preferred: then ``chosen`` alone is not the vote."""

from __future__ import annotations

import re

import pyarrow as pa

from votewise.sources.cells import is_string
from votewise.sources.containers.stand_in_type import is_in_files
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.label_words import LABELS, label_key
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows
from votewise.sources.samples import samples
from votewise.sources.texts.words import words
from votewise.sources.values import decoded

NAMES = re.compile(
    r"((human|user|annotator|worker|rater|crowd|expert|judge|majority|final)_?)?(label|labels|preference|preferred|vote|verdict|choice"
    r"|winner|decision|selection|judg[e]?ment|better|agree|agrees|agreed|disagree|disagrees)"
)
FOR = frozenset(("chosen", "a", "1", "1.0", "true", "yes", "agree", "agrees", "response_a", "first"))
"""Values that say the same as the column ``chosen``."""
AGAINST = frozenset(("rejected", "b", "false", "0", "0.0", "no", "disagree", "disagrees", "response_b", "second"))
"""Values that speak against it, also where a column holds nothing else."""
OURS = frozenset(
    ("chosen", "rejected", "chosen_response", "rejected_response", "tie", "both", "neither", "equal", "skip")
)
"""Words that speak of chosen and rejected, whatever the column with them is called."""
NOT_VOTES = re.compile(r".*(gold|truth|correct|expected|true|longer|shorter|first|shown|order|position|safe).*")
"""Names of columns that say something else about the two."""
COUNTED = re.compile(r"(n_|num_)?(up_?votes?|likes|thumbs_up|wins|ballots|supporters|voters|agreements?|preferences)")
"""Names of numbers of people who prefer an answer."""
MARK = re.compile(r"judgement \d+")
"""The names of judgements in files that votewise writes."""

MOST = 6
SAMPLE, FIRST = 10_000, 1_000


def refuse_verdict_beside(rows: Rows) -> None:
    """Refuse a column of verdicts beside chosen and rejected, some of which may be against chosen.

    Raises:
        BadInputError: with the options that count chosen, or the column, as the vote.
    """
    _refuse_counts(rows)
    for name in rows.table.column_names:
        if name in rows.roles or name in rows.renames or NOT_VOTES.fullmatch(plain_name(name)):
            continue
        if not NAMES.fullmatch(plain_name(name)) and not _speaks_of_both(rows, name):
            continue
        values = [value for value in decoded(_different(rows, name), name) if value is not None]
        if values and all(isinstance(value, str) and MARK.fullmatch(value) for value in values):
            continue
        role = "votes" if any(isinstance(value, list) for value in values) else "label"
        values = [one for value in values for one in (value if isinstance(value, list) else [value])]
        kinds = {label_key(str(value)) for value in values if isinstance(value, str | int | float)}
        if not kinds or len(kinds) > MOST or any(isinstance(value, list | dict) for value in values):
            continue
        short = all(words(kind) <= MOST and len(kind) < 40 for kind in kinds)
        if not short or kinds <= FOR or (len(kinds) == 1 and not kinds & {*AGAINST, *LABELS}):
            continue
        own = rows.source_column(name)
        raise rows.fail(
            f"may say which of chosen and rejected was preferred: {', '.join(sorted(kinds)[:4])}",
            column=name,
            expected=f"{column_option(own, '')} if chosen is the vote; if this column is, --columns response_a=chosen "
            f"--columns response_b=rejected {column_option(role, own)}, and --label VALUE=a for chosen",
        )


def _speaks_of_both(rows: Rows, name: str) -> bool:
    """Whether a column, or lists in it, hold nothing but such words as ``rejected``, in some row that one."""
    kind = rows.type_of(name)
    if not (is_string(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        return False
    values = [value for value in decoded(samples(rows, [name], FIRST), name) if value not in (None, "", [])]
    words = [one for value in values for one in (value if isinstance(value, list) else [value])]
    kinds = {label_key(word) if isinstance(word, str) else None for word in words}
    return bool(kinds & {"rejected", "rejected_response"}) and kinds <= OURS


def _refuse_counts(rows: Rows) -> None:
    """Refuse numbers of people who prefer chosen, and rejected: ``upvotes_chosen`` and ``upvotes_rejected``."""
    plain = {plain_name(name): name for name in rows.table.column_names if name not in rows.roles}
    for known, name in plain.items():
        stem = known.removeprefix("chosen_") if known.startswith("chosen_") else known.removesuffix("_chosen")
        other = plain.get(known.replace("chosen", "rejected"))
        if stem != known and COUNTED.fullmatch(stem) and other is not None:
            own, second = rows.source_column(name), rows.source_column(other)
            raise rows.fail(
                f"and '{second}' may say how many people prefer chosen and rejected",
                column=name,
                expected=f"{column_option(own, '')} {column_option(second, '')} if chosen is one vote; if these are votes, "
                f"--columns response_a=chosen --columns response_b=rejected {column_option('votes_a', own)} "
                f"{column_option('votes_b', second)}",
            )


def _different(rows: Rows, name: str) -> pa.Table:
    """The different values of a column of all rows; the first ones where they are lists, objects or in files."""
    field = rows.table.schema.field(name)
    if pa.types.is_nested(rows.type_of(name)) or is_in_files(field):
        return samples(rows, [name], SAMPLE)
    return pa.Table.from_arrays([rows.table.column(name).unique()], schema=pa.schema([field]))
