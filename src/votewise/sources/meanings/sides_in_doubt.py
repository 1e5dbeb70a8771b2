"""Columns that nobody read and that put in doubt which answer a label means: more answers, places, other labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pyarrow.compute as pc

from votewise.errors import BadInputError
from votewise.sources.canonical import Canonical
from votewise.sources.cells import is_string
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.label_notations import word_of
from votewise.sources.meanings.label_words import NEUTRAL, label_key, word_meaning
from votewise.sources.meanings.unread_values import unread
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows
from votewise.sources.values import decoded

END = re.compile(r"[\s_.-]*(\d+|[a-z]|one|two)$")
PLACES = frozenset(("left", "right", "first", "second"))
"""Labels that name a place on the screen."""
ON_SCREEN = re.compile(
    r"((is|was)_)?(swap|swapped|flip|flipped|reversed|switched|mirrored)(_(order|positions?|sides))?"
    r"|((presentation|display|displayed|shown|answer|response|side|screen|left_right)_)?(order|ordering|position|positions)"
    r"|((response|model|answer)_)?a_(is_)?(on_)?(left|first)|(left|first)_(is_)?((response|model|answer)_)?a"
    r"|(left|first|right|second)_(model|response|answer|id)|shown_(first|left)|on_(the_)?left"
)
"""Names of columns that say which answer was on which side."""
AS_NAMED = frozenset(("false", "0", "no", "ab", "a,b", "a"))
"""Values that say that the first answer was on the left."""
SECOND = (
    "label", "winner", "preference", "preferred", "choice", "vote", "verdict", "judgment", "judgement", "better", "selected",
    "decision", "result", "chosen",
)  # fmt: skip
"""Names of columns that may hold a second label."""


def check_sides(rows: Rows, canonical: Canonical) -> None:
    """Refuse rows in which it is open which answer a label means.

    Raises:
        BadInputError: with the column and the options that settle it.
    """
    answers = {
        role: name for name, role in rows.roles.items() if role in ("response_a", "response_b") and rows.has(name)
    }
    if len(answers) < 2:
        return
    _check_further(rows, answers)
    if not canonical.one_per_row:
        return
    label = next((name for name, role in rows.roles.items() if role in ("label", "winner") and rows.has(name)), None)
    if label is None:
        return
    _check_places(rows, label, answers)
    _check_second(rows, canonical, label)


def _check_further(rows: Rows, answers: Mapping[str, str]) -> None:
    """Refuse answer_3 beside answer_1 and answer_2."""
    stems = {END.sub("", name.casefold()) for name in answers.values()}
    if len(stems) > 1 or not all(END.search(name.casefold()) for name in answers.values()):
        return
    more = [
        name for name in unread(rows) if END.search(name.casefold()) and END.sub("", name.casefold()) in stems
        and is_string(rows.head.schema.field(name).type) and rows.table.column(name).null_count < len(rows.table)
    ]  # fmt: skip
    if more:
        listed = ", ".join(f"'{rows.source_column(name)}'" for name in (*answers.values(), *more))
        raise rows.fail(
            f"holds more than two answers in the columns {listed}",
            expected="--format ranked-columns where a column names the best of all; "
            f"{' '.join(f'--columns {rows.source_column(name)}=' for name in more)} compares the first two alone",
        )


def _check_places(rows: Rows, label: str, answers: Mapping[str, str]) -> None:
    """Refuse labels such as left beside a column that says which answer was on the left."""
    keys = {label_key(str(value)) for value in decoded(rows.head.select([label]), label) if value is not None}
    values = {word_of(key) or key for key in keys}
    # Where the answers' columns are called left and right, the labels name these.
    if not values & PLACES or any(place in plain_name(name) for name in answers.values() for place in PLACES):
        return
    for name in unread(rows):
        if not ON_SCREEN.fullmatch(plain_name(name)):
            continue
        found = {str(value) for value in decoded(rows.head.select([name]), name) if value is not None}
        if tells_places(found):
            own, a = rows.source_column(name), rows.source_column(answers["response_a"])
            raise places_in_doubt(rows.source.name, own, values & PLACES, a)


def tells_places(values: Iterable[str]) -> bool:
    """Whether values of a column such as ``swapped`` say that some answers were not where their names say."""
    return not {label_key(value).replace(" ", "") for value in values} <= AS_NAMED


def places_in_doubt(source: str, column: str, labels: Iterable[str], first: str) -> BadInputError:
    """The refusal of labels that are places beside a column that says which answer was where; ``first`` is the first one."""
    return BadInputError(
        f"may say which answer was on which side, and the labels are {', '.join(sorted(labels))}",
        source=source,
        column=column,
        expected=f"labels that name the answers; or {column_option(column, '')} if left, or first, always means '{first}'",
    )


def _check_second(rows: Rows, canonical: Canonical, label: str) -> None:
    """Refuse a second column of labels that says something else than the one that was read."""
    places = canonical.table.column("row").to_numpy()
    read = canonical.table.column("label").to_pylist()
    for name in unread(rows):
        if plain_name(name) not in SECOND or not is_string(rows.type_of(name)):
            continue
        kinds = [value for value in pc.unique(rows.table.column(name)).to_pylist() if value]
        meant = {value: word_meaning(label_key(value)) for value in kinds}
        if not kinds or None in meant.values():
            continue
        other = rows.table.column(name).to_pylist()
        for i, one in zip(places.tolist(), read, strict=True):
            second = meant.get(other[i])
            if second is not None and NEUTRAL.get(second, second) != one:
                own, first = rows.source_column(name), rows.source_column(label)
                raise rows.fail(
                    f"is a second label and says something else than '{first}' (row {rows.source.number(i):,})",
                    column=name,
                    expected=f"{column_option(own, '')} if '{first}' is the vote, {column_option(first, '')} "
                    f"{column_option('label', own)} if not",
                )
