"""Parameters that a workflow takes as a text, as the command line gives them, or as a Python object."""

from __future__ import annotations

from typing import Literal

from votewise.errors import BadInputError


def parse_temperature(value: float | str) -> float | Literal["fit"]:
    """``fit``, a number, or the text of a number."""
    try:
        return "fit" if value == "fit" else float(value)
    except ValueError:
        raise BadInputError("not a number", parameter="temperature", value=value, expected="a number or fit") from None
