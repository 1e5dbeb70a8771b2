"""Arena-Hard's judgments -> comparisons that ``votewise evaluate win-rate`` and ``read_votes`` read.

A judge sees each pair of answers twice, first with the baseline's answer shown as A, then with the model's answer shown as
A, and says A>>B, A>B, A=B, B>A or B>>A each time. Arena-Hard's own score counts a clear verdict (A>>B, B>>A) three times.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.errors import BadInputError
from votewise.evaluate.arena_hard_answers import AnswerTexts
from votewise.evaluate.arena_hard_questions import ArenaHardQuestion
from votewise.sources.meanings.label_words import meant_by
from votewise.sources.option_words import label_option
from votewise.sources.reader import SourceReader
from votewise.sources.rows import Rows

VERDICTS = {"A>>B": 2, "A>B": 1, "A=B": 0, "B>A": -1, "B>>A": -2}
VERDICTS |= {"B<<A": 2, "B<A": 1, "B=A": 0, "A<B": -1, "A<<B": -2}
"""How clearly A is better, by the verdict as the judge's prompt writes it; forms like ``B<A`` also occur."""

SAID = {"a": 1, "b": -1, "tie": 0, "both_bad": 0, "both_good": 0, "skip": None}
"""The same for what the user says that a verdict means."""

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
    return judgments_of(SourceReader().open_all(judgment_files(paths)))


def judgments_of(files: Sequence[Rows], *, judge: str | None = None, texts: AnswerTexts | None = None) -> Judgments:
    """The judgments in these rows.

    Args:
        files: the rows of each file.
        judge: the judge of judgments that name none; None for the name of the file's folder.
        texts: the answers; where rows are skipped, judgments of answers that are not there are noted as unusable.

    Raises:
        BadInputError: other columns, a verdict that cannot be read, or no judgment at all.
    """
    found: list[dict[str, Any]] = []
    failed = 0
    for rows in files:
        judged, without = _judged(rows, judge or Path(rows.source.name).parent.name, texts)
        found += judged
        failed += without
    if not found:
        raise BadInputError("there is no judgment with two verdicts", expected="at least one")
    columns = {name: [row[name] for row in found] for name in ("uid", "model", "baseline", "judge", "category")}
    first, second = np.array([row["verdicts"] for row in found], np.float64).T
    return Judgments(**columns, first=first, second=second, failed=failed)


def _judged(rows: Rows, judge: str, texts: AnswerTexts | None) -> tuple[list[dict[str, Any]], int]:
    """The judged answers of one file, and how many have no two verdicts."""
    named = next((name for name in ("uid", "question_id") if rows.has(name)), None)
    if not rows.has("model", "games") or named is None:
        found = ", ".join(rows.table.column_names)
        raise rows.fail(
            f"holds no judgments; found {found}", expected="uid, model, games; --columns uid=NAME says which is which"
        )
    uids, models = rows.identifier(named).to_pylist(), rows.identifier("model").to_pylist()
    about = {
        name: rows.identifier(name, null=True).to_pylist() if rows.has(name) else [None] * len(rows)
        for name in ("baseline", "judge", "category")
    }
    games = rows.values("games")
    judged, failed = [], 0
    for row in rows.kept().tolist():
        verdicts = _verdicts(rows, row, games[row])
        baseline = about["baseline"][row] or OLD_BASELINE
        if texts and not rows.stop and any((model, uids[row]) not in texts for model in (models[row], baseline)):
            rows.reject(row, "its answers are missing", column="model", value=models[row], expected="them in --answers")
        if not rows.ok[row]:
            continue
        if verdicts is None:
            failed += 1
            continue
        one = {"uid": uids[row], "model": models[row], "baseline": baseline, "verdicts": verdicts}
        judged.append(one | {"judge": about["judge"][row] or judge, "category": about["category"][row]})
    return judged, failed


def _verdicts(rows: Rows, row: int, games: Any) -> tuple[int, int] | None:
    """The verdicts of both games; None where one is missing. A game that cannot be read is noted."""
    if not isinstance(games, list | None) or not all(isinstance(game, dict | None) for game in games or []):
        rows.reject(row, "are no games", column="games", value=games, expected="a list of objects with a score")
        return None
    scores = [(game or {}).get("score") for game in games or []]
    if len(scores) < 2 or scores[0] is None or scores[1] is None:
        return None
    one, other = (_verdict(rows, row, score) for score in scores[:2])
    # The first game shows the baseline as A, the second game shows the model as A.
    return None if one is None or other is None else (-one, other)


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


def _verdict(rows: Rows, row: int, score: Any) -> int | None:
    """From -2 (B is clearly better) to 2; None where the user calls it no verdict, and where it is noted as unusable."""
    said = meant_by(score, rows.labels, {})
    if said is not None:
        return SAID[said]
    found = VERDICTS.get("".join(str(score).upper().split()))
    if found is None:
        expected = f"{', '.join(VERDICTS)}; or {label_option(str(score))} (b, tie, skip) to say what it means"
        rows.reject(row, "is not a verdict", column="games", value=score, expected=expected)
    return found


def judgment_files(paths: Sequence[str | os.PathLike[str]]) -> list[str]:
    """These files, and those in these folders; BadInputError for a folder without any."""
    files: list[Path] = []
    for path in map(Path, paths):
        found = sorted(path.rglob("*.jsonl")) if path.is_dir() else [path]
        if not found:
            raise BadInputError("holds no .jsonl files", source=str(path), expected="Arena-Hard's model_judgment/JUDGE")
        files += found
    return [str(file) for file in files]
