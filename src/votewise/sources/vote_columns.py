"""Columns that hold several people's votes about the answers of one row: a column each, a list of labels, or counts."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from votewise.sources.labels import LABELS, label_key
from votewise.sources.nested import get
from votewise.sources.people import is_person
from votewise.sources.prompt_parts import plain_name
from votewise.sources.rows import Rows
from votewise.sources.values import decoded

PERSON = r"annotator|rater|labell?er|judge|worker|evaluator|expert|reviewer|assessor|coder|participant|person|human"
VERDICT = r"label|vote|preference|choice|verdict|judg[e]?ment|annotation|decision|pref"
ONE = re.compile(rf"({PERSON}|{VERDICT})_?(\w+?)(_({VERDICT}))?")
COUNT = re.compile(r"((?:n_|num_|number_of_)?votes?(?:_count)?(?:_for)?|n|count)_(\w+)|(\w+)_(votes|vote_count)")
NEUTRAL_COUNTS = ("tie", "ties", "draw", "draws", "equal", "neither", "both")
LISTS = ("votes", "labels", "annotations", "judgments", "judgements", "preferences", "choices", "verdicts")
NAMES = ("annotators", "workers", "raters", "labelers", "judges", "evaluators", "users", "annotator_ids", "worker_ids")
VALUES = ("label", "vote", "preference", "preferred", "choice", "verdict", "judgment", "winner", "answer", "value")
SAMPLE = 200


@dataclass(frozen=True)
class VoteColumns:
    """Where a row's votes are: one kind of the three.

    Attributes:
        single: column of one vote -> the column with the voter's name, the voter's name itself in ``named``, or None.
        named: columns of ``single`` whose own name is the voter's.
        listed: a column with a list of labels or of objects.
        names: the column with the list of voters that belongs to ``listed``.
        counted: column of a number of votes -> ``a``, ``b`` or ``tie``.
    """

    single: Mapping[str, str | None]
    named: frozenset[str] = frozenset()
    listed: str | None = None
    names: str | None = None
    counted: Mapping[str, str] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them."""
        people = [name for name in (*self.single.values(), self.names, self.listed) if name is not None]
        return tuple(dict.fromkeys((*self.single, *(self.counted or {}), *people)))


def find_votes(table: pa.Table, known: Mapping[str, str], taken: Collection[str]) -> VoteColumns | None:
    """Find columns of votes; None where there are none.

    Args:
        table: the source.
        known: what values of labels mean.
        taken: columns that have another role.
    """
    names = [name for name in table.column_names if name not in taken]
    counted = _counts(table, names, known)
    if counted:
        return VoteColumns({}, counted=counted)
    found = {name: match for name in names if (match := ONE.fullmatch(plain_name(name)))}
    single = [name for name in found if _holds_labels(table, name, known)]
    stems = {found[name][1] for name in single if found[name][2].isdigit()}
    # A column whose values nobody understands, beside others of its kind, is not left out in silence.
    single = [n for n in found if n in single or (found[n][1] in stems and found[n][2].isdigit() and _sample(table, n))]
    if len(single) > 1:
        others = {found[name][2]: name for name in found if name not in single and re.match(PERSON, found[name][1])}
        people = {name: others.get(found[name][2]) for name in single}
        own = frozenset(n for n in single if people[n] is None and not _numbered_verdict(found[n]))
        return VoteColumns(people, own)
    listed = next((name for name in names if plain_name(name) in LISTS and _lists_labels(table, name, known)), None)
    if listed is None:
        return None
    return VoteColumns({}, listed=listed, names=next((name for name in names if plain_name(name) in NAMES), None))


def refuse_unread_votes(rows: Rows) -> None:
    """Refuse columns of several people's votes that nobody read, beside the one result that is read per row."""
    ends = {str(n): "a" for n in range(3)} | {"chosen": "a", "rejected": "b"}
    found = find_votes(rows.table, LABELS | ends | rows.labels, tuple(rows.roles))
    if found is None:
        return
    votes = [rows.renames.get(name, name) for name in found.columns]
    result = next((rows.renames.get(name, name) for name, role in rows.roles.items() if role == "label"), None)
    several = f"; --columns {result}= reads them" if result is not None else ""
    raise rows.fail(
        f"holds several votes in the columns {', '.join(votes)}, beside one result per row",
        expected=f"{' '.join(f'--columns {name}=' for name in votes)} counts the result as one vote{several}",
    )


def entry(value: Any) -> tuple[Any, Any]:
    """The voter, or None, and the label of an entry of a list of votes."""
    if not isinstance(value, dict):
        return None, value
    who = next((found for name, found in value.items() if is_person(name) and found is not None), None)
    return who, next((get(value, name) for name in VALUES if get(value, name) is not None), None)


def _numbered_verdict(match: re.Match[str]) -> bool:
    """Whether a column is a verdict with a number, which names nobody."""
    return re.fullmatch(VERDICT, match[1]) is not None and match[2].isdigit()


def _sample(table: pa.Table, name: str) -> list[Any]:
    return [value for value in decoded(table.slice(0, SAMPLE), name) if value is not None]


def _understood(value: Any, known: Mapping[str, str]) -> bool:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return isinstance(value, str | int) and label_key(str(value)) in known


def _holds_labels(table: pa.Table, name: str, known: Mapping[str, str]) -> bool:
    values = _sample(table, name)
    return any(_understood(value, known) for value in values)


def _lists_labels(table: pa.Table, name: str, known: Mapping[str, str]) -> bool:
    values = _sample(table, name)
    if not values or not all(isinstance(value, list) for value in values):
        return False
    labels = [entry(item)[1] for value in values for item in value if item is not None]
    return bool(labels) and any(_understood(label, known) for label in labels)


def _counts(table: pa.Table, names: Sequence[str], known: Mapping[str, str]) -> dict[str, str]:
    known = dict(known) | {"chosen": "a", "rejected": "b"} | dict.fromkeys(NEUTRAL_COUNTS, "tie")
    stems: dict[str, dict[str, str]] = {}
    for name in names:
        match = COUNT.fullmatch(plain_name(name))
        side = known.get((match[2] or match[3]) if match else "")
        if match and side and _holds_counts(table, name):
            stems.setdefault(match[1] or match[4], {})[name] = side
    found = next((of for of in stems.values() if {"a", "b"} <= set(of.values())), {})
    alone = [name for name in names if plain_name(name) in NEUTRAL_COUNTS and _holds_counts(table, name)]
    return found | dict.fromkeys(alone, "tie") if found else {}


def _holds_counts(table: pa.Table, name: str) -> bool:
    values = _sample(table, name)
    return bool(values) and all(str(value).strip().removesuffix(".0").isdigit() for value in values)
