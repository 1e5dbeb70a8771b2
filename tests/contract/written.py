"""What all shapes share: how the truth is grouped and worded where it is written down."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from truth import VERDICTS, Prompt, TrueVote

Row = dict[str, Any]
Written = tuple[list[Row], list[TrueVote]]
"""The rows of a table, and the votes that it then holds."""

CLEAR = ("a", "b")
TIES = ("a", "b", "tie")

WORDS = {
    "a": ("a", "A", "response_a", "Model A", "left", "first"),
    "b": ("b", "B", "response_b", "model_b", "Right", "second"),
    "tie": ("tie", "Tie", "draw", "equal"),
    "both_bad": ("both_bad", "both bad", "tie (bothbad)"),
    "both_good": ("both_good", "Both Good"),
    "skip": ("skip", "Skipped", "cancelled"),
}


@dataclass(frozen=True)
class WrittenShape:
    """How the truth is written in one shape.

    Attributes:
        format: the format that must be recognised.
        write: truth -> rows and the votes that they hold.
        verdicts: what can be said in this shape.
        turns: what its prompts may be: ``text``, ``turns`` (conversations) or ``system`` (these with a system text, too).
        named: whether everybody must have a name.
        flat: whether it has neither lists nor objects, so that a CSV can hold it.
        one_per_row: whether a row is one vote.
        joined: whether the shape leaves open where the prompt ends.
        refused: pattern of a refusal that some truths may meet, because their words mean two things.
    """

    format: str
    write: Callable[[list[TrueVote], Random], Written]
    verdicts: tuple[str, ...] = VERDICTS
    turns: str = "text"
    named: bool = True
    flat: bool = True
    one_per_row: bool = True
    joined: bool = False
    refused: str | None = None


def word(vote: TrueVote, dice: Random) -> str:
    return dice.choice(WORDS[vote.verdict])


def asked(vote: TrueVote) -> str:
    """The last message of the prompt."""
    return vote.prompt[-1][1]


def messages(talk: Prompt) -> list[Row]:
    return [{"role": role, "content": content} for role, content in talk]


def bot(text: str) -> Row:
    return {"role": "assistant", "content": text}


def preferred(vote: TrueVote) -> tuple[str, str]:
    """The chosen and the rejected answer."""
    return (vote.a, vote.b) if vote.verdict == "a" else (vote.b, vote.a)


def carried(vote: TrueVote) -> Row:
    """Columns that have no role: a number beyond 2^53, a remark, an id with zeros in front, a mark and a share."""
    return {
        "score_x": vote.score,
        "comment": vote.comment,
        "row_id": f"{vote.number:04}",
        "flag": vote.score % 2 == 0,
        "ratio": vote.score / 7,
    }


def by_pair(votes: Iterable[TrueVote]) -> list[list[TrueVote]]:
    """The votes on each pair, all shown in the order of its first one."""
    groups: dict[Any, list[TrueVote]] = {}
    for vote in votes:
        group = groups.setdefault(vote.pair, [])
        group.append(vote.shown_as(group[0].a) if group else vote)
    return list(groups.values())


def unnamed(votes: Iterable[TrueVote]) -> list[TrueVote]:
    return [replace(vote, annotator=None) for vote in votes]


def amount(text: str) -> float:
    """A score that depends on the text alone, exact as a float."""
    return sum(map(ord, text)) % 97 / 8


def columns_in_any_order(rows: list[Row], dice: Random) -> list[Row]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    dice.shuffle(names)
    return [{name: row.get(name) for name in names} for row in rows]
