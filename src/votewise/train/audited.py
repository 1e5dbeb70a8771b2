"""Results of an audit as the start of a training run, or as its fixed weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.annotators.audited_tables import read_audited
from votewise.arrays import Floats
from votewise.data.identity import TEXTS, text_key
from votewise.errors import BadInputError, many
from votewise.train.config import RobustPreferenceConfig
from votewise.train.normal_texts import either
from votewise.train.training_rows import TrainingRows


def fixed_confidence(args: RobustPreferenceConfig, rows: TrainingRows | None) -> Floats | None:
    """(R,) weights of the rows if ``beliefs_use`` is ``fixed``, else None; BadInputError for a stream."""
    if args.beliefs_use != "fixed" or args.beliefs is None:
        return None
    if rows is None:
        raise BadInputError("beliefs_use", value="fixed", expected="start for a stream")
    return audited_confidence(Path(args.beliefs), _as_audited(rows))


def _as_audited(rows: TrainingRows) -> Any:
    """The rows with the texts of their votes, as an audit of these votes writes them."""
    from datasets import Dataset

    texts = rows.votes.texts
    assert texts is not None  # noqa: S101 - training rows have texts
    texts = texts.take(pa.array(rows.pair))
    a, b = texts["response_a"], texts["response_b"]
    to_a = rows.side > 0
    return Dataset(pa.table({"prompt": texts["prompt"], "chosen": either(to_a, a, b), "rejected": either(to_a, b, a)}))


def audited_confidence(folder: Path, rows: Any) -> Floats:
    """(R,) probability that each row's chosen answer is truly better, from an audit's ``pairs.parquet``.

    Pairs are found by their texts, in either order of the answers, because names of pairs may be mere row numbers.

    Args:
        folder: the folder written by `votewise audit`.
        rows: a dataset with ``prompt``, ``chosen`` and ``rejected``.

    Raises:
        BadInputError: no audit, an audit of votes without texts, or rows that are not in the audit.
    """
    path = folder / "pairs.parquet"
    table = read_audited(path, ["p_a", *TEXTS], "p_a with the texts of the pairs", "an audit of votes with texts")
    p_a = dict(zip(_keys(table, TEXTS), table["p_a"].to_pylist(), strict=True))
    chosen = _keys(rows.with_format("arrow")[:], ("prompt", "chosen", "rejected"))
    # If an audit lists a pair in both orders, each has a posterior from its own votes; the one in the same order counts.
    found = [p_a[key] if key in p_a else 1 - p_a.get((key[0], key[2], key[1]), np.nan) for key in chosen]
    confidence = np.array(found, np.float64)
    if missing := np.flatnonzero(np.isnan(confidence)).tolist():
        verb = "is" if len(missing) == 1 else "are"
        raise BadInputError(
            f"{len(missing):,} of {many(len(confidence), 'pair')} {verb} not in the audit, "
            f"the first is row {missing[0] + 1:,}",
            source=str(path),
            expected="an audit of the votes that are trained on, or beliefs_use=start",
        )
    return confidence


def _keys(table: Any, names: tuple[str, ...]) -> list[tuple[str | None, ...]]:
    return list(zip(*([text_key(value) for value in table[name].to_pylist()] for name in names), strict=True))
