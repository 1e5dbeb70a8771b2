"""Votes between models, wherever they are stored -> how many rows there are of every kind, counted by the engine.

Parquet files whose columns have nothing further to say are counted by DuckDB alone. All others go through ibis and the same
rules by which logs of clicks are read (``users.click_meanings``): splits, drafts, criteria, names of classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from votewise.errors import BadInputError
from votewise.sources.containers.plain_parquet import PlainParquet, plain_parquet, quoted

LENGTH_STEPS = 40
"""Steps of the difference of lengths over their sum, from -1 to 1, by which the engine counts."""

PAIR_NAMES = ("pair", "pair_id", "prompt_id")
"""Columns that say which votes are on one pair, where nobody names another one."""

NEEDED = ("model_a", "model_b", "winner")

OF_VOTES = {"label": "winner", "user": "annotator"}
"""What votes and clicks call columns -> the name here."""

TEXTS = ("prompt", "response_a", "response_b")
"""Columns by whose texts votes are on one pair where no column says so."""

ANYTHING, FEW = 1000, 50
"""Most values of a column that may say something of rows, and of one whose values are looked at: as for clicks."""


@dataclass(frozen=True)
class BattleOptions:
    """How votes between models are read.

    Attributes:
        label: what winners mean, as ``parse_labels`` gives it.
        criterion: which question counts, where several were asked.
        split: which split of a data set to read.
        one_annotator: says that votes without a name are by this one person or model.
        by_length: whether to count by the answers' lengths.
        same_texts: whether votes on the same texts are on one pair where no column says which are.
        skip: whether to leave out rows that cannot be used; otherwise they are an error.
        set_aside: columns that have no role.
        status: a column that says which rows are no votes; None to go by the names of columns.
    """

    label: Mapping[str, str] = field(default_factory=dict)
    criterion: str | None = None
    split: str | None = None
    one_annotator: str | None = None
    by_length: bool = False
    same_texts: bool = False
    skip: bool = False
    set_aside: tuple[str, ...] = ()
    status: str | None = None


@dataclass(frozen=True)
class BattleRows:
    """Kinds of rows.

    Attributes:
        kinds: ``model_a``, ``model_b``, ``winner``, where asked for ``annotator``, ``pair`` and ``step``, and how many
            ``rows`` there are.
        columns: the source's names of the columns.
        pairs: what says which votes are on one pair; None where nothing does.
        skipped: reason -> rows that were left out.
        notes: what to say about the source.
        source: what messages call it.
    """

    kinds: pa.Table
    columns: Mapping[str, str]
    pairs: str | None
    skipped: Mapping[str, int]
    notes: tuple[str, ...]
    source: str


def named_columns(
    annotator: str | None, columns: Mapping[str, str] | None, *, by_length: bool
) -> tuple[dict[str, str], str | None, tuple[str, ...]]:
    """The source's names of the columns that are read; the column that says which rows are no votes; those without a role.

    Args:
        annotator: the column that says who voted; None where nobody's name counts.
        columns: our name of a column -> the name it has in the source.
        by_length: whether the texts are needed.

    Raises:
        BadInputError: a name that plays no part, a column that is needed and set aside, or one that is named twice.
    """
    named = {name: name for name in NEEDED} | ({"annotator": annotator} if annotator is not None else {})
    named |= {name: name for name in TEXTS[1:]} if by_length else {}
    status, set_aside = None, []
    for name, own in (columns or {}).items():
        what = OF_VOTES.get(name, name)
        if what == "annotator" and annotator not in (None, own):
            raise BadInputError(
                "is named twice", parameter="annotator", value=annotator, expected=f"it or --columns {name}={own}"
            )
        if what == "status" and own:
            status = own
        elif what in NEEDED and not own:
            raise BadInputError("is needed", parameter="columns", value=f"{name}=", expected=f"{name}=COLUMN")
        elif what in (*NEEDED, "annotator", "pair") or (what in TEXTS[1:] and own and by_length):
            named[what] = own
        elif own == "":
            set_aside.append(name)
        elif what not in TEXTS:
            known = ", ".join((*NEEDED, "annotator", "pair", "status", *TEXTS[1:]))
            raise BadInputError(
                "plays no part in a ranking", parameter="columns", value=name, expected=f"one of {known}"
            )
    # An empty name of what may be there says that it is not.
    empty = [name for name, own in named.items() if own == ""]
    return {name: own for name, own in named.items() if own or name == "pair"}, status, (*set_aside, *empty)


def count_battles(votes: Any, columns: Mapping[str, str], options: BattleOptions) -> BattleRows:
    """Count the rows of every kind where they are stored.

    Raises:
        BadInputError: a column is missing, or what ``users.click_meanings.read_meanings`` refuses.
    """
    with plain_parquet(votes, options.split) as plain:
        if plain is not None:
            named = _with_pair(columns, plain.schema.names, plain.name)
            if _says_no_more(plain, named, options):
                pairs = _told(named)
                return BattleRows(_counted(plain, named, options), named, pairs, {}, plain.notes, plain.name)
    return _by_meanings(votes, columns, options)


def _with_pair(columns: Mapping[str, str], own: Sequence[str], source: str) -> dict[str, str]:
    """The columns, with the one that says which votes are on one pair if there is one; all are there."""
    found = {what: name for what, name in columns.items() if name}
    if "pair" not in columns:
        pair = next((name for name in PAIR_NAMES if name in own and name not in found.values()), None)
        found |= {"pair": pair} if pair else {}
    for what, name in found.items():
        if name not in own:
            raise BadInputError(
                f"there is no column '{name}' for {what}",
                source=source,
                expected=f"--columns {what}=NAME with one of {', '.join(own[:12])}",
            )
    return found


def _told(named: Mapping[str, str]) -> str | None:
    return f"column '{named['pair']}'" if "pair" in named else None


def _says_no_more(plain: PlainParquet, named: Mapping[str, str], options: BattleOptions) -> bool:
    """Whether no other column, no class and no option says anything about rows."""
    names = set(plain.schema.names)
    texts = names & set(TEXTS)
    if options.criterion or options.status or texts >= {"response_a", "response_b"} or _has_classes(plain.schema):
        return False
    used = {*named.values(), *options.set_aside}
    free = {f.name: f.type for f in plain.schema if f.name not in used and not pa.types.is_nested(f.type)}
    few = plain.of_few_values([*free], ANYTHING)
    if not few and not {"weight"} & free.keys() and named["winner"] == "winner":
        return True
    from votewise.sources.meanings.column_names import plain_name
    from votewise.sources.meanings.result_columns import names_loser
    from votewise.users.click_meanings import may_say

    is_text = {name: pa.types.is_string(kind) or pa.types.is_large_string(kind) for name, kind in free.items()}
    return (
        not any(may_say(name, plain.values(name, FEW) if is_text[name] else None) for name in few)
        and not any(plain_name(name) == "weight" for name in free)
        and not names_loser(plain_name(named["winner"]))
    )


def _has_classes(schema: pa.Schema) -> bool:
    """Whether columns of class numbers may have names, by the metadata that 🤗 data sets write."""
    return b"ClassLabel" in (schema.metadata or {}).get(b"huggingface", b"")


def _counted(plain: PlainParquet, named: Mapping[str, str], options: BattleOptions) -> pa.Table:
    """One scan and one group-by; names as texts, as ibis's own ``cast`` gives them."""
    keys = [f"CAST({quoted(name)} AS VARCHAR) AS {what}" for what, name in named.items() if what[:8] != "response"]
    return plain.table(f"SELECT {', '.join(keys)}, count(*) AS rows FROM {plain.rows} GROUP BY ALL")


def _by_meanings(votes: Any, columns: Mapping[str, str], options: BattleOptions) -> BattleRows:
    from votewise.sources.containers.lazy import open_table
    from votewise.sources.databases.connections import engine_errors
    from votewise.users.click_meanings import LogRows, read_meanings
    from votewise.users.log_options import LogOptions, on_criterion

    stop = not options.skip
    with open_table(votes, split=options.split, stop=stop) as opened, engine_errors(opened.name):
        named = _with_pair(columns, opened.own, opened.name)
        rows, skipped, set_aside = opened.rows, {}, options.set_aside
        if opened.broken:
            skipped["cannot be parsed"] = len(opened.broken)
        if options.criterion is not None:
            rows, others, _ = on_criterion(rows, options.criterion, opened.name)
            skipped |= {"on another question": others} if others else {}
        roles = {"a": "model_a", "b": "model_b", "winner": "winner", "user": "annotator", "pair": "pair"}
        log = {role: named[what] for role, what in roles.items() if what in named}
        told = LogOptions(
            label=options.label,
            criterion=options.criterion,
            split=options.split,
            status=options.status,
            set_aside=(*set_aside, *(name for name in (opened.number, opened.file) if name)),
        )
        read: LogRows = read_meanings(rows, log, told, opened.classes, opened.name)
        rows = read.rows
        keys = {what: rows[read.columns[role]].cast("string") for role, what in roles.items() if role in read.columns}
        pairs = _told(named)
        if pairs is None and options.same_texts and {"response_a", "response_b"} <= set(opened.own):
            keys["pair"], pairs = _digest_of_texts(rows), "their texts"
        if options.by_length:
            first, second = (rows[named[f"response_{side}"]].length().cast("float64") for side in "ab")
            longer = (first - second) / (first + second).nullif(0)
            keys["step"] = (longer.fill_null(0) * (LENGTH_STEPS / 2)).round().cast("int64")
        kinds = rows.group_by(**keys).agg(rows=rows.count()).to_pyarrow()
        notes = (*opened.notes, *read.notes)
        return BattleRows(kinds, named, pairs, skipped | dict(read.left_out), notes, opened.name)


def _digest_of_texts(rows: Any) -> Any:
    """An expression for what is the same in two rows only if prompt and answers are, whichever answer is first."""
    import ibis

    from votewise.sources.databases.digests import md5_of

    prompt, first, second = (
        md5_of(rows[name].cast("string").fill_null("")) if name in rows.columns else ibis.literal("") for name in TEXTS
    )
    return prompt + ibis.least(first, second) + ibis.greatest(first, second)
