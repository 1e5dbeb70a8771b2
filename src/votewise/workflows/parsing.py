"""Parameters that a workflow takes as a text, as the command line gives them, or as a Python object."""

from __future__ import annotations

from typing import Any, Literal

from votewise.errors import BadInputError


def parse_temperature(value: float | str) -> float | Literal["fit"]:
    """``fit``, a number, or the text of a number."""
    try:
        return "fit" if value == "fit" else float(value)
    except ValueError:
        raise BadInputError("not a number", parameter="temperature", value=value, expected="a number or fit") from None


def as_list(sources: Any) -> list[Any]:
    """One source or several, as a list. A list of dicts is one source: its rows."""
    several = isinstance(sources, list | tuple) and not any(isinstance(source, dict) for source in sources)
    return list(sources) if several else [sources]


def refuse_unread(source: str, **options: Any) -> None:
    """Raise BadInputError for options that say how a source is read, where there is none; ``source`` is its name."""
    for name, value in options.items():
        if value is not None and value != "stop":
            raise BadInputError(f"says how {source} is read, and there is none", parameter=name, expected=source)
