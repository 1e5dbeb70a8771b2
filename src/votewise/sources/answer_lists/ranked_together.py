"""Rows of one answer each that were ranked together: of one prompt, by one person, at one time."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from votewise.sources.answer_lists.rank_bounds import beyond, runs
from votewise.sources.canonical import JUDGEMENT
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.criteria import CRITERIA
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows

GROUPS = re.compile(
    r"(prompt|question|query|instruction|task|item|example|sample|conversation|conv|context|ranking|comparison|group|session"
    r"|hit|assignment|submission|annotation|trial)_?(id|idx|index|uuid|key|hash|nr|no|number)|group|qid|id"
)
"""Names of columns that may say which answers were ranked together."""


def key_of(value: Any) -> str:
    """A value as a text, the same for equal values."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def ranked_together(rows: Rows, keys: list[tuple[Any, ...]]) -> list[list[int]]:
    """The rows that were ranked together: of one prompt, person and id, where an id leaves no row of a group alone."""
    found = _by(keys, rows.kept().tolist())
    for name in rows.table.column_names:
        by_criterion = plain_name(name) in CRITERIA
        may_be = by_criterion or GROUPS.fullmatch(plain_name(name)) is not None
        if name in rows.roles or not may_be or pa.types.is_nested(rows.type_of(name)):
            continue
        values = rows.table.column(name).to_pylist()
        parted = [_by([values[i] for i in members], range(len(members))) for members in found]
        together = all(len(part) > 1 for parts in parted for part in parts if len(parts) > 1)
        if any(len(parts) > 1 for parts in parted) and (together or by_criterion):
            if not by_criterion:
                rows.use(name, "which answers belong together")
            found = [[members[j] for j in part] for members, parts in zip(found, parted, strict=True) for part in parts]
    return found


def _by(keys: Sequence[Any], among: Sequence[int]) -> list[list[int]]:
    """Indices with equal keys, in the order in which they come."""
    groups: dict[Any, list[int]] = {}
    for i in among:
        groups.setdefault(keys[i], []).append(i)
    return list(groups.values())


def check_rankings(
    rows: Rows,
    groups: list[list[tuple[int, float | None]]],
    number: str,
    kind: str,
    answers: Sequence[Any],
    named_apart: bool,
) -> None:
    """Refuse several rankings that nothing tells apart, and ranks that may be scores.

    Raises:
        BadInputError: with the options that settle it.
    """
    own = rows.source_column(number)
    strange = (
        beyond([[rank for _, rank in group] for group in groups])
        if kind == "ranks" and "ranks" not in rows.renames
        else None
    )
    for group in () if named_apart else groups:
        ranks = Counter(rank for _, rank in group if rank is not None)
        texts = Counter(key_of(answers[i]) if isinstance(answers[i], list | dict) else answers[i] for i, _ in group)
        again = max(ranks.values(), default=0) > 1 and (max(texts.values()) > 1 or runs([rank for _, rank in group]))
        if again and kind == "ranks":
            row = rows.source.number(group[0][0])
            raise rows.fail(
                f"may hold several rankings of one prompt (row {row:,} and others), and nothing tells them apart",
                column=number,
                expected=f"{column_option('annotator', 'NAME')} or {column_option(JUDGEMENT, 'NAME')}, a column that does",
            )
    if strange is not None:
        row = rows.source.number(groups[strange][0][0])
        raise rows.fail(
            f"holds ranks that are greater than the number of answers to the prompt (row {row:,} and others)",
            column=number,
            expected=f"{column_option('ranks', own)} if a lower number is better, "
            f"{column_option('scores', own)} if a higher one is",
        )
