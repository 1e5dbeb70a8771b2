"""What columns of an unknown table may hold, as a command to paste; nothing is read by guesses."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from votewise.sources.meanings.column_names import plain_name

MOST_COLUMNS, MOST_CHARACTERS = 40, 600
LONGEST_NAME = 40

WORDS = {
    "annotator": re.compile(r"annotator|worker|rater|label+er|judge|evaluator|performer|reviewer|person|user|who"),
    "label": re.compile(r"label|better|best|winner|prefer|choice|chosen|verdict|vote|decision|select|pick|result"),
    "prompt": re.compile(r"caption|prompt|question|instruction|query|ask|request|task|input"),
    "response": re.compile(
        r"response|answer|reply|output|completion|candidate|option|text|image|picture|video|audio|left|right|first|second"
    ),
}
"""Parts of the names of columns, by what such columns mostly hold; earlier ones go first."""


def listed(names: Sequence[str]) -> str:
    """The names of columns, so that a wide table still gives a short message."""
    shown = [name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}..." for name in names[:MOST_COLUMNS]]
    while sum(map(len, shown)) > MOST_CHARACTERS:
        shown.pop()
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def command(source: str, names: Sequence[str], known: Mapping[str, str]) -> str:
    """A command to paste that says what the columns hold; NAME where no column looks right.

    Args:
        source: the file.
        names: its columns.
        known: what the user has said already: role -> column.

    >>> command("v.csv", ["rater", "first_reply", "second_reply", "better_reply"], {})
    'votewise read v.csv --columns response_a=first_reply --columns response_b=second_reply --columns label=better_reply \
--columns annotator=rater'
    """
    left = [name for name in names if 0 < len(name) <= LONGEST_NAME and name not in known.values()]
    found = dict(known)
    for role in ("label", "annotator", "prompt"):
        if role in found:
            continue
        if role in left:
            left.remove(role)
            found[role] = role
        elif guess := next((name for name in left if WORDS[role].search(plain_name(name))), None):
            left.remove(guess)
            found[role] = guess
    answers = [name for name in left if WORDS["response"].search(plain_name(name))]
    for role in ("response_a", "response_b"):
        if role in found:
            continue
        own = (
            role if role in left else next((name for name in answers if name not in ("response_a", "response_b")), None)
        )
        found[role] = own or "NAME"
        answers = [name for name in answers if name != own]
    found.setdefault("label", "NAME")
    if "chosen" in known:
        # A better and a worse answer need no label.
        found = {name: own for name, own in found.items() if name not in ("response_a", "response_b", "label")}
    words = [
        f"--columns {shlex.quote(f'{role}={found[role]}')}"
        for role in ("prompt", "chosen", "rejected", "response_a", "response_b", "label", "annotator")
        if found.get(role, role) != role
    ]
    return " ".join(["votewise read", shlex.quote(source), *words])
