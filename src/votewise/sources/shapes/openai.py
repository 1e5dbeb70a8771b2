"""OpenAI's preference fine-tuning file: an input with messages and tools, a preferred and a non-preferred output."""

from __future__ import annotations

import json
from typing import Any

from votewise.data.identity import ALSO
from votewise.sources.canonical import Canonical, from_votes
from votewise.sources.format import Format
from votewise.sources.meanings.people import people_by_row, people_column
from votewise.sources.nested import get
from votewise.sources.rows import Rows
from votewise.sources.texts.messages import CONVERSATION, conversation, without_nulls
from votewise.sources.values import decoded
from votewise.sources.vote_texts import VoteTexts


def read_openai(rows: Rows) -> Canonical:
    """Read one vote per row for the preferred output; the input's tools are part of the pair."""
    asked = rows.values("input")
    better, worse = rows.values("preferred_output"), rows.values("non_preferred_output")
    name = people_column(rows)
    who = people_by_row(rows, name)
    votes: list[dict[str, Any]] = []
    kept = VoteTexts(rows)
    for i in range(len(rows)):
        prompt, chosen, rejected = (
            conversation(get(asked[i], "messages")),
            conversation(better[i]),
            conversation(worse[i]),
        )
        for column, value, found in (
            ("input", asked[i], prompt), ("preferred_output", better[i], chosen),
            ("non_preferred_output", worse[i], rejected),
        ):  # fmt: skip
            # Where nothing is known to be asked, an export has no messages.
            nothing = column == "input" and get(value, "messages") == []
            if found is None and not nothing:
                rows.reject(i, "is not a conversation", column=column, value=value, expected=CONVERSATION)
        tools = without_nulls(get(asked[i], "tools") or [])
        seen = json.dumps({"tools": tools}, sort_keys=True, ensure_ascii=False) if tools else None
        texts = kept.keep({"prompt": prompt, "response_a": chosen, "response_b": rejected, ALSO: seen})
        votes.append({"row": i, "annotator": who[i], "label": "a", **texts})
    kept.finish()
    return from_votes(rows, votes, shown=False, guarded=True)


def is_openai(rows: Rows) -> bool:
    """Tell whether the first rows hold an input with messages."""
    return all(get(value, "messages") is not None for value in decoded(rows.head.slice(0, 5), "input"))


OPENAI = Format(
    "openai",
    "OpenAI's preference fine-tuning file",
    (("input",), ("preferred_output",), ("non_preferred_output",)),
    read_openai,
    looks=is_openai,
    leaves_texts=True,
)
