"""Names for the shapes of data: every array in votewise is one of these."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]
"""Codes: indices into a list of names."""
Floats = npt.NDArray[np.float64]
Signs = npt.NDArray[np.int8]
"""+1, -1 or 0."""
Bools = npt.NDArray[np.bool_]
Counted = npt.NDArray[np.int64]
"""Whole numbers of things."""
