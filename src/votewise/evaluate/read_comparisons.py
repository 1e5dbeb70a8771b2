"""Files of comparisons: one row with a prompt, two models and, where known, their answers and a verdict.

Three shapes are known: our own columns (prompt, model_a, model_b, response_a, response_b), AlpacaEval's annotations
(instruction, generator_1, output_1, generator_2, output_2, preference), and a model against a baseline (model, baseline).
The evaluated model, A, is generator_2 in AlpacaEval's annotations, and model in the last shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from votewise.arrays import Floats
from votewise.evaluate.columns import DOMAIN, IDS, PROMPT, find, optional_names, texts
from votewise.evaluate.comparison_rows import ComparisonRows
from votewise.evaluate.judges import ColumnJudge
from votewise.evaluate.pair_answers import characters
from votewise.evaluate.verdict_column import VERDICTS, ComparisonColumns, columns_of, read_preference
from votewise.sources.meanings.criteria import rows_on_criterion
from votewise.sources.meanings.no_votes import set_aside
from votewise.sources.meanings.open_meanings import check_statuses_and_criteria
from votewise.sources.meanings.split_columns import read_one_split
from votewise.sources.reader import SourceReader
from votewise.sources.rows import Rows

ANY_COLUMN = ColumnJudge()
"""The column with the verdicts is found by its name."""


def read_comparisons(
    source: Any, reader: SourceReader | None = None, *, column: ColumnJudge | None = ANY_COLUMN
) -> ComparisonRows:
    """Read a file of comparisons.

    Args:
        source: any file or table that votes can be read from.
        reader: opens it as the user's options say; None for no options.
        column: the column with the verdicts: ``a``, ``b``, ``tie`` or a model's name; numbers from 0 (B is better) to 1
            (A is better); or AlpacaEval's from 1 to 2. None reads no verdicts.

    Raises:
        BadInputError: the file cannot be read; the message has row, column and value.
    """
    return comparisons_of((reader or SourceReader()).open(source), column)


def comparisons_of(rows: Rows, column: ColumnJudge | None = ANY_COLUMN) -> ComparisonRows:
    """The comparisons in these rows, as ``read_comparisons`` returns them."""
    shape = columns_of(rows)
    if shape is None:
        found = ", ".join(rows.table.column_names)
        raise rows.fail(
            f"is not a file of comparisons; found the columns {found}",
            expected="prompt, model_a and model_b; or --columns model_a=NAME",
        )
    model_a, model_b = (rows.identifier(name).to_pylist() for name in shape.models)
    same = np.array([a == b for a, b in zip(model_a, model_b, strict=True)])
    rows.reject_where(same, "is compared with itself", column=shape.models[0], expected="two models")
    prompts = texts(rows, str(find(rows, PROMPT)))
    # Verdicts that are there may be about an empty answer, as votes may; a judge needs something to judge.
    first, second = shape.answers
    judged = column is not None
    answers = (texts(rows, first, empty=judged), texts(rows, second, empty=judged)) if rows.has(first, second) else None
    lengths = (rows.number(shape.lengths[0]), rows.number(shape.lengths[1])) if rows.has(*shape.lengths) else None
    domain, ids = optional_names(rows, DOMAIN), {name: rows.values(name) for name in IDS if rows.has(name)}
    difficulty = rows.number("difficulty") if rows.has("difficulty") else None
    if column is not None:
        read_one_split(rows)
        set_aside(rows)
    preference, how = _preference(rows, column, shape, model_a, model_b)
    if preference is not None:
        check_statuses_and_criteria(rows)
        preference = np.where(rows.tied, 0.5, preference)
    asked = None if rows.criterion is None else rows_on_criterion(rows, rows.criterion)
    no_vote = np.zeros(len(rows), bool) if preference is None else rows.ok & np.isnan(preference)
    kept = np.flatnonzero(rows.ok & ~no_vote & (True if asked is None else asked))
    if len(kept) == 0:
        raise rows.fail("there is no usable comparison", expected="at least one")

    def take(values: Any) -> Any:
        return None if values is None else [values[row] for row in kept.tolist()]

    kept_answers = None if answers is None else (take(answers[0]), take(answers[1]))
    if kept_answers is not None:
        lengths = (characters(kept_answers[0]), characters(kept_answers[1]))
    elif lengths is not None:
        lengths = (lengths[0][kept], lengths[1][kept])
    return ComparisonRows(
        source=rows.source.name,
        model_a=take(model_a),
        model_b=take(model_b),
        prompts=take(prompts),
        answers=kept_answers,
        lengths=lengths,
        domain=take(domain),
        ids={name: take(values) for name, values in ids.items()},
        difficulty=None if difficulty is None else difficulty[kept],
        preference=None if preference is None else preference[kept],
        column=how,
        left_out={
            "unusable rows": len(rows.bad),
            "marked as no verdict": int(no_vote.sum()) + rows.no_votes,
            "on other questions": 0 if asked is None else int((rows.ok & ~no_vote & ~asked).sum()),
        },
    )


def _preference(
    rows: Rows, column: ColumnJudge | None, shape: ComparisonColumns, model_a: list[str], model_b: list[str]
) -> tuple[Floats | None, str]:
    """What ``read_preference`` returns; None if no column is wanted, or none was named and none was found."""
    if column is None:
        return None, ""
    named = next((name for name, own in rows.renames.items() if own == column.name), column.name)
    name = named or next((name for name in VERDICTS if rows.has(name)), None)
    return (None, "") if name is None else read_preference(rows, name, shape, model_a, model_b)
