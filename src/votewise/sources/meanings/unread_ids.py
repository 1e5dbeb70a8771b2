"""Ids that nobody read, where no column is read as the prompt: do they say what was asked, or number the rows?

Without a prompt, rows with the same two answers are one pair. If an id alone tells two questions apart, that is wrong, and
nothing shows it. Names of ids tell which of them may say what was asked; so does an id that several people share on the same
two answers, while others have another one there.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from votewise.arrays import Bools
from votewise.data.identity import joined_codes
from votewise.errors import many
from votewise.sources.cells import is_string
from votewise.sources.codes import codes_of
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.criteria import QUESTIONS as ANSWERED
from votewise.sources.meanings.unread_people import ABOUT
from votewise.sources.meanings.unread_values import (
    REMARKS,
    Codes,
    column_codes,
    holds_texts,
    holds_times,
    is_nested,
    unread,
)
from votewise.sources.option_words import column_option
from votewise.sources.pairing import text_codes
from votewise.sources.rows import Rows

QUESTIONS = re.compile(
    r"(prompt|question|query|item|example|image|picture|topic|doc|document|article|post|context|passage|q"
    r"|task|hit|instance|unit|stimulus|p|problem|sample)_?(id|ids|uid|uuid|guid|key|idx|index|nr|number|no|hash)"
)
"""Names of columns that say what was asked, where nothing else does."""
OTHERS = re.compile(
    r"((record|row|entry|data|case|comparison|conversation|dialog|dialogue|thread|external|ref|reference|pair)_?)?"
    r"(id|uid|uuid|guid|key|idx|index|nr|number|no|hash)"
)
"""Names of columns that may do so, and may number the rows."""
NUMBERED = re.compile(
    r".*(_|\b)(id|ids|uid|uuid|guid|key|idx|index|nr|num|no|number|numero|número|numéro|nummer|номер|ключ|ид)|.*(编号|編號|番号|序号|id)"
)
"""Names, in any language, that say that their values number something."""
ATTRIBUTES = re.compile(
    r"(.*_)?(session|device|batch|group|team|site|worker|user|split|seed|run|round|wave|day|week|hour)(_.*)?"
)
"""Names of what people or runs have in common."""


def check_ids(rows: Rows, table: pa.Table) -> None:
    """Refuse the same two answers under different ids, where the ids may be those of questions; else note them.

    Args:
        rows: the source's rows.
        table: the canonical votes, without prompts.

    Raises:
        BadInputError: with the column and the options that say what it is.
    """
    plain = {name: plain_name(name) for name in unread(rows) if _may_number(rows, name)}
    questions = [name for name, known in plain.items() if QUESTIONS.fullmatch(known)]
    others = [name for name in plain if name not in questions]
    texts = text_codes(rows, table) if others or questions else None
    if texts is None or "pair" in table.column_names:
        return
    _, a, b = texts
    couple = joined_codes(np.minimum(a, b), np.maximum(a, b))
    row, who = table.column("row").to_numpy(), codes_of(table.column("annotator"))[0]
    for name in [*questions, *others]:
        ids = column_codes(rows, name)[row]
        differ = _differs(couple, ids)
        numbered = NUMBERED.fullmatch(plain[name]) is not None
        # What is the same in all votes of each annotator is about the annotator.
        if not differ.any() or (not numbered and not _differs(joined_codes(couple, who), ids).any()):
            continue
        shared = name not in questions and _is_shared(couple, ids, who, differ)
        if not (shared or numbered):
            continue
        own = rows.source_column(name)
        # A number is the name of a pair, but no prompt.
        role = "prompt" if is_string(rows.type_of(name)) else "pair"
        asked = f"{column_option(role, own)} if it says what was asked"
        if name in questions or shared:
            i = int(np.flatnonzero(differ)[0])
            j = int(np.flatnonzero(couple == couple[i])[0])
            raise rows.fail(
                f"differs between rows {rows.source.number(int(row[j])):,} and {rows.source.number(int(row[i])):,}, with "
                "the same answers, and no column is read as the prompt",
                column=name,
                expected=f"{asked}, {column_option(own, '')} if not",
            )
        number = len(np.unique(couple[differ]))
        rows.notes.append(
            f"No column is read as the prompt, and rows on {many(number, 'pair')} differ in '{own}'; {asked}."
        )


def _may_number(rows: Rows, name: str) -> bool:
    """Whether a column that nobody read holds whole numbers or single words which may be the names of questions."""
    kind, plain = rows.type_of(name), plain_name(name)
    if QUESTIONS.fullmatch(plain) or OTHERS.fullmatch(plain):
        return not is_nested(rows, name)
    if plain in (*REMARKS, *ANSWERED) or ATTRIBUTES.fullmatch(plain) or ABOUT.search(plain) or holds_times(rows, name):
        return False
    return bool(pa.types.is_integer(kind)) or (is_string(kind) and not holds_texts(rows, name))


def _differs(couple: Codes, ids: Codes) -> Bools:
    """(n,) whether a vote has another id than the first vote on the same two answers."""
    _, first, inverse = np.unique(couple, return_index=True, return_inverse=True)
    return np.asarray(ids != ids[first][inverse], bool)


def _is_shared(couple: Codes, ids: Codes, who: Codes, differ: Bools) -> bool:
    """Whether several people have one id on two answers for which there are several ids."""
    some = np.isin(couple, couple[differ])
    asked = joined_codes(couple[some], ids[some])
    votes = np.unique(np.stack([asked, who[some]]), axis=1)
    return bool((np.unique(votes[0], return_counts=True)[1] > 1).any())
