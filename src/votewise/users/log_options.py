"""What a user may say about how a log of clicks is read: which questions count, and what winners mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from votewise.errors import BadInputError
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.criteria import QUESTIONS
from votewise.sources.meanings.label_words import label_key
from votewise.users.outcomes import RowKind

SAID = "votewise_winner_said"
"""The derived column with the winners as the user says what they mean."""

WORDS = {"a": "model_a", "b": "model_b"}
"""What winners are called that the user maps to a side."""


@dataclass(frozen=True)
class LogOptions:
    """How a log of clicks is read.

    Attributes:
        model: the model to call A; the alphabetically first of two by default.
        matchups: names of matchups, ``A:B``, whose win rates are about A; where a log has more than two models.
        on_error: what to do at rows without a user, a model or a known winner: ``stop`` with an error, or ``skip`` them.
        label: what winners mean, as ``sources.meanings.label_words.parse_labels`` gives it.
        criterion: which question counts, where several were asked.
        split: which split of a data set to read.
        status: a column that says which rows are no clicks; None to go by the names of columns.
        set_aside: columns that have no role.
        judgement: column that names the judgement which a click comes from; None where every click is its own.
        shown: the log's own names of columns, where those that are counted are derived from them.
    """

    model: str | None = None
    matchups: tuple[str, ...] = ()
    on_error: str = "stop"
    label: Mapping[str, str] = field(default_factory=dict)
    criterion: str | None = None
    split: str | None = None
    status: str | None = None
    set_aside: tuple[str, ...] = ()
    judgement: str | None = None
    shown: dict[str, str] | None = None


DEFAULTS: Mapping[str, str | None] = {
    "user": "user", "model_a": "model_a", "model_b": "model_b", "winner": "winner", "domain": None, "time": "time",
    "judgement": None,
}  # fmt: skip
"""The columns of a log, and what they are called where nothing else is said."""

OPTIONAL = ("domain", "time", "judgement")

OF_VOTES = {"annotator": "user", "label": "winner"}
"""What votes call columns that clicks have, too -> the clicks' own name."""


def named_columns(
    given: Mapping[str, str | None], columns: Mapping[str, str] | None
) -> tuple[dict[str, str | None], str | None, tuple[str, ...]]:
    """The log's names of columns, those that ``columns`` names, and for the others those ``given``.

    Besides them the column that says which rows are no clicks, and columns without a role.

    Raises:
        BadInputError: a name that plays no part in a log, a column that is needed and set aside, or one that is named twice.
    """
    named, status, set_aside = dict(given), None, []
    for name, own in (columns or {}).items():
        what = OF_VOTES.get(name, name)
        if what not in given:
            if own == "":
                set_aside.append(name)
                continue
            if what == "status":
                status = own
                continue
            raise BadInputError(
                "plays no part in a log of clicks",
                parameter="columns",
                value=name,
                expected=f"one of {', '.join(given)}, status",
            )
        if own == "" and what not in OPTIONAL:
            raise BadInputError("is needed", parameter="columns", value=f"{name}=", expected=f"{name}=COLUMN")
        if given[what] != DEFAULTS[what] and given[what] != own:
            raise BadInputError(
                "is named twice", parameter=what, value=given[what], expected=f"it or --columns {name}={own}"
            )
        named[what] = own or None
    return named, status, tuple(set_aside)


def counted_columns(named: Mapping[str, str | None]) -> dict[str, str]:
    """The log's names of ``user``, ``a``, ``b``, ``winner`` and, where there are domains, ``domain``."""
    roles = {"user": "user", "a": "model_a", "b": "model_b", "winner": "winner", "domain": "domain"}
    return {role: own for role, what in roles.items() if (own := named[what]) is not None}


def on_criterion(rows: Any, criterion: str, source: str) -> tuple[Any, int, str]:
    """The rows about one question, how many are about others, and the column that says so.

    Raises:
        BadInputError: nothing in the log is called like that.
    """
    found: set[str] = set()
    for name, kind in rows.schema().items():
        if plain_name(name) not in QUESTIONS or kind.is_nested():
            continue
        column = rows[name].cast("string")
        counted = rows.group_by(value=column).agg(rows=rows.count()).order_by("value").limit(1000).to_pyarrow()
        numbers = dict(zip(counted["value"].to_pylist(), counted["rows"].to_pylist(), strict=True))
        if criterion in numbers:
            return rows.filter(column == criterion), sum(numbers.values()) - numbers[criterion], name
        found |= {value for value in numbers if value is not None}
    expected = f"one of: {', '.join(sorted(found)[:10])}" if found else "a log with a column 'criterion'"
    raise BadInputError("unknown criterion", source=source, parameter="criterion", value=criterion, expected=expected)


def with_labels(
    rows: Any, columns: dict[str, str], kinds: Sequence[RowKind], label: Mapping[str, str]
) -> tuple[Any, dict[str, str], list[RowKind]]:
    """Rows, columns and kinds of rows with the winners replaced by what the user says that they mean."""
    winner = rows[columns["winner"]]
    texts = {str(kind.winner): kind.winner for kind in kinds if kind.winner is not None}
    meant = {value: label[label_key(text)] for text, value in texts.items() if label_key(text) in label}
    if not meant:
        return rows, columns, list(kinds)
    said = {value: WORDS.get(meaning, meaning) for value, meaning in meant.items()}
    text = winner if winner.type().is_string() else winner.cast("string")
    derived = rows.mutate(**{SAID: winner.cases(*said.items(), else_=text)})
    return derived, {**columns, "winner": SAID}, [replace(k, winner=said.get(k.winner, k.winner)) for k in kinds]
