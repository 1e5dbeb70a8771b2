"""Sources that ask several questions about one pair: which of them counts."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from votewise.arrays import Bools
from votewise.errors import BadInputError, many
from votewise.sources.canonical import Canonical
from votewise.sources.cells import mask
from votewise.sources.containers.stand_in_type import TextsNeededError, is_in_files
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.rows import Rows

CRITERIA = (
    "criterion", "criteria", "aspect", "dimension", "facet", "preference_type", "evaluation_criterion", "judging_criterion",
    "kriterium", "aspekt", "critère", "critere", "criterio", "critério", "aspecto", "aspetto", "dimensión",
    "kryterium", "критерий", "аспект", "标准", "评价标准", "维度", "観点", "評価基準", "기준",
)  # fmt: skip
"""Names of columns that say by which criterion a row compares: votes by several criteria are not one kind of vote."""
QUESTIONS = (*CRITERIA, "question", "question_id", "rubric", "attribute", "metric", "control", "quality")
"""Names of columns that say which question a row answers."""


def one_criterion(rows: Rows, canonical: Canonical) -> Canonical:
    """The votes on the question that was asked for; all of them where none was, or where the format has chosen.

    Raises:
        BadInputError: nothing in the source is called like that.
    """
    if rows.criterion is None or rows.criterion_used:
        return canonical
    chosen, table = rows_on_criterion(rows, rows.criterion), canonical.table
    kept = table.filter(pa.array(chosen[table.column("row").to_numpy()]))
    left_out = len(table) - len(kept)
    note = f"Skipped: {many(left_out, 'vote')} on other questions than '{rows.criterion}'."
    return replace(canonical, table=kept, skipped=canonical.skipped + left_out, notes=(*canonical.notes, note))


def rows_on_criterion(rows: Rows, criterion: str) -> Bools:
    """(n,) which rows of the source are about this question.

    Raises:
        BadInputError: nothing in the source is called like that.
    """
    values: set[str] = set()
    for name in rows.table.column_names:
        if plain_name(name) not in QUESTIONS or pa.types.is_nested(rows.type_of(name)):
            continue
        if is_in_files(rows.table.schema.field(name)):
            raise TextsNeededError(name)
        column = pc.cast(rows.table.column(name), pa.large_string())
        chosen = pc.fill_null(pc.equal(column, criterion), False)
        values |= {str(value) for value in pc.unique(column).to_pylist()[:20] if value is not None}
        if pc.any(chosen).as_py():
            rows.use(name, "criterion")
            return mask(chosen)
    found = f"one of: {', '.join(sorted(values)[:10])}" if values else "a source with a column 'criterion'"
    raise BadInputError(
        "unknown criterion", source=rows.source.name, parameter="criterion", value=criterion, expected=found
    )
