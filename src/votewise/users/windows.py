"""How the clicks of a user are cut into stretches of time."""

from __future__ import annotations

import re
from dataclasses import dataclass

from votewise.errors import BadInputError

SECONDS = {"h": 3600, "d": 86400, "w": 7 * 86400}


@dataclass(frozen=True)
class Window:
    """How clicks are cut into stretches: each ``seconds`` long, or ``every`` number of a user's comparisons."""

    seconds: int | None = None
    every: int | None = None

    @classmethod
    def parse(cls, text: str) -> Window:
        """``30d``, ``12h`` or ``4w``; a plain number is a number of comparisons. BadInputError for anything else."""
        found = re.fullmatch(r"\s*([1-9][0-9]{0,8})\s*([hdw]?)\s*", text)
        if not found:
            raise BadInputError(
                "not a length of time",
                parameter="window",
                value=text,
                expected="say, 30d, 12h or 4w, or a number of comparisons",
            )
        number, unit = int(found[1]), found[2]
        return cls(seconds=number * SECONDS[unit]) if unit else cls(every=number)
