"""One JSON object around the list of rows: which list it is, and what beside it belongs to each row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from votewise.errors import BadInputError
from votewise.sources.meanings.column_names import PERSON, names_a_row, names_what_was_asked, plain_name, two_answers


@dataclass(frozen=True)
class ListInObject:
    """The list of rows in an object.

    Attributes:
        entry: the name of its entry.
        shared: what stands beside the list and is read with each of its rows.
        notes: what to say about that, and about what is left out.
    """

    entry: str
    shared: Mapping[str, Any]
    notes: tuple[str, ...]

    def row(self, item: Any) -> Any:
        """A row that is an item of the list."""
        return {**self.shared, **item} if self.shared and isinstance(item, dict) else item


def list_in(value: Mapping[str, Any], name: str) -> ListInObject | None:
    """The one list of objects in an object, whose first item is enough here; None where the object is a row itself.

    Raises:
        BadInputError: there are several such lists.
    """
    lists = {
        k: v for k, v in value.items() if isinstance(v, list) and v and isinstance(v[0], dict) and not _is_part(v[0])
    }
    whole = len(lists) == 1 and all(_is_row(v) for rows in lists.values() for v in rows[:1])
    if not lists or (names_a_row(value) and not whole):
        return None
    if len(lists) > 1:
        raise BadInputError(f"contains several lists of objects: {', '.join(lists)}", source=name, expected="one list")
    own = next(iter(lists))
    shared = {k: v for k, v in value.items() if k not in lists and (names_what_was_asked(k) or _names_one(k, v))}
    left = ", ".join(key for key in value if key not in lists and key not in shared)
    notes: tuple[str, ...] = (f"The rows are the list '{own}'; beside it and left out: {left}.",) if left else ()
    if shared:
        notes += (f"What stands beside the list '{own}' is read with each of its rows: {', '.join(shared)}.",)
    return ListInObject(own, shared, notes)


def _is_row(value: Any) -> bool:
    """Whether an object of a list has two answers, and so is a row whatever stands beside the list."""
    return isinstance(value, dict) and ({"chosen", "rejected"} <= value.keys() or two_answers(list(value)) is not None)


def _is_part(value: Mapping[str, Any]) -> bool:
    """Whether an object of a list is a message, or an option to choose from, and so a part of a row."""
    return (
        {"role", "content"} <= value.keys()
        or {"from", "value"} <= value.keys()
        or ({"id", "text"} <= value.keys() <= {"id", "text", "html", "image", "meta", "style"})
    )


def _names_one(name: str, value: Any) -> bool:
    return PERSON.fullmatch(plain_name(name)) is not None and isinstance(value, str | int)
