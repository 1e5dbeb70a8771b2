"""Orders that name the answers, by number, text, model or letter: ``[["B"], ["A", "C"]]`` and ``B > A = C``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from votewise.sources.answer_lists.answer_orders import SPELT, text_of

LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Names(NamedTuple):
    """What an order of one row may call its answers."""

    answers: Sequence[Any]
    models: Sequence[str | None] | None = None
    columns: Sequence[str] = ()
    """The columns of the answers, and what tells these apart at the end."""
    ends: Sequence[str] = ()


def groups_in(text: Any) -> list[list[Any]] | None:
    """The groups of an order in a text, the best one first; None for anything else.

    >>> groups_in("B > A = C"), groups_in("2>1"), groups_in("B"), groups_in("A = B")
    ([['B'], ['A', 'C']], [[2], [1]], None, None)
    """
    if not isinstance(text, str) or not re.search("[>≻]", text) or SPELT.fullmatch(text.strip()) is None:
        return None
    groups = [re.split("[=≈~]+", group) for group in re.split("[>≻]+", text)]
    named = [[item.strip() for item in group] for group in groups]
    return [[int(item) if item.isdigit() else item for item in group] for group in named]


def ranks_by_name(groups: Sequence[Sequence[Any]], names: Names, *, letters: bool = True) -> list[int] | None:
    """The rank of each answer from 0; None where the groups do not name each of them once.

    Args:
        groups: names of equal answers each, the best group first.
        names: what these may be.
        letters: whether A, B, C may stand for the answers in their order.

    >>> ranks_by_name([[2], [1, 3]], Names(["x", "y", "z"])), ranks_by_name([["y"], ["x"]], Names(["x", "y"]))
    ([1, 0, 1], [1, 0])
    >>> ranks_by_name([["B"], ["a"]], Names(["x", "y"])), ranks_by_name([[1]], Names(["x", "y"]))
    ([1, 0], None)
    """
    said = [_key(item) for group in groups for item in group]
    rank = [place for place, group in enumerate(groups) for _ in group]
    n = len(names.answers)
    if len(said) != n or None in said or len(set(said)) != n:
        return None
    texts = [text_of(answer) for answer in names.answers]
    kinds: list[Sequence[Any]] = [names.ends, [str(i) for i in range(n)], [str(i + 1) for i in range(n)]]
    kinds += [texts, names.models or (), names.columns, LETTERS[:n] if letters else ()]
    for kind in kinds:
        keys = [_key(name) for name in kind]
        if None not in keys and sorted(map(str, keys)) == sorted(map(str, said)):
            return [rank[said.index(key)] for key in keys]
    return None


def _key(name: Any) -> str | None:
    """A name as it is compared; None for what is none."""
    if isinstance(name, float) and name.is_integer():
        name = int(name)
    if isinstance(name, bool) or not isinstance(name, str | int):
        return None
    return str(name).strip().casefold()
