"""Arena-Hard's judgments -> comparisons that ``votewise evaluate win-rate`` and ``read_votes`` read.

A judge sees each pair of answers twice, first with the baseline's answer shown as A, then with the model's answer shown as
A, and says A>>B, A>B, A=B, B>A or B>>A each time. Arena-Hard's own score counts a clear verdict (A>>B, B>>A) three times.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.errors import BadInputError
from votewise.evaluate.arena_hard_answers import AnswerTexts
from votewise.evaluate.arena_hard_questions import ArenaHardQuestion
from votewise.sources.reader import SourceReader
from votewise.sources.values import records_of

VERDICTS = {"A>>B": 2, "A>B": 1, "A=B": 0, "B>A": -1, "B>>A": -2}
VERDICTS |= {"B<<A": 2, "B<A": 1, "B=A": 0, "A<B": -1, "A<<B": -2}
"""How clearly A is better, by the verdict as the judge's prompt writes it; forms like ``B<A`` also occur."""

CLEAR = 3
"""Weight of a clear verdict in Arena-Hard's own score."""

OLD_BASELINE = "gpt-4-0314"
"""The baseline of Arena-Hard 0.1, whose judgments do not name it."""


@dataclass(frozen=True, eq=False)
class Judgments:
    """The verdicts of a judge on n answers.

    Attributes:
        uid: (n,) names of the questions.
        model, baseline: (n,) names of the model that gave the answer, and of the model that it is compared with.
        judge: (n,) names of the judges.
        category: (n,) categories of the questions.
        first, second: (n,) from -2 (the baseline's answer is clearly better) to 2 (the model's is); ``first`` with the
            baseline's answer shown first, ``second`` with the model's answer shown first.
        failed: number of answers that are left out because one of the two verdicts is missing.
    """

    uid: Sequence[str]
    model: Sequence[str]
    baseline: Sequence[str]
    judge: Sequence[str]
    category: Sequence[str | None]
    first: Any = field(repr=False)
    second: Any = field(repr=False)
    failed: int = 0

    def __len__(self) -> int:
        return len(self.uid)


def read_judgments(paths: Sequence[str | os.PathLike[str]]) -> Judgments:
    """Read files of ``model_judgment/JUDGE/``, or folders of them.

    Raises:
        BadInputError: there are no such files, they have other columns, or a verdict cannot be read.
    """
    found: list[dict[str, Any]] = []
    failed = 0
    for path in _files(paths):
        judged, without = _read(path)
        found += judged
        failed += without
    if not found:
        raise BadInputError("there is no judgment with two verdicts", expected="at least one")
    columns = {name: [row[name] for row in found] for name in ("uid", "model", "baseline", "judge", "category")}
    first, second = np.array([row["verdicts"] for row in found], np.float64).T
    return Judgments(**columns, first=first, second=second, failed=failed)


def _read(path: str) -> tuple[list[dict[str, Any]], int]:
    """The judged answers of one file, and how many have no two verdicts."""
    read = SourceReader().open(path).source
    missing = [name for name in ("model", "games") if name not in read.table.column_names]
    named = next((name for name in ("uid", "question_id") if name in read.table.column_names), None)
    if missing or named is None:
        found = ", ".join(read.table.column_names)
        raise BadInputError(f"holds no judgments; found {found}", source=read.name, expected="uid, model, games")
    rows, failed = [], 0
    for number, item in enumerate(records_of(read.table, range(len(read.table)))):
        scores = [(game or {}).get("score") for game in item["games"] or []]
        if len(scores) < 2 or scores[0] is None or scores[1] is None:
            failed += 1
            continue
        at = {"source": read.name, "row": read.number(number)}
        rows.append(
            {
                "uid": str(item[named]),
                "model": item["model"],
                "baseline": item.get("baseline") or OLD_BASELINE,
                "judge": item.get("judge") or Path(path).parent.name,
                "category": item.get("category"),
                # The first game shows the baseline as A, the second game shows the model as A.
                "verdicts": (-_verdict(scores[0], at), _verdict(scores[1], at)),
            }
        )
    return rows, failed


def arena_hard_score(judgments: Judgments, model: str) -> float:
    """The model's score on Arena-Hard's leaderboard, from 0 to 1: clear verdicts count three times."""
    of = np.array([name == model for name in judgments.model])
    verdicts = np.concatenate([judgments.first[of], judgments.second[of]])
    weight = np.where(np.abs(verdicts) == 2, CLEAR, 1)
    return float(np.average((1 + np.sign(verdicts)) / 2, weights=weight))


def judgment_table(
    judgments: Judgments, *, questions: Sequence[ArenaHardQuestion] | None = None, texts: AnswerTexts | None = None
) -> pa.Table:
    """Judgments as comparisons, one row for each judged answer.

    Columns: ``pair`` (question and both models), ``prompt`` (its text, or the name of the question if the text is unknown),
    ``prompt_id``, ``model_a`` (the model), ``model_b`` (the baseline), ``response_a`` and ``response_b`` (only if ``texts``
    are given), ``annotator`` (the judge), ``label`` (``a``, ``b`` or ``tie``, from both orders), ``preference`` (the mean of
    both orders, from 0 to 1), ``first`` and ``second`` (see ``Judgments``), ``domain`` (the category).

    Args:
        judgments: from ``read_judgments``.
        questions: the texts of the prompts.
        texts: the answers of the models and of the baseline.

    Raises:
        BadInputError: ``texts`` lacks an answer.
    """
    prompts = {question.uid: question.prompt for question in questions or ()}
    sums = np.sign(judgments.first) + np.sign(judgments.second)
    columns: dict[str, Any] = {
        "pair": [
            f"{uid}/{model}/{baseline}"
            for uid, model, baseline in zip(judgments.uid, judgments.model, judgments.baseline, strict=True)
        ],
        "prompt": [prompts.get(uid, uid) for uid in judgments.uid],
        "prompt_id": list(judgments.uid),
        "model_a": list(judgments.model),
        "model_b": list(judgments.baseline),
    }
    if texts:
        columns["response_a"] = _answers(texts, judgments.model, judgments.uid)
        columns["response_b"] = _answers(texts, judgments.baseline, judgments.uid)
    columns |= {
        "annotator": list(judgments.judge),
        "label": np.array(["b", "tie", "a"])[(np.sign(sums) + 1).astype(int)].tolist(),
        "preference": (2 + sums) / 4,
        "first": judgments.first,
        "second": judgments.second,
    }
    if any(judgments.category):
        columns["domain"] = list(judgments.category)
    return pa.table(columns)


def _answers(texts: AnswerTexts, models: Sequence[str], uids: Sequence[str]) -> list[str]:
    keys = list(zip(models, uids, strict=True))
    missing = [key for key in keys if key not in texts]
    if missing:
        model, uid = missing[0]
        raise BadInputError(
            f"{len(missing):,} judged answers are missing, the first by '{model}' to {uid}",
            parameter="answers",
            expected="the answers of the model and of the baseline",
        )
    return [texts[key] for key in keys]


def _verdict(score: Any, at: Mapping[str, Any]) -> int:
    found = VERDICTS.get("".join(str(score).upper().split()))
    if found is None:
        raise BadInputError("is not a verdict", column="games.score", value=score, expected=", ".join(VERDICTS), **at)
    return found


def _files(paths: Sequence[str | os.PathLike[str]]) -> list[str]:
    files: list[Path] = []
    for path in map(Path, paths):
        found = sorted(path.rglob("*.jsonl")) if path.is_dir() else [path]
        if not found:
            raise BadInputError("holds no .jsonl files", source=str(path), expected="Arena-Hard's model_judgment/JUDGE")
        files += found
    return [str(file) for file in files]
