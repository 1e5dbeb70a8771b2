"""Texts that nobody read, where they may be what a model was asked: reading stops, and names the option that reads them.

Two kinds are told apart. Where no column is read as the prompt, any column of texts may be it. Beside a prompt, only what
is called like a further part of one may: a persona, documents that were found, a second question.
"""

from __future__ import annotations

import hashlib
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from votewise.data.identity import MD5_BYTES, TEXTS
from votewise.sources.canonical import Canonical
from votewise.sources.cells import is_string
from votewise.sources.meanings.column_names import DOCUMENTS, PROMPT, SYSTEM, names_what_was_asked, plain_name
from votewise.sources.meanings.label_words import LABELS
from votewise.sources.meanings.unread_ids import check_ids
from votewise.sources.meanings.unread_values import RECORDS, REMARKS, unread
from votewise.sources.meanings.vote_columns import label_like
from votewise.sources.option_words import column_option
from votewise.sources.pair_texts import some_texts
from votewise.sources.rows import Rows
from votewise.sources.samples import samples
from votewise.sources.stored_votes import stored_votes
from votewise.sources.texts.messages import conversation
from votewise.sources.texts.words import words
from votewise.sources.values import decoded

PARTS = re.compile(
    r"persona|character|role_?play|tables?|schema|hints?|few_?shot(_examples)?|examples|demonstrations|knowledge|evidence|facts"
    r"|(retrieved|search|reference)_(docs|documents|passages|results|texts?)|docs|documents|contexts|first_message|opening_message"
    r"|(image|picture|video)_(description|caption)|captions?|source_(article|document|code)|code(_snippet)?|snippet|abstract"
    r"|transcript|excerpt|scenario|situation|premise"
)
"""Names of texts that a model may see beside a prompt."""

NOT_ASKED = re.compile(
    r".*(model|generator|policy|categor|genre|gender|country|region|education|occupation|language|status|strength|confidence|type"
    r"|level|class|tag|label|comment|reason|rationale|justification|feedback|critique|judg|explanation|statement|elaboration"
    r"|response|answer|completion|output|gold|reference|correct|chosen|rejected|score|rating|url|browser|agent|device|title).*"
)
"""Names of texts that are about the answers, the vote or the voter, where nothing is read as the prompt."""

KNOWN = (*SYSTEM, "context", "background")
"""Names of parts of the prompt that every format reads or refuses."""

SAMPLE = 1_000
LONG = 20
"""Characters from which on a text that another one holds is taken to be a copy of it."""


def check_prompts(rows: Rows, canonical: Canonical) -> None:
    """Refuse texts that may be the prompt, or a part of it, and that nobody read.

    Raises:
        BadInputError: with the column and the options that say what it is.
    """
    if "response_a" not in canonical.table.column_names:
        return
    if asks_something(rows, canonical.table):
        _check_judges_prompts(rows, canonical)
        _check_further_prompts(rows)
        _check_parts(rows)
        return
    labels = label_like(samples(rows), LABELS | rows.labels, tuple(rows.roles))
    for name in unread(rows):
        plain = plain_name(name)
        asked = plain in PROMPT or plain in ("title", "statement", "source", "comment", "prompt_title")
        if name in labels or (
            not asked and (NOT_ASKED.fullmatch(plain) or plain in REMARKS or RECORDS.fullmatch(plain))
        ):
            continue
        if _says_something(rows, name):
            own = rows.source_column(name)
            raise rows.fail(
                "holds texts and has no role, and no other column is read as the prompt",
                column=name,
                expected=f"{column_option('prompt', own)} if a model was asked this, {column_option(own, '')} if not",
            )
    check_ids(rows, canonical.table)


def check_known_parts(rows: Rows, name: str) -> None:
    """Refuse system text and the like that the reader of a format does not take, whatever the format.

    Args:
        rows: the source's rows.
        name: the format.
    """
    for column in unread(rows):
        asked = plain_name(column) in KNOWN or (column in rows.renames and names_what_was_asked(column))
        text = is_string(rows.head.schema.field(column).type)
        if asked and text and _says_something(rows, column, most=0):
            own = rows.source_column(column)
            raise rows.fail(
                f"holds texts that a model sees, and the format {name} does not read them",
                column=column,
                expected=f"them in the prompt; or {column_option(own, '')} if no model saw them",
            )


def _check_judges_prompts(rows: Rows, canonical: Canonical) -> None:
    """Refuse prompts that hold both answers: they are what a judge was asked."""
    table = canonical.table
    if not all(_are_texts(rows, table, name) for name in TEXTS):
        return
    first = some_texts(table, stored_votes(rows, canonical), np.arange(min(len(table), SAMPLE)))
    parts = zip(*(first.column(name).to_pylist() for name in TEXTS), strict=True)
    told = [(p, a, b) for p, a, b in parts if p and a and b and min(len(a), len(b)) >= LONG and a != b]
    name = next((name for name, role in rows.roles.items() if role == "prompt" and rows.has(name)), None)
    if name is not None and told and all(a in p and b in p for p, a, b in told):
        own = rows.source_column(name)
        raise rows.fail(
            "holds both answers, as what a judge was asked does",
            column=name,
            expected=f"--columns prompt=NAME for what the models were asked, or "
            f"{column_option(own, '')} if no column has it",
        )


def _check_further_prompts(rows: Rows) -> None:
    """Refuse a second column that is called like a prompt and says something else than the first one."""
    first = next((name for name, role in rows.roles.items() if role == "prompt" and rows.has(name)), None)
    if first is None or not _is_text(rows, first):
        return
    asked = rows.head.column(first).slice(0, SAMPLE).to_pylist()
    for name in unread(rows):
        if plain_name(name) not in PROMPT or plain_name(name) in DOCUMENTS or not _is_text(rows, name):
            continue
        texts = rows.head.column(name).slice(0, SAMPLE).to_pylist()
        other = [
            (x, y) for x, y in zip(asked, texts, strict=True) if x and y and x.strip() not in y and y.strip() not in x
        ]
        # A question that is the same everywhere was put to the annotators.
        if other and len({y for _, y in other}) > 1 and sum(words(y) > 1 for _, y in other) > len(other) / 2:
            own, read = rows.source_column(name), rows.source_column(first)
            raise rows.fail(
                f"holds texts and has no role, and the prompt is read from the column '{read}'",
                column=name,
                expected=f"{column_option('input', own)} if a model sees both, "
                f"{column_option('prompt', own)} if only this one, {column_option(own, '')} if not"
                if rows.takes_parts
                else _only_without(own),
            )


def _only_without(own: str) -> str:
    return f"{column_option(own, '')} if no model saw them; this format takes no further part of what a model sees"


def _check_parts(rows: Rows) -> None:
    """Refuse texts beside the prompt that are called like a part of one."""
    for name in unread(rows):
        if PARTS.fullmatch(plain_name(name)) and _says_something(rows, name):
            own = rows.source_column(name)
            raise rows.fail(
                "holds texts that a model may see beside the prompt, and has no role",
                column=name,
                expected=f"{column_option('background', own)} if a model sees them before the prompt, "
                f"{column_option(own, '')} if not"
                if rows.takes_parts
                else _only_without(own),
            )


def asks_something(rows: Rows, table: pa.Table) -> bool:
    """Whether some vote of a canonical table has a prompt."""
    if "prompt" not in table.column_names:
        return False
    prompts = table.column("prompt")
    if pa.types.is_fixed_size_binary(prompts.type):
        if rows.staged is not None and "prompt" in rows.staged.digests:
            return "prompt" in rows.staged.said
        empty = pa.scalar(hashlib.md5(b"", usedforsecurity=False).digest(), pa.binary())
        begin = pc.binary_slice(prompts.cast(pa.binary()), 0, MD5_BYTES)
        return bool(pc.any(pc.not_equal(begin, empty)).as_py())
    if not is_string(prompts.type):
        return bool(prompts.null_count < len(prompts))
    return bool(pc.any(pc.greater(pc.utf8_length(prompts), 0)).as_py())


def _are_texts(rows: Rows, table: pa.Table, name: str) -> bool:
    """Whether a canonical column holds texts, wherever they are."""
    kind = table.schema.field(name).type
    if pa.types.is_fixed_size_binary(kind):
        return rows.staged is None or name not in rows.staged.digests or rows.staged.is_text(name)
    return bool(is_string(kind))


def _is_text(rows: Rows, name: str) -> bool:
    return bool(is_string(rows.head.schema.field(name).type))


def _says_something(rows: Rows, name: str, most: int = 1) -> bool:
    """Whether most values are texts of more than ``most`` words, or messages."""
    values = [value for value in decoded(samples(rows, [name], SAMPLE), name) if value not in (None, "", [])]
    texts = sum(words(v) > most if isinstance(v, str) else bool(conversation(v)) for v in values)
    return texts > len(values) / 2
