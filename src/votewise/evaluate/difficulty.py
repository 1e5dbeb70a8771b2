"""A table of the difficulty of prompts -> contests that know it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from votewise.data.contests import Contests
from votewise.errors import shorten
from votewise.evaluate.columns import PROMPT, prompt_key, texts
from votewise.sources.reader import SourceReader
from votewise.sources.rows import Rows


def with_difficulty(contests: Contests, source: Any) -> Contests:
    """The contests with the difficulty of their prompts, from a table with a column ``difficulty``, or its ``Rows``.

    Prompts are matched by the first column that both have: ``prompt_index``, ``prompt_id``, or the prompt itself in
    ``prompt`` or ``instruction``.

    Raises:
        BadInputError: no such columns, a prompt that is missing or has two difficulties, a difficulty that is not a number.
    """
    rows = source if isinstance(source, Rows) else SourceReader().open(source)
    if not rows.has("difficulty"):
        raise rows.fail("has no column 'difficulty'", expected=f"one; found: {', '.join(rows.table.column_names)}")
    values = rows.number("difficulty")
    rows.reject_where(np.isnan(values), "is not a number", column="difficulty", expected="a number")
    named = [name for name in contests.ids if rows.has(name)]
    by_text = [name for name in PROMPT if rows.has(name)]
    if not named and not by_text:
        raise rows.fail(
            "does not say which prompts it is about", expected=f"a column {', '.join([*contests.ids, 'prompt'])}"
        )
    column = [*named, *by_text][0]
    theirs = list(map(str, rows.values(column))) if named else list(map(prompt_key, texts(rows, column)))
    ours = list(map(str, contests.ids[column])) if named else list(map(prompt_key, contests.prompts))
    known: dict[str, float] = {}
    for row, (key, value) in enumerate(zip(theirs, values.tolist(), strict=True)):
        if not rows.ok[row]:
            continue
        if known.setdefault(key, value) != value:
            rows.reject(row, "has two difficulties", column=column, value=key, expected="one for each prompt")
    missing = [key for key in ours if key not in known]
    if missing:
        raise rows.fail(
            f"lacks the difficulty of {len(missing):,} of {len(ours):,} contests, the first with {column} "
            f"{shorten(missing[0])}",
            expected="one for each prompt",
        )
    return replace(contests, difficulty=np.array([known[key] for key in ours], np.float64))
