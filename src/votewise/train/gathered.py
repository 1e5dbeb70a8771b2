"""Rows of a dataset in any order, as one table; with an index of ``datasets`` every row is a piece that is handled alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

LARGE = 1 << 30
"""Bytes of values above which ``datasets`` takes the rows, slowly and into a file: Arrow's texts end at 2 GB."""


def gathered(dataset: Any, rows: npt.NDArray[np.int64] | None = None) -> Any:
    """These rows of a ``datasets.Dataset`` in this order, without an index; all of them for None.

    Values and types stay as they are.
    """
    from datasets import Dataset

    dataset = dataset.with_format(None)
    indexed = dataset._indices is not None
    if rows is not None and len(rows) == len(dataset) and (rows == np.arange(len(dataset))).all():
        rows = None
    if rows is None and not indexed:
        return dataset
    if dataset.data.nbytes > LARGE:
        return (dataset if rows is None else dataset.select(rows)).flatten_indices()
    table = dataset.data.table
    if indexed:
        own = dataset._indices.column(0).to_numpy()
        rows = own if rows is None else own[rows]
    return Dataset(table.select(dataset.column_names).take(pa.array(rows)), info=dataset.info)
