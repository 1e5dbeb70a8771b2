"""Arena-Hard's judgments -> comparisons that ``votewise evaluate win-rate`` and ``read_votes`` take.

A judge sees two answers twice, the baseline's first and then the model's, and says A>>B, A>B, A=B, B>A or B>>A each time.
Arena-Hard's own score counts a clear verdict three times; here both are kept, the verdicts and the score.
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
from votewise.evaluate.answers import plain_text, read_answers
from votewise.evaluate.bridges import ArenaHardQuestion, name_prompts
from votewise.sources.opening import load
from votewise.sources.values import records_of

VERDICTS = {"A>>B": 2, "A>B": 1, "A=B": 0, "B>A": -1, "B>>A": -2}
VERDICTS |= {"B<<A": 2, "B<A": 1, "B=A": 0, "A<B": -1, "A<<B": -2}
"""How clearly A is better in a verdict, as the judge's prompt names them; ``B<A`` and the like also occur."""

CLEAR = 3
"""How often Arena-Hard counts a clear verdict."""

OLD_BASELINE = "gpt-4-0314"
"""What Arena-Hard 0.1 compares with; its judgments do not say."""


@dataclass(frozen=True, eq=False)
class Judgments:
    """What a judge said of n answers.

    Attributes:
        uid, model, baseline, judge, category: (n,) of each judged answer.
        first, second: (n,) from -2 (the baseline's answer is clearly better) to 2, with the baseline's and with the
            model's answer shown first.
        failed: judged answers left out because a game has no verdict.
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
        BadInputError: no such files, other columns, or a verdict that is none.
    """
    rows: dict[str, list[Any]] = {name: [] for name in ("uid", "model", "baseline", "judge", "category", "games")}
    failed = 0
    for path in _files(paths):
        read = load(path)
        missing = [name for name in ("model", "games") if name not in read.table.column_names]
        named = next((name for name in ("uid", "question_id") if name in read.table.column_names), None)
        if missing or named is None:
            found = ", ".join(read.table.column_names)
            raise BadInputError(f"holds no judgments; found {found}", source=read.name, expected="uid, model, games")
        for number, item in enumerate(records_of(read.table, range(len(read.table)))):
            games = item["games"] or []
            scores = [(game or {}).get("score") for game in games]
            if len(scores) < 2 or scores[0] is None or scores[1] is None:
                failed += 1
                continue
            at = {"source": read.name, "row": read.number(number)}
            rows["uid"].append(str(item[named]))
            rows["model"].append(item["model"])
            rows["baseline"].append(item.get("baseline") or OLD_BASELINE)
            rows["judge"].append(item.get("judge") or Path(path).parent.name)
            rows["category"].append(item.get("category"))
            # The first game shows the baseline as A, the second the model.
            rows["games"].append((-_verdict(scores[0], at), _verdict(scores[1], at)))
    if not rows["uid"]:
        raise BadInputError("there is no judgment with two verdicts", expected="at least one")
    games = np.array(rows.pop("games"), np.float64)
    return Judgments(**rows, first=games[:, 0], second=games[:, 1], failed=failed)


def arena_hard_score(judgments: Judgments, model: str) -> float:
    """The model's score as Arena-Hard's leaderboard counts it, from 0 to 1: the mean over verdicts, clear ones thrice."""
    of = np.array([name == model for name in judgments.model])
    verdicts = np.concatenate([judgments.first[of], judgments.second[of]])
    weight = np.where(np.abs(verdicts) == 2, CLEAR, 1)
    return float(np.average((1 + np.sign(verdicts)) / 2, weights=weight))


Said = Mapping[tuple[str, str], str]
"""Answers by model and name of the question."""


def read_said(files: Sequence[str | os.PathLike[str]], questions: Sequence[ArenaHardQuestion] | None = None) -> Said:
    """Read answers by model and question, from model_answer/*.jsonl or as ``votewise generate`` writes them.

    Raises:
        BadInputError: files of another kind, or prompts that nothing names.
    """
    said: dict[tuple[str, str], str] = {}
    for file in files:
        read = load(os.fspath(file))
        if {"uid", "model", "messages"} <= set(read.table.column_names):
            part = read.table.select(["uid", "model", "messages"])
            for item in records_of(part, range(len(part))):
                said[item["model"], str(item["uid"])] = _last(item["messages"])
            continue
        for of_model in read_answers(file):
            for uid, answer in zip(name_prompts(of_model, questions), of_model.answers, strict=True):
                if uid is not None:
                    said[of_model.model, uid] = plain_text(answer)
    return said


def _last(messages: Any) -> str:
    content = messages[-1]["content"]
    return str(content["answer"] if isinstance(content, Mapping) else content)


def judgment_table(
    judgments: Judgments, *, questions: Sequence[ArenaHardQuestion] | None = None, said: Said | None = None
) -> pa.Table:
    """Judgments as comparisons, one row for each judged answer.

    Columns: ``pair`` (question and both models), ``prompt`` (the question's name where its text is unknown), ``prompt_id``,
    ``model_a`` (the model), ``model_b`` (the baseline), ``response_a`` and ``response_b`` where all answers are known,
    ``annotator`` (the judge), ``label`` (``a``, ``b`` or ``tie``: the two orders together), ``preference`` (the mean of both
    orders, from 0 to 1), ``first`` and ``second`` (from -2 to 2, the baseline's and the model's answer shown first),
    ``domain`` (the category).

    Args:
        judgments: from ``read_judgments``.
        questions: texts of the prompts by name.
        said: from ``read_said``, with the answers of the models and of the baseline.

    Raises:
        BadInputError: an answer that is not in ``said``.
    """
    texts = {question.uid: question.prompt for question in questions or ()}
    sums = np.sign(judgments.first) + np.sign(judgments.second)
    columns: dict[str, Any] = {
        "pair": [
            f"{uid}/{model}/{baseline}"
            for uid, model, baseline in zip(judgments.uid, judgments.model, judgments.baseline, strict=True)
        ],
        "prompt": [texts.get(uid, uid) for uid in judgments.uid],
        "prompt_id": list(judgments.uid),
        "model_a": list(judgments.model),
        "model_b": list(judgments.baseline),
    }
    if said:
        for side, models in (("a", judgments.model), ("b", judgments.baseline)):
            keys = list(zip(models, judgments.uid, strict=True))
            missing = [key for key in keys if key not in said]
            if missing:
                model, uid = missing[0]
                raise BadInputError(
                    f"{len(missing):,} judged answers are not among the answers, the first by '{model}' to {uid}",
                    expected="the answers of the model and of the baseline",
                )
            columns[f"response_{side}"] = [said[key] for key in keys]
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


def _verdict(score: Any, at: Mapping[str, Any]) -> int:
    found = VERDICTS.get("".join(str(score).upper().split()))
    if found is None:
        raise BadInputError("is no verdict", column="games.score", value=score, expected=", ".join(VERDICTS), **at)
    return found


def _files(paths: Sequence[str | os.PathLike[str]]) -> list[str]:
    files: list[Path] = []
    for path in map(Path, paths):
        found = sorted(path.rglob("*.jsonl")) if path.is_dir() else [path]
        if not found:
            raise BadInputError("holds no .jsonl files", source=str(path), expected="Arena-Hard's model_judgment/JUDGE")
        files += found
    return [str(file) for file in files]
