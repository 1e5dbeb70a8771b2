"""Columns that hold several people's votes about the answers of one row: a column each, a list of labels, or counts."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.label_words import LABELS, label_key, word_meaning
from votewise.sources.meanings.people import is_person
from votewise.sources.nested import get
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows
from votewise.sources.samples import samples
from votewise.sources.texts.text_lists import spelt_list
from votewise.sources.texts.words import words
from votewise.sources.values import decoded, is_marked

PERSON = r"annotator|rater|labell?er|judge|worker|evaluator|expert|reviewer|assessor|coder|participant|person|human"
VERDICT = r"label|vote|preference|choice|verdict|judg[e]?ment|annotation|decision|pref"
ONE = re.compile(rf"({PERSON}|{VERDICT})_?(\w+?)(_({VERDICT}))?")
COUNT = re.compile(r"((?:n_|num_|number_of_)?votes?(?:_count)?(?:_for)?|n|count)_(\w+)|(\w+)_(votes|vote_count)")
NEUTRAL_COUNTS = ("tie", "ties", "draw", "draws", "equal", "neither", "both")
LISTS = ("votes", "labels", "annotations", "judgments", "judgements", "preferences", "choices", "verdicts")
SURELY = ("votes", "preferences", "verdicts", "judgments", "judgements")
"""Names of lists of votes, which other lists hardly have."""
NAMES = ("annotators", "workers", "raters", "labelers", "judges", "evaluators", "users", "annotator_ids", "worker_ids")
VALUES = ("label", "vote", "preference", "preferred", "choice", "verdict", "judgment", "winner", "answer", "value")
VOTE_LIKE = re.compile(r"vote|choice|verdict|judg|preference|annotation|labels|crowd|decisions")
"""Parts of names of columns that may hold votes."""
SAMPLE = 200
MOST_WORDS = 6
MOST_LABELS = 12


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


def find_votes(
    table: pa.Table, known: Mapping[str, str], taken: Collection[str], *, every: bool = False
) -> VoteColumns | None:
    """Find columns of votes; None where there are none.

    Args:
        table: the source.
        known: what values of labels mean.
        taken: columns that have another role.
        every: whether all columns that hold nothing but labels count, whatever their names.
    """
    names = [name for name in table.column_names if name not in taken]
    counted = _counts(table, names, known)
    if counted:
        return VoteColumns({}, counted=counted)
    found = {name: match for name in names if (match := ONE.fullmatch(plain_name(name)))}
    words = {value: meaning for value, meaning in known.items() if not value.isdigit()}
    # Only in numbered columns are numbers labels: label_confidence and worker_experience hold numbers too.
    single = [n for n in found if _holds_labels(table, n, known if found[n][2].isdigit() else words)]
    # A person's column beside a verdict's column with the same end holds a name, even if that is "a" or "b".
    verdicts = {found[name][2] for name in single if _is_verdict(found[name])}
    found_names = {name for name in found if not _is_verdict(found[name]) and found[name][2] in verdicts}
    single = [name for name in single if name not in found_names]
    stems = {found[name][1] for name in single if found[name][2].isdigit()}
    # A column whose values nobody understands, beside others of its kind, is not left out in silence.
    alike = [n for n in found if found[n][1] in stems and found[n][2].isdigit() and n not in found_names]
    single = [n for n in found if n in single or (n in alike and _sample(table, n))]
    if len(single) < 2:
        single = _numbered(table, found)
    if len(single) > 1:
        others = {found[name][2]: name for name in found if name not in single and re.match(PERSON, found[name][1])}
        people = {name: others.get(found[name][2]) for name in single}
        own = frozenset(n for n in single if people[n] is None and not _numbered_verdict(found[n]))
        return VoteColumns(people, own)
    listed = next((name for name in names if plain_name(name) in LISTS and _lists_labels(table, name, known)), None)
    if listed is not None:
        return VoteColumns({}, listed=listed, names=_names(names))
    single = label_like(table, known, taken) if every else []
    return VoteColumns(dict.fromkeys(single), frozenset(single)) if len(single) > 1 else None


def label_like(table: pa.Table, known: Mapping[str, str], taken: Collection[str]) -> list[str]:
    """Columns that hold nothing but labels, whatever their names: of a person each, or of a question each."""
    words = {value: meaning for value, meaning in known.items() if not value.isdigit()}
    return [
        name
        for name in table.column_names
        if name not in taken and (values := _sample(table, name)) and all(_understood(value, words) for value in values)
    ]


def _names(names: Sequence[str]) -> str | None:
    return next((name for name in names if plain_name(name) in NAMES), None)


def _numbered(table: pa.Table, found: Mapping[str, re.Match[str]]) -> list[str]:
    """Numbered columns of verdicts, else of people, in words that nobody understands yet: reading asks for them."""
    for kind in (VERDICT, PERSON):
        names = [n for n, match in found.items() if re.fullmatch(kind, match[1]) and match[2].isdigit()]
        if len(names) > 1 and all(_may_be_labels(_sample(table, name)) for name in names):
            return names
    return []


def _may_be_labels(values: Sequence[Any]) -> bool:
    """Whether values are few short words or whole numbers, as labels are, not remarks, names or measurements."""
    plain = [value for value in values if isinstance(value, str | int) and not isinstance(value, bool)]
    short = all(words(str(value)) <= MOST_WORDS for value in plain)
    return bool(plain) and len(plain) == len(values) and short and len(set(plain)) <= MOST_LABELS


def refuse_unread_votes(rows: Rows) -> None:
    """Refuse columns of several people's votes that nobody read, beside the one result that is read per row."""
    ends = {str(n): "a" for n in range(3)} | {"chosen": "a", "rejected": "b"}
    known = LABELS | ends | rows.labels
    found = find_votes(samples(rows), known, tuple(rows.roles))
    if found is None:
        _refuse_inner_votes(rows)
        more = [
            n
            for n in label_like(samples(rows), known, tuple(rows.roles))
            if not re.match("gold|truth|correct", plain_name(n))
        ]
        if more:
            listed = ", ".join(f"'{rows.source_column(name)}'" for name in more)
            rows.notes.append(f"Labels in {listed} were not read; --columns label=NAME reads those of one column.")
        return
    votes = [rows.source_column(name) for name in found.columns]
    result = next((rows.source_column(name) for name, role in rows.roles.items() if role == "label"), None)
    several = f"; --columns {result}= reads them" if result is not None else ""
    if result is None and rows.has("chosen", "rejected"):
        several = "; --columns response_a=chosen --columns response_b=rejected reads them"
    raise rows.fail(
        f"holds several votes in the columns {', '.join(votes)}, beside one result per row",
        expected=f"{' '.join(f'--columns {name}=' for name in votes)} counts the result as one vote{several}",
    )


def _refuse_inner_votes(rows: Rows) -> None:
    """Refuse lists of labels, and counts or labels by person in an object, beside the one result that is read per row."""
    for field in rows.head.schema:
        name = field.name
        if (
            name in rows.roles
            or not VOTE_LIKE.search(plain_name(name))
            or not (pa.types.is_nested(field.type) or is_marked(field))
        ):
            continue
        values = _sample(samples(rows, [name]), name)
        items = [list(v.values()) if isinstance(v, dict) else v if isinstance(v, list) else None for v in values]
        if not values or any(item is None for item in items):
            continue
        labels = [label for item in items for label in item or () if label is not None]
        if _may_be_labels(labels):
            own = rows.source_column(name)
            raise rows.fail(
                "may hold several votes, beside one result per row",
                column=name,
                expected=f"{column_option(own, '')} if the result counts; "
                "else a file with the votes in columns of their own",
            )


def entry(value: Any) -> tuple[Any, Any]:
    """The voter, or None, and the label of an entry of a list of votes."""
    if not isinstance(value, dict):
        return None, value
    who = next((found for name, found in value.items() if is_person(name) and found is not None), None)
    return who, next((get(value, name) for name in VALUES if get(value, name) is not None), None)


def _is_verdict(match: re.Match[str]) -> bool:
    """Whether a column's name says that it holds verdicts: ``label_1``, ``annotator_1_label``."""
    return re.fullmatch(VERDICT, match[1]) is not None or match[4] is not None


def _numbered_verdict(match: re.Match[str]) -> bool:
    """Whether a column is a verdict with a number, which names nobody."""
    return re.fullmatch(VERDICT, match[1]) is not None and match[2].isdigit()


def _sample(table: pa.Table, name: str) -> list[Any]:
    return [value for value in decoded(table.slice(0, SAMPLE), name) if value is not None]


def _understood(value: Any, known: Mapping[str, str]) -> bool:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return isinstance(value, str | int) and word_meaning(label_key(str(value)), known) is not None


def _holds_labels(table: pa.Table, name: str, known: Mapping[str, str]) -> bool:
    values = _sample(table, name)
    return any(_understood(value, known) for value in values)


def _lists_labels(table: pa.Table, name: str, known: Mapping[str, str]) -> bool:
    values = [spelt_list(value) for value in _sample(table, name)]
    kind = dict if values and all(isinstance(value, dict) for value in values) else list
    found = [value for value in values if isinstance(value, kind)]
    # A few values that are no lists are faults of their rows.
    if not found or 2 * len(found) < len(values):
        return False
    items = [entry(x) for v in found for x in (v.values() if isinstance(v, dict) else v) if x is not None]
    labels = [label for _, label in items if label is not None]
    listed = plain_name(name) in SURELY and all(isinstance(value, list) for value in found)
    if any(who is not None for who, _ in items) or _names(table.column_names) is not None or listed:
        # Votes with their voters' names are votes, even where nobody understands them yet.
        return _may_be_labels(labels)
    return any(_understood(label, known) for label in labels)


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
    """Whether most values are numbers of votes: others are faults of their rows."""
    fits = [str(value).strip().removesuffix(".0").isdigit() for value in _sample(table, name)]
    return bool(fits) and 2 * sum(fits) >= len(fits)
