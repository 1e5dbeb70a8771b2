"""Rows without a prompt of their own: it is what both answers begin with, found as TRL finds it."""

from __future__ import annotations

from typing import Any

from trl import extract_prompt

from votewise.data.votes import Votes


def with_prompt(row: dict[str, Any]) -> dict[str, Any]:
    """The ``prompt`` of a row, and what follows it in ``chosen`` and ``rejected``.

    The prompt is empty if an answer is, of which TRL makes a traceback.
    """
    if not (row["chosen"] and row["rejected"]):
        return {"prompt": row["chosen"][:0], **row}
    return dict(extract_prompt(row))


def have_implicit_prompts(votes: Votes) -> bool:
    """Whether votes were read from answers that hold their prompts."""
    roles = set() if votes.reading is None else {column.role for column in votes.reading.columns}
    return {"chosen", "rejected"} <= roles and "prompt" not in roles
