"""Human evaluation jobs of Amazon Bedrock and SageMaker: every way in which workers compare two models' answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from told import Row, Sample, told

from votewise.sources import read_votes

MAP = {"0": "m1", "1": "m2"}


def answer(who: str | None, **results: Any) -> Row:
    return {
        "acceptanceTime": "2024-06-07T22:31:57.066Z",
        "answerContent": {"evaluationResults": results},
        "submissionTime": "2024-06-07T22:32:19.640Z",
        "timeSpentInSeconds": 22.5,
        "workerId": who,
        "workerMetadata": {"identityData": {"sub": "s"}},
    }


def choice(best: str, metric: str = "Fluency") -> Row:
    return {"comparisonChoice": [{"metricName": metric, "result": {"modelResponseId": best}}]}


def rank(*ranks: Any) -> Row:
    result = [{"modelResponseId": str(i), "rank": value} for i, value in enumerate(ranks)]
    return {"comparisonRank": [{"metricName": "Fluency", "result": result}]}


def scale(value: int, left: str = "0", right: str = "1") -> Row:
    entry = {"leftModelResponseId": left, "metricName": "Fluency", "result": value, "rightModelResponseId": right}
    return {"comparisonLikertScale": [entry]}


def job(*answers: Row, prompt: Any = "p", key: str = "response", **more: Any) -> Row:
    return {
        "humanEvaluationResult": {
            "flowDefinitionArn": "arn:flow", "humanAnswers": list(answers), "humanLoopName": "loop",
            "inputContent": {"instructions": "Choose."}, "modelResponseIdMap": MAP,
        } | more,
        "inputRecord": {"prompt": prompt, "category": "talk", "referenceResponse": "r"},
        "modelResponses": [{"modelIdentifier": name, key: text} for name, text in (("m2", "y"), ("m1", "x"))],
    }  # fmt: skip


SCALE = {"label": {"1": "a", "2": "a", "3": "tie", "4": "b", "5": "b"}}
STYLE = {"comparisonRank": [rank(2, 1)["comparisonRank"][0] | {"metricName": "Style"}]}
JOBS = {
    "choices": Sample([job(answer("ann", **choice("0")), answer("bo", **choice("1")))], ["ann: x > y | p", "bo: y > x | p"]),
    "SageMaker's objects": Sample(
        [job(answer("ann", **choice("1")), prompt={"text": "p"}, key="text")], ["ann: y > x | p"]),
    "ranks": Sample([job(answer("ann", **rank(2, 1)), answer("bo", **rank(1, 1)))], ["ann: y > x | p", "bo: x = y | p"]),
    "a scale": Sample(
        [job(*(answer(f"w{n}", **scale(n)) for n in (1, 3, 5)), answer("w9", **scale(1, "1", "0")))],
        ["w1: x > y | p", "w3: x = y | p", "w5: y > x | p", "w9: y > x | p"], options=SCALE),
    "a scale that nobody explained": Sample([job(answer("ann", **scale(1)))], refused=("--label '1'=a", "left")),
    "several metrics": Sample(
        [job(answer("ann", **choice("0"), **STYLE))],
        refused=("Fluency, Style", "--criterion Fluency")),
    "one of several metrics": Sample(
        [job(answer("ann", **choice("0")), answer("bo", **choice("1", "How safe")))], ["bo: y > x | p"],
        options={"criterion": "How safe"}),
    "a metric that is not there": Sample(
        [job(answer("ann", **choice("0")))], refused=("Fluency",), options={"criterion": "x"}),
    "thumbs beside a choice": Sample(
        [job(answer("ann", **choice("0"), thumbsUpDown=[{"metricName": "A", "modelResponseId": "0", "result": True}]))],
        ["ann: x > y | p"]),
    "thumbs alone": Sample(
        [job(answer("ann", thumbsUpDown=[{"metricName": "A", "modelResponseId": "0", "result": True}]))],
        refused=("single verdicts",)),
    "no worker": Sample([job(answer(None, **choice("0")))], refused=("workerId",)),
    "an unknown id": Sample([job(answer("ann", **choice("2")))], refused=("comparisonChoice", "one of 0, 1")),
    "no map": Sample([job(answer("ann", **choice("0")), modelResponseIdMap=None)], refused=("modelResponseIdMap",)),
    "another map": Sample([job(answer("ann", **choice("0")), modelResponseIdMap={"0": "m9", "1": "m2"})],
                          refused=("modelResponseIdMap",)),
    "no prompt": Sample([job(answer("ann", **choice("0")), prompt=None)], refused=("inputRecord.prompt",)),
}  # fmt: skip


@pytest.mark.parametrize("name", JOBS)
def test_comparisons_of_workers(name: str, tmp_path: Path) -> None:
    JOBS[name].check(tmp_path)


def test_a_file_with_one_object_is_one_row(tmp_path: Path) -> None:
    path = tmp_path / "output.json"
    path.write_text(json.dumps(job(answer("ann", **choice("0"))), indent=1), "utf-8")
    votes = read_votes(path)
    assert told(votes) == ["ann: x > y | p"]
    assert votes.texts is not None
    assert [votes.texts.column(name).to_pylist() for name in ("model_a", "model_b")] == [["m1"], ["m2"]]
    assert votes.domain_ids == ("talk",)
    assert votes.table.column("seconds").to_pylist() == [22.5]


def test_a_comparison_without_a_result_is_skipped() -> None:
    empty = {"comparisonChoice": [{"metricName": "Fluency", "result": None}]}
    reading = read_votes([job(answer("ann", **choice("0")), answer("bo", **empty))]).reading
    assert reading is not None
    assert (reading.kept, reading.skipped) == (1, 1)
