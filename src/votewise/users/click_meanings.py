"""What columns of a log of clicks say about its rows, by the rules by which ``read_votes`` reads votes.

One split is read, drafts and the like are left out, ties may be marked in a column of their own, classes have names, and
clicks on two identical answers say nothing. What would change a count without a word is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from votewise.errors import BadInputError
from votewise.sources.containers.splits import choose_split
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.criteria import CRITERIA
from votewise.sources.meanings.label_notations import word_of
from votewise.sources.meanings.label_words import NEUTRAL, WINNERS, label_key, meant_by
from votewise.sources.meanings.losers import names_worse
from votewise.sources.meanings.no_votes import every_row_is_out, has_counts, said_of_votes, status_note
from votewise.sources.meanings.open_meanings import MOST, says_out, several_criteria
from votewise.sources.meanings.result_columns import names_loser
from votewise.sources.meanings.sides_in_doubt import ON_SCREEN, PLACES, places_in_doubt, tells_places
from votewise.sources.meanings.split_columns import NAMES, are_splits, split_note
from votewise.sources.option_words import column_option
from votewise.users.log_options import LogOptions

WINNER, CLASS = "votewise_winner", "votewise_class_"
"""Derived columns: the winner, with ties that other columns mark; and the names of classes."""

HEAD = 20_000
MANY = 1000
"""Values of a column, more of which are no statuses, criteria or splits; looked for in the first ``HEAD`` rows first."""


@dataclass
class LogRows:
    """The rows of a log that are clicks.

    Attributes:
        rows: an expression of the engine.
        columns: the names that ``user``, ``a``, ``b``, ``winner`` and ``domain`` have in it.
        left_out: rows that are no clicks, by the reason.
        notes: what to say about it.
        roles: columns that say something about the rows, and what: ``status``, ``split``.
    """

    rows: Any
    columns: dict[str, str]
    left_out: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    roles: dict[str, str] = field(default_factory=dict)

    def leave_out(self, out: Any, reason: str) -> int:
        """Leave out the rows where ``out`` holds; return their number."""
        out = out.fill_null(False)
        number = int(self.rows.filter(out).count().to_pyarrow().as_py())
        if number:
            self.rows = self.rows.filter(~out)
            self.left_out[reason] = self.left_out.get(reason, 0) + number
        return number


def read_meanings(
    rows: Any, columns: dict[str, str], options: LogOptions, classes: Mapping[str, list[str]], source: str
) -> LogRows:
    """Apply what the columns of a log say that have no role in it.

    Args:
        rows: the log, an expression of the engine.
        columns: the log's names of columns.
        options: what the user says.
        classes: the names of the classes of columns of class numbers.
        source: name of the log, for messages.

    Raises:
        BadInputError: several criteria or weights without a word about them, or no row that is a click.
    """
    clicks = LogRows(_with_classes(rows, columns, classes), _of_classes(columns, classes))
    free = [name for name in rows.columns if name not in {*columns.values(), *options.set_aside}]
    schema = rows.schema()
    free = [name for name in free if not schema[name].is_nested()]
    for name in free:
        if plain_name(name) in NAMES and schema[name].is_string():
            _one_split(clicks, name, options.split, source)
    for name in free:
        _check(clicks, name, options, source)
    _check_winner(clicks, free, options, source)
    named = {options.status: "status"} if options.status is not None else {}
    counts = has_counts(rows.columns)
    tied = [mark for n in free if (mark := _status(clicks, n, named.get(n, n), source, counts)) is not None]
    if {"response_a", "response_b"} <= set(free) and "pair" not in free:
        clicks.leave_out(_between_identical(clicks, options), "between two identical responses")
    if tied:
        winner = clicks.rows[clicks.columns["winner"]].cast("string")
        for mark in tied:
            winner = clicks.rows[mark[0]].cast("string").isin(mark[1]).fill_null(False).ifelse("tie", winner)
        clicks.rows = clicks.rows.mutate(**{WINNER: winner})
        clicks.columns = {**clicks.columns, "winner": WINNER}
    return clicks


def may_say(name: str, values: Sequence[str] | None) -> bool:
    """Whether ``read_meanings`` looks at a column by its name, or by these values of a column of texts.

    Args:
        name: the column's name.
        values: its different values; None where they are more than ``MOST``, or no texts.
    """
    plain = plain_name(name)
    by_name = plain in NAMES or plain in CRITERIA or plain == "weight" or ON_SCREEN.fullmatch(plain) is not None
    return by_name or said_of_votes(name, ()) is not None or bool(values and says_out("", name, values))


def _between_identical(clicks: LogRows, options: LogOptions) -> Any:
    """Where both responses are the same and the click is not a tie: nothing tells which one was meant."""
    winner = clicks.rows[clicks.columns["winner"]].cast("string")
    same = clicks.rows["response_a"] == clicks.rows["response_b"]
    values = _values(clicks.rows.filter(same), clicks.columns["winner"]) or ()
    tied = [v for v in values if meant_by(v, options.label, WINNERS) in NEUTRAL]
    return same & ~winner.isin(tied).fill_null(False) if tied else same


def _of_classes(columns: dict[str, str], classes: Mapping[str, list[str]]) -> dict[str, str]:
    return {what: CLASS + what if what != "user" and own in classes else own for what, own in columns.items()}


def _with_classes(rows: Any, columns: dict[str, str], classes: Mapping[str, list[str]]) -> Any:
    """The rows with the names of classes; a class that is not known stays the number that it is."""
    derived = {}
    for what, own in columns.items():
        if what != "user" and own in classes:
            names = list(enumerate(classes[own]))
            derived[CLASS + what] = rows[own].cases(*names, (-1, None), else_=rows[own].cast("string"))
    return rows.mutate(**derived) if derived else rows


def _values(rows: Any, name: str, most: int = MANY) -> list[str] | None:
    """The different values of a column as texts; None where they are more than ``most``."""
    column = rows.select(value=rows[name].cast("string"))
    for some in (column.limit(HEAD), column):
        # Where the first rows have too many, not all need to be looked at.
        found = some.distinct().order_by("value").limit(most + 1).to_pyarrow()["value"].to_pylist()
        if len(found) > most:
            return None
    return [value for value in found if value is not None]


def _are_numbers(values: Sequence[str]) -> bool:
    try:
        return bool(values) and all(float(value) == float(value) for value in values)
    except ValueError:
        return False


def _one_split(clicks: LogRows, name: str, split: str | None, source: str) -> None:
    values = [value for value in _values(clicks.rows, name) or () if value]
    if not are_splits(values):
        return
    chosen, _ = choose_split(values, split, source)
    number = clicks.leave_out((clicks.rows[name] != chosen).fill_null(True), "of other splits")
    clicks.roles[name] = "split"
    clicks.notes.append(split_note(name, chosen, number))


def _check(clicks: LogRows, name: str, options: LogOptions, source: str) -> None:
    """Refuse what would change the counts without a word: several criteria, drafts under any name, and weights."""
    plain = plain_name(name)
    if name != options.status and said_of_votes(name, ()) is None and clicks.rows.schema()[name].is_string():
        values = _values(clicks.rows, name, MOST)
        if values is not None and len(values) > 1 and (error := says_out(source, name, values)):
            raise error
    if plain in CRITERIA and options.criterion is None:
        values = [value for value in _values(clicks.rows, name) or () if value]
        if 1 < len(values) <= MOST:
            raise several_criteria(source, name, values)
    if plain == "weight":
        values = _values(clicks.rows, name)
        if values is None or (_are_numbers(values) and {float(value) for value in values} - {1.0}):
            raise BadInputError(
                "says how much rows count, and a log counts each of them once",
                source=source,
                column=name,
                expected=f"{column_option(name, '')} to count each once",
            )


def _check_winner(clicks: LogRows, free: Sequence[str], options: LogOptions, source: str) -> None:
    """Refuse winners that are losers by their column's name, and places where a column says which model was where."""
    own = clicks.columns["winner"]
    loses = names_loser(plain_name(own))
    places = [name for name in free if ON_SCREEN.fullmatch(plain_name(name))]
    values = (_values(clicks.rows, own, MOST) or ()) if loses or places else ()
    open_ = {key for value in values if (key := label_key(value)) not in options.label}
    if loses and open_ and len(open_) == len(values):
        raise names_worse(source, own, set(values), WINNERS, "winner")
    sides = {word_of(key) or key for key in open_} & PLACES
    for name in places if sides else ():
        if tells_places(_values(clicks.rows, name, MOST) or ()):
            raise places_in_doubt(source, name, sides, clicks.columns["a"])


def _status(clicks: LogRows, name: str, what: str, source: str, counts: bool) -> tuple[str, Sequence[str]] | None:
    """Leave out the rows that a column calls no votes; the column and its values that mean ties, None without any."""
    values = _values(clicks.rows, name) if said_of_votes(what, ()) is not None else None
    found = None if values is None else said_of_votes(what, values, counts=counts)
    if values is None or found is None:
        return None
    out = [value for value, is_out in zip(values, found[0], strict=True) if is_out]
    ties = [value for value, is_tie in zip(values, found[1], strict=True) if is_tie]
    number = clicks.leave_out(clicks.rows[name].cast("string").isin(out), "no vote") if out else 0
    if number and int(clicks.rows.count().to_pyarrow().as_py()) == 0:
        raise every_row_is_out(source, name)
    if number or ties:
        clicks.roles[name] = "status"
        clicks.notes.append(status_note(name, number, None if ties else 0))
    return (name, ties) if ties else None
