"""Names of columns that an engine does not tell apart."""

from __future__ import annotations

from collections.abc import Sequence

from votewise.errors import BadInputError


def check_names(names: Sequence[str], source: str) -> None:
    """Refuse columns that an engine does not tell apart: it would give one of them another name."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other is not name:
            problem = (
                "several columns have this name" if other == name else f"differs from '{other}' in small letters only"
            )
            raise BadInputError(problem, source=source, column=name, expected="names that differ in more than that")
