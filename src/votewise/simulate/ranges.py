"""How many votes or comparisons somebody has: the fewest and the most."""

from __future__ import annotations

from votewise.errors import BadInputError

Range = int | tuple[int, int] | str
"""One number, the fewest and the most, or one of these as a text: ``50``, ``30..50``."""


def parse_range(given: Range, parameter: str) -> int | tuple[int, int]:
    """``"50"`` -> (50, 50); ``"30..50"`` -> (30, 50); numbers as they are."""
    if not isinstance(given, str):
        return given
    low, dots, high = given.partition("..")
    try:
        return int(low), int(high if dots else low)
    except ValueError:
        raise BadInputError("not a range", parameter=parameter, value=given, expected="say, 50 or 30..50") from None
