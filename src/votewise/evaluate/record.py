"""``evaluation.json``: one file with the figures of several evaluations.

    {"win_rate": {"tuned against base": {"rate": 0.61, ...}}, "benchmark": {"tuned": {"gsm8k": {...}}}}

It has a section for each kind of evaluation; a section has the figures under the name of what was evaluated.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from votewise.errors import BadInputError
from votewise.storage.files import write_json, written_whole

FILE = "evaluation.json"


def read_results(path: Path) -> dict[str, dict[str, Any]]:
    """The content of an ``evaluation.json``; {} if it does not exist.

    Raises:
        BadInputError: the file is something else.
    """
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInputError(
            f"cannot be read: {error}", source=str(path), expected="a file that votewise wrote"
        ) from error
    if not isinstance(found, dict) or not all(isinstance(section, dict) for section in found.values()):
        raise BadInputError(
            "was not written by votewise evaluate", source=str(path), expected="sections with named results"
        )
    return found


def record_result(path: Path, section: str, name: str, figures: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Add figures to an ``evaluation.json`` and return its new content. The file is written completely or not at all.

    Figures that an earlier run recorded under the same section, name and key are replaced; everything else stays. So a
    benchmark that is run alone keeps the figures of the others.

    Args:
        path: the file; created if it does not exist.
        section: the kind of evaluation: ``win_rate``, ``matrix``, ``benchmark``.
        name: what was evaluated.
        figures: JSON values; numbers that are not finite become null.

    Raises:
        BadInputError: ``path`` is something else, or cannot be written.
    """
    results = read_results(path)
    before = results.setdefault(section, {}).get(name)
    results[section][name] = {**(before if isinstance(before, dict) else {}), **_finite(dict(figures))}
    with written_whole(path) as partial:
        write_json(partial, results)
    return results


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if hasattr(value, "item") and not hasattr(value, "__len__"):  # a NumPy number
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
