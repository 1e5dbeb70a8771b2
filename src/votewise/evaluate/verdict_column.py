"""Which columns a file of comparisons has, and what its column of verdicts says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from votewise.arrays import Floats
from votewise.errors import BadInputError
from votewise.evaluate.columns import PROMPT, find
from votewise.sources.cells import is_number, is_string, parsed
from votewise.sources.meanings.label_words import NEUTRAL, WINNERS, label_key, meant_by, word_meaning
from votewise.sources.option_words import label_option
from votewise.sources.rows import Rows


@dataclass(frozen=True)
class ComparisonColumns:
    """Names of the columns with the models, their answers and the lengths of the answers, each first of A, then of B.

    ``second``: the shape calls A its second model.
    """

    models: tuple[str, str]
    answers: tuple[str, str]
    lengths: tuple[str, str]
    second: bool = False


COLUMN_NAMES = (
    ComparisonColumns(("model_a", "model_b"), ("response_a", "response_b"), ("length_a", "length_b")),
    ComparisonColumns(("generator_2", "generator_1"), ("output_2", "output_1"), ("len_2", "len_1"), second=True),
    ComparisonColumns(("model", "baseline"), ("response_a", "response_b"), ("len_model", "len_baseline"), second=True),
)

VERDICTS = ("preference", "winner", "label")
"""The columns in which verdicts are looked for if no column is named."""

WORTH = {"a": 1.0, "b": 0.0, "tie": 0.5, "both_bad": 0.5, "both_good": 0.5, "skip": float("nan")}
"""What the meanings of labels say about A."""

WINNER = "a, b, tie, a model's name, a number from 0 to 1, or AlpacaEval's from 1 to 2"


def columns_of(rows: Rows) -> ComparisonColumns | None:
    """The shape of these rows; None if they are not comparisons."""
    return next((shape for shape in COLUMN_NAMES if rows.has(*shape.models) and find(rows, PROMPT) is not None), None)


def read_preference(
    rows: Rows, column: str, shape: ComparisonColumns, model_a: list[str], model_b: list[str]
) -> tuple[Floats, str]:
    """(N,) P(A is better) according to a column; then the name of the column and the scale on which it was read."""
    if not rows.has(column):
        names = ", ".join(rows.table.column_names)
        expected = f"--columns {column}" if "=" in column else f"one of: {names}"
        raise BadInputError(f"there is no column '{column}'", source=rows.source.name, expected=expected)
    field = rows.table.schema.field(column)
    texts = _are_numbers(rows, column, {*model_a, *model_b})
    if rows.labels or not (is_number(field.type) or texts):
        return _by_label(rows, column, shape, model_a, model_b), f"'{column}' (labels)"
    values = rows.number(column) if texts else rows.table.column(column).cast("float64").to_numpy(zero_copy_only=False)
    rows.reject_where(
        ~np.isfinite(values), "there is no verdict", column=column, expected=f"{WINNER}; --on-error skip leaves it out"
    )
    usable = values[rows.ok & np.isfinite(values)]
    if len(usable) and usable.min() >= 1 and (usable.max() > 1 or shape.second):
        if usable.max() == 1 and shape.models[0] == "model":
            raise rows.fail(
                "every value is 1: is the scale 0 to 1 or 1 to 2?", column=column, expected="labels, or another value"
            )
        rows.reject_where(np.nan_to_num(values) > 2, "is outside 1 to 2", column=column, expected=WINNER)
        return (values - 1 if shape.second else 2 - values), f"'{column}' (1 to 2)"
    with np.errstate(invalid="ignore"):
        rows.reject_where((values < 0) | (values > 1), "is outside 0 to 1", column=column, expected=WINNER)
    return values, f"'{column}' (0 to 1)"


def _are_numbers(rows: Rows, column: str, models: set[str]) -> bool:
    """Whether a column of texts holds nothing but numbers, as those of a CSV do, and no model is called so."""
    found = rows.table.column(column)
    if not is_string(found.type) or found.null_count == len(found):
        return False
    _, wrong = parsed(found, float)
    return not wrong.any() and not models & set(found.to_pylist())


def _by_label(rows: Rows, column: str, shape: ComparisonColumns, model_a: list[str], model_b: list[str]) -> Floats:
    _check_sides(rows, shape)
    labels = rows.identifier(column, null=True).to_pylist()
    found = np.full(len(rows), np.nan)
    for row, (label, a, b) in enumerate(zip(labels, model_a, model_b, strict=True)):
        if label is None:
            rows.reject(row, "there is no verdict", column=column, expected=f"{WINNER}; --on-error skip leaves it out")
            continue
        said = meant_by(label, rows.labels, {})
        if said is not None:
            found[row] = WORTH[said]
            continue
        side = word_meaning(label_key(label), WINNERS)
        by_side = None if side is None or (shape.second and side not in (*NEUTRAL, "skip")) else WORTH[side]
        by_name = 1.0 if label == a else 0.0 if label == b else None
        if by_side is not None and by_name is not None and by_side != by_name:
            problem = "may mean the side or the model of that name"
            rows.reject(
                row, problem, column=column, value=label, expected=f"{label_option(label)} (b, tie) to say which"
            )
        elif by_side is None and by_name is None:
            expected = f"{WINNER}; or {label_option(label)} (b, tie, skip) to say what it means"
            rows.reject(row, "is not a verdict", column=column, value=label, expected=expected)
        else:
            found[row] = by_side if by_name is None else by_name
    return found


def _check_sides(rows: Rows, shape: ComparisonColumns) -> None:
    """Refuse a label that means a side in a shape that calls A its second answer: either could be meant."""
    sides = [f"{value}={meaning}" for value, meaning in rows.labels.items() if meaning in "ab"]
    if sides and shape.second and shape.models[0] != "model":
        raise BadInputError(
            f"a and b are not clear in the columns {', '.join(shape.models)}",
            source=rows.source.name,
            parameter="label",
            value=sides[0],
            expected="the names of the models as verdicts, or --columns model_a=NAME --columns model_b=NAME",
        )
