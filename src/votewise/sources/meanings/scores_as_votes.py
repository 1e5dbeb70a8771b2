"""Two answers with a score each, where no column says which is better: the higher score is the vote."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from votewise.sources.cells import TEXT, is_number
from votewise.sources.containers.stand_in_type import is_in_files
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.guesses import WORDS
from votewise.sources.meanings.no_votes import said_of_votes
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows

STEMS = ("score", "rating", "overall_score", "overall_rating", "human_score", "human_rating", "reward")
SHARES = ("label", "preference", "vote", "preferred", "win")
"""Names of columns that share out one vote: 1 and 0, or 0.5 and 0.5. Without that they may be two people's votes."""
SHARE = re.compile("|".join(SHARES))
SAMPLE = 200
SLACK = 1e-6


def score_columns(table: pa.Table, a: str, b: str) -> tuple[str, str] | None:
    """The columns of the two answers' scores, such as ``score_0`` and ``score_1`` for ``answer_0`` and ``answer_1``.

    None where there are none, where another column may hold the verdict, and beside a ``margin``: then a scorer gave the
    scores (``votewise score``), and nobody has voted.
    """
    plain = {plain_name(name): name for name in table.column_names}
    ends = ends_of(a, b)
    if ends is None or "margin" in plain:
        return None
    for stem in (*STEMS, *SHARES):
        forms = ((f"{stem}_{{0}}", f"{stem}{{0}}", f"{{0}}_{stem}"), (f"{{1}}_{stem}",))
        names = [form for group in forms for form in group]
        for form in names:
            both = [plain.get(form.format(end, plain_name(own))) for end, own in zip(ends, (a, b), strict=True)]
            if both[0] is None or both[1] is None or not all(_numbers(table, str(name)) for name in both):
                continue
            if stem in SHARES and not _share_out(table, str(both[0]), str(both[1])):
                continue
            others = set(plain) - {plain_name(str(name)) for name in both}
            return None if any(_may_be_verdict(table, plain[name]) for name in others) else (both[0], both[1])
    return None


def marks_of_sides(table: pa.Table, a: str, b: str) -> tuple[str, str] | None:
    """Two columns such as ``label_0`` and ``label_1`` that may mark the better of ``answer_0`` and ``answer_1``.

    Their numbers are 0, 1 and 0.5, and do not add up to 1 in all rows; so they may be two people's votes as well.
    """
    plain = {plain_name(name): name for name in table.column_names}
    ends = ends_of(a, b)
    for stem in SHARES if ends is not None else ():
        both = [plain.get(f"{stem}_{end}") or plain.get(f"{stem}{end}") for end in ends or ()]
        if None not in both and all(_numbers(table, str(name)) for name in both):
            numbers = [{float(v) for v in table.column(name).to_pylist() if v not in (None, "")} for name in both]
            if all(found <= {0.0, 0.5, 1.0} for found in numbers) and set.union(*numbers) != {1.0}:
                return str(both[0]), str(both[1])
    return None


def _share_out(table: pa.Table, a: str, b: str) -> bool:
    """Whether two columns of numbers add up to 1 in every row that has both and that no mark calls no vote."""
    rows = zip(table.column(a).to_pylist(), table.column(b).to_pylist(), _no_votes(table), strict=True)
    sums = [float(x) + float(y) for x, y, out in rows if x not in (None, "") and y not in (None, "") and not out]
    return bool(sums) and all(abs(total - 1) < SLACK for total in sums)


def ends_of(a: str, b: str) -> tuple[str, str] | None:
    """What tells the names of two answers apart at their ends, ``0`` and ``1``; None where one has no end of its own.

    >>> ends_of("answer_0", "answer_1")
    ('0', '1')
    """
    x, y = plain_name(a), plain_name(b)
    same = next((i for i, (p, q) in enumerate(zip(x, y, strict=False)) if p != q), min(len(x), len(y)))
    return (x[same:], y[same:]) if x[same:] and y[same:] else None


def score_labels(rows: Rows, scores: tuple[str, str]) -> pa.ChunkedArray:
    """``a`` or ``b`` for the higher score, ``tie`` for equal ones, null where one is not known: no vote."""
    a, b = (rows.number(name) for name in scores)
    for name in scores:
        rows.use(name, "label")
    if all(SHARE.match(plain_name(name)) for name in scores):
        with np.errstate(invalid="ignore"):
            # The first rows of a large source do not show what the others hold.
            wrong = np.abs(a + b - 1) > SLACK
        own = [rows.source_column(name) for name in scores]
        ends = [SHARE.sub("", plain_name(name)).strip("_") for name in scores]
        as_scores = " ".join(column_option(f"score_{end}", name) for end, name in zip(ends, own, strict=True))
        expected = f"1 in all, or {as_scores} if the higher number is better and equal ones are a tie"
        rows.reject_where(wrong, f"and '{own[1]}' do not add up to 1", column=scores[0], expected=expected)
    with np.errstate(invalid="ignore"):
        codes = np.where(np.isnan(a) | np.isnan(b), 3, np.where(a > b, 0, np.where(b > a, 1, 2)))
    higher = f"{scores[0]}, {scores[1]}"
    for meaning, number in zip(
        ("a", "b", "tie", "skip"), np.bincount(codes[rows.ok], minlength=4).tolist(), strict=True
    ):
        if number:
            rows.tell(higher, _COMPARED[meaning], meaning, number)
    return pa.chunked_array([pa.array(["a", "b", "tie", None], TEXT).take(pa.array(codes))])


_COMPARED = {"a": "the first is higher", "b": "the second is higher", "tie": "equal", "skip": "one is missing"}


def spells_numbers(table: pa.Table, name: str) -> bool:
    """Whether a column of texts holds numbers, as everything in a CSV is a text."""
    column = table.column(name)
    values = [value for value in column.slice(0, SAMPLE).to_pylist() if value is not None]
    return bool(values) and all(isinstance(value, str) and _spells_number(value) for value in values)


def _numbers(table: pa.Table, name: str) -> bool:
    return is_number(table.column(name).type) or spells_numbers(table, name)


def _spells_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _may_be_verdict(table: pa.Table, name: str) -> bool:
    kind = table.schema.field(name).type
    if pa.types.is_nested(kind) or WORDS["label"].search(plain_name(name)) is None:
        return False
    return is_in_files(table.schema.field(name)) or said_of_votes(name, table.column(name).unique().to_pylist()) is None


def _no_votes(table: pa.Table) -> list[bool]:
    """Whether a mark such as has_label calls each row no vote."""
    out = [False] * len(table)
    for field in table.schema:
        if pa.types.is_nested(field.type) or is_in_files(field) or said_of_votes(field.name, ()) is None:
            continue
        values = table.column(field.name).to_pylist()
        said = said_of_votes(field.name, values)
        out = [a or b for a, b in zip(out, said[0], strict=True)] if said is not None else out
    return out
