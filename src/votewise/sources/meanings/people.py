"""Who voted: the columns that name people, and votes of people whom nobody names."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from votewise.data.votes import UNKNOWN
from votewise.errors import BadInputError, many
from votewise.sources.canonical import Canonical
from votewise.sources.cells import TEXT, is_string, known
from votewise.sources.containers.stand_in_type import TextsNeededError, is_in_files
from votewise.sources.meanings.column_names import PERSON, WAYS, plain_name
from votewise.sources.meanings.inner_columns import inner_names
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows
from votewise.sources.samples import samples
from votewise.sources.texts.words import words

_WAY = re.compile(f"{WAYS}$")

MAYBE = re.compile(
    r"(created|submitted|updated|entered)_by(_id)?|e?_?mail|member(_id)?|expert(_id|_name)?|person(_id)?|subject_id|rater_model"
    r"|judge_model|model_judge|author_id|annot(_id)?|human_id|student(_id)?|tagger(_id)?|scorer(_id)?|marker(_id)?|handle|login"
    r"|(account|client|player|employee|visitor)(_(id|name))?|w_id|username|nick_?name|who"
    r"|(annotateur|annotatrice|évaluateur|utilisateur|bewerter(in)?|prüfer(in)?|gutachter(in)?|annotierer(in)?|be?nutzer(in)?"
    r"|anotador(a)?|evaluador(a)?|usuario|avaliador(a)?|usuário|annotatore|valutatore|utente)(_?(id|name|nr))?"
    r"|(аннотатор|разметчик|оценщик|пользователь)(_?id)?|(标注者|标注员|评价者|用户|評価者|作業者|ユーザー|평가자|사용자)(_?id)?"
)
"""Names of columns that may say who voted, and may say something else."""

SESSIONS = re.compile(r"(.*_)?(session|device)(_id)?|ip(_address|_hash)?|uid|rid")
"""Names that may say it where a value is in several rows."""

RECORD = re.compile(r"(meta|metadata|meta_data|info|extra|extras|details|attributes|annotation|record)")
"""Names of objects about a row, which may name who voted."""


FEW = 3
"""Rows below which names that recur nowhere say nothing."""

MANY = 20
"""Rows in which people who vote once each are worth a word."""

SAMPLE = 1_000
ENDS = ("?", "!", ".", "…", "\u3002", "\uff1f", "\uff01")
"""Ends of sentences, with which no name of several words ends."""
MOST_WORDS = 3
"""A column most of whose values have more words than this holds texts, not names."""


def people_column(rows: Rows, taken: Collection[str] = ()) -> str | None:
    """The column that names who voted; BadInputError where several could, or where one does not hold names."""
    if rows.has("annotator"):
        return "annotator"
    free = [name for name in rows.table.column_names if name not in taken]
    found = [name for name in free if is_person(name) and _holds_names(rows, name)]
    if len(found) > 1 and _same_people(rows, found):
        found = found[:1]
    if not found:
        _refuse_maybe(rows, free)
        _refuse_inner(rows, free)
    if len(found) > 1:
        listed = ", ".join(f"'{name}'" for name in found)
        raise rows.fail(
            f"several columns may name who voted: {listed}", expected=f"one of them: --columns annotator={found[0]}"
        )
    return found[0] if found else None


def is_person(name: str) -> bool:
    """Whether a name is one of those under which tables say who voted."""
    return PERSON.fullmatch(plain_name(name)) is not None


def _refuse_maybe(rows: Rows, names: Collection[str]) -> None:
    """Refuse a table in which nobody is named, but for a column that may do it."""
    for name in names:
        maybe, session = (names.fullmatch(plain_name(name)) for names in (MAYBE, SESSIONS))
        if (maybe or session) and _holds_names(rows, name) and _tells_people_apart(rows, name, recurs=not maybe):
            own = rows.source_column(name)
            raise rows.fail(
                "may name who voted, and has no role",
                column=name,
                expected=f"{column_option('annotator', own)} if it does, {column_option(own, '')} if it does not",
            )


def _tells_people_apart(rows: Rows, name: str, *, recurs: bool) -> bool:
    """Whether a column has several values, and with ``recurs`` fewer than there are rows."""
    values = len(_codes(rows, name)[1])
    return 1 < values < (len(rows) if recurs else len(rows) + 1)


def _refuse_inner(rows: Rows, names: Collection[str]) -> None:
    """Refuse a table in which nobody is named, but for a name inside of an object about the row."""
    for name in names:
        if not (RECORD.fullmatch(plain_name(name)) or is_person(name)):
            continue
        keys = inner_names(rows.head, name)
        found = next((key for key in keys if is_person(key)), None)
        if found is None and is_person(name):
            found = next((key for key in keys if plain_name(key) in ("id", "name", "email")), None)
        if found is not None:
            own = rows.source_column(name)
            raise rows.fail(
                f"holds '{found}', which may name who voted, and has no role",
                column=name,
                expected=f"{column_option('annotator', f'{own}.{found}')} if it does, "
                f"{column_option(own, '')} if it does not",
            )


def _same_people(rows: Rows, names: Sequence[str]) -> bool:
    """Whether columns name the same people in different ways: ``rater_id``, ``rater_name`` and ``rater_email``."""
    if len({_WAY.sub("", plain_name(name)) for name in names}) > 1:
        return False
    first, people = _codes(rows, names[0])
    for other in names[1:]:
        codes, more = _codes(rows, other)
        if len(more) != len(people) or len({*zip(first.tolist(), codes.tolist(), strict=True)}) != len(people):
            return False
    return True


def _codes(rows: Rows, name: str) -> tuple[npt.NDArray[np.int64], pa.Array]:
    found = rows.table.column(name).combine_chunks().dictionary_encode(null_encoding="encode")
    return np.asarray(found.indices.to_numpy(zero_copy_only=False), np.int64), found.dictionary


def read_people(rows: Rows, taken: Collection[str] = ()) -> tuple[Any, tuple[str, ...]]:
    """Take who voted from whatever column names them; ``UNKNOWN`` where nobody is named. And what to say about it."""
    name = people_column(rows, taken)
    if name is None:
        return unknown_people(len(rows)), _not_taken(rows, taken)
    found = rows.identifier(name, null=True)
    rows.use(name, "annotator")
    empty = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(found), ""), True)
    missing = int(pc.sum(empty).as_py() or 0)
    notes = [] if name == "annotator" else [f"Annotators are taken from the column '{name}'."]
    if len(rows) >= MANY and pc.count_distinct(found).as_py() == len(rows):
        notes.append(
            f"Every row has another name in the column '{rows.source_column(name)}', so each annotator has one vote; "
            f"{column_option('annotator', 'NAME')} takes another column."
        )
    if missing:
        found = pc.if_else(empty, UNKNOWN, found)
        notes.append(f"By people whom the source does not name: {many(missing, 'vote')}.")
    return found, tuple(notes)


def people_by_row(rows: Rows, name: str | None) -> list[str]:
    """Who voted in each row, by the column of this name; ``UNKNOWN`` where it names nobody, and without such a column."""
    if name is None:
        return [UNKNOWN] * len(rows)
    return [who if who and who.strip() else UNKNOWN for who in rows.identifier(name, null=True).to_pylist()]


def _not_taken(rows: Rows, taken: Collection[str]) -> tuple[str, ...]:
    """A note on columns whose names may say who voted, and whose values recur nowhere: everybody is unknown then."""
    if len(rows) < FEW:
        return ()
    free = [name for name in rows.table.column_names if name not in taken and name not in rows.roles]
    names = [name for name in free if MAYBE.fullmatch(plain_name(name)) or SESSIONS.fullmatch(plain_name(name))]
    found = [rows.source_column(name) for name in names if _holds_names(rows, name)]
    if not found:
        return ()
    listed = " and ".join(map(repr, found))
    return (
        f"Not taken for who voted, since no value recurs: {listed}; {column_option('annotator', found[0])} takes it.",
    )


def unknown_people(n: int) -> pa.Array:
    """The column of annotators of a source that names none."""
    return pa.DictionaryArray.from_arrays(np.zeros(n, np.int32), pa.array([UNKNOWN], TEXT)).cast(TEXT)


def unknown_votes(canonical: Canonical) -> int:
    """How many votes are by people whom nobody names."""
    return int(pc.sum(_unnamed(canonical.table.column("annotator"))).as_py() or 0)


def one_person(canonical: Canonical, name: str | None) -> Canonical:
    """The votes with ``name`` for whoever is not named: one person or one model; as they are for None.

    Raises:
        BadInputError: every vote has its annotator's name.
    """
    if name is None:
        return canonical
    who = canonical.table.column("annotator")
    unnamed = _unnamed(who)
    if not pc.any(unnamed).as_py():
        raise BadInputError(
            "every vote names its annotator", parameter="one_annotator", value=name, expected="votes without names"
        )
    place = canonical.table.column_names.index("annotator")
    table = canonical.table.set_column(place, "annotator", pc.if_else(unnamed, name, who))
    return replace(canonical, table=table)


def _unnamed(who: Any) -> Any:
    return pc.fill_null(pc.equal(who, UNKNOWN), True)


def _holds_names(rows: Rows, name: str) -> bool:
    column, types = rows.table.column(name), pa.types
    if is_in_files(rows.table.schema.field(name)) and is_string(rows.type_of(name)):
        raise TextsNeededError(name)
    kind = rows.type_of(name)
    if types.is_string(kind) or types.is_large_string(kind):
        # What a user said is no user.
        texts = [text for text in samples(rows, [name], SAMPLE).column(name).to_pylist() if text]
        said = sum(words(text) > MOST_WORDS or (" " in text and text.strip()[-1:] in ENDS) for text in texts)
        if said > len(texts) / 2:
            return False
    other = types.is_nested(kind) or types.is_boolean(kind) or types.is_null(kind)
    # Decimals are names; dates and bytes are refused by name, and not left out.
    return not other and bool(known(column).any())
