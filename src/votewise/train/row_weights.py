"""The weights of rows: how much the vote of each row counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from votewise.arrays import Floats
from votewise.errors import BadInputError

WEIGHT = "weight"
"""Column with the weight of each row's vote; without a value it is 1."""

RANGE = "a number of at least 0, where none means 1, or another name for the column"


def weight_of(value: Any, number: int, name: str) -> float:
    """The weight of a row: 1 where there is no value.

    Args:
        value: what the row has.
        number: number of the row, counted from 0.
        name: what the dataset is called.

    Raises:
        BadInputError: a value that is negative, infinite, NaN or anything but a number.
    """
    if value is None:
        return 1.0
    if isinstance(value, bool | str) or not hasattr(value, "__float__"):
        raise BadInputError("is not a number", source=name, row=number + 1, column=WEIGHT, value=value, expected=RANGE)
    weight = float(value)
    if not (math.isfinite(weight) and weight >= 0):
        problem = "is negative" if weight < 0 and math.isfinite(weight) else "is not finite"
        raise BadInputError(problem, source=name, row=number + 1, column=WEIGHT, value=weight, expected=RANGE)
    return weight


def weights_of(dataset: Any, name: str) -> Floats | None:
    """(n,) the weights of a dataset's rows; None without such a column.

    Raises:
        BadInputError: a weight that cannot be used.
    """
    if WEIGHT not in dataset.column_names:
        return None
    values = dataset.select_columns([WEIGHT]).with_format(None)[WEIGHT][:]
    return np.array([weight_of(value, number, name) for number, value in enumerate(values)], np.float64)
