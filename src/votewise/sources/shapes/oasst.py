"""OpenAssistant's conversation trees: of the answers to one message, which are ranked, every two are a vote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from votewise.data.votes import UNKNOWN
from votewise.errors import many
from votewise.sources.answer_lists.rankings import NOTE, by_places
from votewise.sources.canonical import Canonical, from_votes
from votewise.sources.format import Format
from votewise.sources.nested import amount, get, named, text
from votewise.sources.rows import Rows
from votewise.sources.texts.messages import Message
from votewise.sources.values import decoded

ROLES = {"prompter": "user", "assistant": "assistant"}
FIELDS = ("message_id", "parent_id", "role", "text", "rank")
RANKED = (
    "The order among the answers to one message is the vote of unknown people: ranks are made of several people's, and "
    "user_id says who wrote a message."
)


@dataclass(frozen=True)
class Node:
    """One message: the source's row, its id, its parent's, who speaks, the text and the rank among its siblings."""

    row: int
    id: str
    parent: str | None
    role: str
    text: str
    rank: float | None

    @property
    def message(self) -> Message:
        """The message itself."""
        return {"role": ROLES[self.role], "content": self.text}


def is_oasst(rows: Rows) -> bool:
    """Tell whether the first rows are trees of messages, or messages with their parents."""
    if rows.has(*FIELDS):
        return True
    trees = decoded(rows.head.slice(0, 5), "prompt") if rows.has("prompt") else []
    return any(isinstance(get(tree, "replies"), list) for tree in trees)


def read_oasst(rows: Rows) -> Canonical:
    """Read every two ranked answers to one message as a vote for the one of the lower rank.

    A vote belongs to the row of the worse answer, where every row is a message.
    """
    if not is_oasst(rows):
        expected = f"a tree with replies in the column prompt, or the columns {', '.join(FIELDS)}"
        raise rows.fail("holds no trees of messages", expected=expected)
    nodes: dict[str, Node] = {}
    for node in _messages(rows) if rows.has(*FIELDS) else _trees(rows):
        if nodes.setdefault(node.id, node) is not node:
            column = "message_id" if rows.has(*FIELDS) else "prompt"
            rows.reject(node.row, "is there twice", column=column, value=node.id, expected="every message once")
    groups: dict[str, list[Node]] = {}
    for node in nodes.values():
        if node.role == "assistant" and node.parent is not None and rows.ok[node.row]:
            groups.setdefault(node.parent, []).append(node)
    votes: list[dict[str, Any]] = []
    skipped = 0
    for parent, answers in groups.items():
        couples = by_places([answer.rank for answer in answers])
        asked = _thread(nodes, parent)
        if couples and asked is None:
            problem = "answers a message that is not in the source"
            rows.reject(answers[0].row, problem, column="parent_id", value=parent, expected="whole threads")
            continue
        skipped += not couples
        for better, worse, tie in couples:
            a, b = answers[better], answers[worse]
            vote = {"row": b.row, "annotator": UNKNOWN, "label": "tie" if tie else "a", "prompt": asked}
            vote |= {"response_a": [a.message], "response_b": [b.message]}
            votes.append(vote | ({"judgement": parent} if len(couples) > 1 else {}))
    notes = [RANKED, NOTE] if votes else [RANKED]
    if skipped:
        notes.append(f"Skipped: the answers to {many(skipped, 'message')}, of which fewer than two have a rank.")
    return from_votes(rows, votes, shown=False, skipped=skipped, notes=notes)


def _messages(rows: Rows) -> Iterator[Node]:
    """The messages of a table that holds one per row."""
    columns = [rows.values(name) for name in FIELDS]
    for i, values in enumerate(zip(*columns, strict=True)):
        node = _node(rows, i, dict(zip(FIELDS, values, strict=True)), values[1])
        if node is not None:
            yield node


def _trees(rows: Rows) -> Iterator[Node]:
    """The messages of all trees, each before the answers to it; deleted ones and what follows them are left out."""
    for i, tree in enumerate(rows.values("prompt")):
        waiting: list[tuple[Any, Any]] = [(tree, None)]
        while waiting:
            message, parent = waiting.pop()
            node = None if get(message, "deleted") is True else _node(rows, i, message, parent)
            if node is None:
                continue
            yield node
            replies = get(message, "replies")
            waiting += [(reply, node.id) for reply in reversed(replies if isinstance(replies, list) else [])]


def _node(rows: Rows, row: int, message: Any, parent: Any) -> Node | None:
    """A message, or None where it is none, which is noted."""
    own, words, role = named(get(message, "message_id")), text(get(message, "text")), text(get(message, "role"))
    rank, place = get(message, "rank"), _rank(get(message, "rank"))
    if own is None or words is None or role not in ROLES or (rank is not None and place is None):
        expected = "message_id, text, role (prompter or assistant), and a number or null as rank"
        column = "message_id" if rows.has(*FIELDS) else "prompt"
        rows.reject(row, "is not a message", column=column, value=message, expected=expected)
        return None
    return Node(row, own, named(parent), str(role), words, place)


def _rank(value: Any) -> float | None:
    """A rank; in a CSV it is a text."""
    try:
        return amount(float(value)) if isinstance(value, str) else amount(value)
    except ValueError:
        return None


def _thread(nodes: Mapping[str, Node], last: str) -> list[Message] | None:
    """The messages from the first one to this one; None where one is missing."""
    found: list[Message] = []
    at: str | None = last
    seen: set[str] = set()
    while at is not None:
        node = nodes.get(at)
        if node is None or at in seen:
            return None
        seen.add(at)
        found.insert(0, node.message)
        at = node.parent
    return found


OASST = Format(
    "oasst",
    "OpenAssistant's conversation trees, or their messages, with ranks",
    (("*",),),
    read_oasst,
    looks=is_oasst,
)
