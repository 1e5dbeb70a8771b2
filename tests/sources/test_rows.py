"""Single bad values: the messages about them, and what becomes of their rows."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from votewise.errors import BadInputError
from votewise.sources import read_votes

GOOD = {"prompt": "p", "response_a": "x", "response_b": "y", "annotator": "u", "label": "a"}


def rows(**change: Any) -> list[dict[str, Any]]:
    """Three votes, the second with the change, the others with usual values in the same column."""
    usual = {"log_odds": 1.0, "weight": 1.0, "time": "2024-01-01", "pair": "pair 1", "gold": "a"}
    also = {name: usual[name] for name in change if name in usual}
    return [GOOD | also, GOOD | also | {"annotator": "v"} | change, GOOD | also | {"annotator": "w"}]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": "c"}, "column 'label': unknown label, got 'c' .expected a, b or tie"),
        ({"label": None}, "column 'label': is null"),
        ({"label": 1}, "column 'label': has a different type than the others, got 1"),
        ({"annotator": 7}, "column 'annotator': has a different type"),
        ({"annotator": ["v"]}, "column 'annotator': has a different type"),
        ({"prompt": None}, "column 'prompt': is null"),
        ({"response_a": None}, "column 'response_a': is null"),
        ({"response_b": {"text": "y"}}, "column 'response_b': has a different type"),
        ({"response_b": "\ud800"}, "column 'response_b': has a different type"),
        ({"log_odds": math.nan}, "column 'log_odds': is not finite"),
        ({"log_odds": -math.inf}, "column 'log_odds': is not finite"),
        ({"log_odds": "1.0"}, "column 'log_odds': is not a number, got '1.0'"),
        ({"log_odds": True}, "column 'log_odds': is not a number, got True"),
        ({"weight": -1.0}, "column 'weight': is negative, got -1.0"),
        ({"time": "yesterday"}, "column 'time': cannot be read as a time, got 'yesterday'"),
        ({"time": [1]}, "column 'time': cannot be read as a time"),
        ({"gold": "c"}, "column 'gold': unknown label"),
        ({"pair": None}, "column 'pair': is null"),
    ],
)
def test_a_bad_value_is_named_or_its_row_left_out(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    data = rows(**change)
    with pytest.raises(BadInputError, match=f"list of rows, row 2, {message}"):
        read_votes(data)
    path = tmp_path / "rejected.jsonl"
    votes = read_votes(data, on_error="skip", rejects=path)
    assert votes.annotator_ids.to_pylist() == ["u", "w"]
    reading = votes.reading
    assert (reading.read, reading.votes, reading.kept, reading.rejected) == (3, 3, 2, 1)
    assert reading.rejects == path
    (entry,) = [json.loads(line, parse_constant=pytest.fail) for line in path.read_text("utf-8").splitlines()]
    assert set(entry) == {"source", "row", "column", "value", "reason", "record"}
    assert (entry["source"], entry["row"], entry["column"]) == ("list of rows", 2, next(iter(change)))
    assert entry["record"].keys() == data[1].keys()


@pytest.mark.parametrize("labels", [["0", "1"], [0, 1], [1, 2], ["1", "2"], [True, False], [0.5, 1.0]])
def test_numbers_are_not_labels(labels: list[Any]) -> None:
    with pytest.raises(BadInputError, match=r"row 1, column 'label'.*expected a"):
        read_votes([GOOD | {"label": label, "annotator": str(i)} for i, label in enumerate(labels)])


@pytest.mark.parametrize(
    ("labels", "sign"),
    [(["a", " A", "Response A", "response_a", "MODEL_A"], 1), (["b", "B ", "model_b"], -1), (["tie", "Draw"], 0)],
)
def test_labels_come_in_several_spellings(labels: list[str], sign: int) -> None:
    votes = read_votes([GOOD | {"label": label, "annotator": str(i)} for i, label in enumerate(labels)])
    assert votes.sign.tolist() == [sign] * len(labels)


MOMENT = 1704067200.0


@pytest.mark.parametrize(
    "times",
    [
        ["2024-01-01", "2024-01-01T00:00:00"],
        ["2024-01-01T00:00:00Z", "2024-01-01 01:00:00+01:00"],
        ["2024-01-01 00:00:00 UTC", "1704067200"],
        [1704067200, 1704067200],
        [1704067200.0, 1704067200.0],
        [1704067200000, 1704067200000000],
        [MOMENT, "2024-01-01"],
        [datetime(2024, 1, 1), datetime(2024, 1, 1)],
        [datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)],
        [date(2024, 1, 1), date(2024, 1, 1)],
    ],
    ids=str,
)
def test_times_come_in_several_forms(times: list[Any]) -> None:
    votes = read_votes([GOOD | {"time": t, "annotator": str(i)} for i, t in enumerate([*times, None])])
    np.testing.assert_array_equal(votes.time, [MOMENT, MOMENT, np.nan])


def test_texts_are_numbers_where_all_of_them_are_texts(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    path.write_text("pair,annotator,label,log_odds\np1,u1,a,1.5\np1,u2,b,\np2,u1,a,-2e-1\n", "utf-8")
    assert read_votes(path).margin.tolist() == [1.5, -0.2]
    path.write_text("pair,annotator,label,log_odds\np1,u1,a,nan\n", "utf-8")
    with pytest.raises(BadInputError, match="row 1, column 'log_odds': is not finite, got 'nan'"):
        read_votes(path)
    path.write_text("pair,annotator,label,log_odds\np1,u1,a,1\np1,u2,a,1 point\n", "utf-8")
    with pytest.raises(BadInputError, match="row 2, column 'log_odds': is not a number, got '1 point'"):
        read_votes(path)


@pytest.mark.parametrize("missing", [None, "", "  "])
def test_a_missing_name_is_not_a_person(missing: Any) -> None:
    votes = read_votes([GOOD, GOOD | {"annotator": missing}, GOOD | {"annotator": missing}, GOOD])
    assert (len(votes), votes.reading.repeated, votes.reading.unknown_people) == (3, 1, 2)
    assert votes.annotator_ids.to_pylist() == ["u", "(unknown)"]


def test_one_annotator_says_that_missing_names_are_one_person() -> None:
    unnamed = [{name: value for name, value in GOOD.items() if name != "annotator"} | {"annotator": None}] * 2
    votes = read_votes(unnamed, one_annotator="model x")
    assert (len(votes), votes.reading.repeated, votes.reading.unknown_people) == (1, 1, 0)
    assert votes.annotator_ids.to_pylist() == ["model x"]
    with pytest.raises(BadInputError, match="one_annotator: every vote names its annotator, got 'x'"):
        read_votes([GOOD], one_annotator="x")


def test_columns_of_the_wrong_type_throughout() -> None:
    table = pa.table({"pair": ["p"], "annotator": ["u"], "label": ["a"], "log_odds": [[1.0]], "time": [{"s": 1}]})
    with pytest.raises(BadInputError, match="column 'log_odds': is not a number"):
        read_votes(table)
    with pytest.raises(BadInputError, match="column 'time': is not a time"):
        read_votes(table.drop_columns(["log_odds"]))
    with pytest.raises(BadInputError, match="column 'response_a': has the wrong type, got 1"):
        read_votes([GOOD | {"response_a": 1}])


def test_columns_that_are_not_there_or_taken_twice() -> None:
    with pytest.raises(BadInputError, match=r"no column 'who' to take as 'annotator' .expected one of: prompt, resp"):
        read_votes([GOOD], columns={"annotator": "who"})
    with pytest.raises(BadInputError, match="gives one column two names"):
        read_votes([GOOD], columns={"annotator": "label", "label": "label"})


def test_formats_that_are_unknown_lack_columns_or_are_not_unique() -> None:
    with pytest.raises(BadInputError, match=r"format: there is no such format, got 'plian' .expected auto, plain"):
        read_votes([GOOD], format="plian")
    with pytest.raises(BadInputError, match="not of format arena: it lacks model_a"):
        read_votes([GOOD], format="arena")
    nearest = r"found the columns worker, label, response_a, reply .*nearest is plain, which lacks annotator"
    with pytest.raises(BadInputError, match=nearest):
        read_votes([{"worker": "u", "label": "a", "response_a": "x", "reply": "y"}])
    paste = r"example: votewise read FILE --columns prompt=ask --columns response_a=first --columns response_b=NAME "
    with pytest.raises(BadInputError, match=paste + "--columns label=NAME --columns 'annotator=rater name'"):
        read_votes([{"rater name": "u", "question": "q", "ask": "x", "first": "y"}], columns={"prompt": "ask"})
    wide = {"rater": "u", "better": "one", "reply 1": "x", "reply 2": "y"} | {f"c{i}" * 50: "z" for i in range(500)}
    with pytest.raises(BadInputError, match=r"\.\.\. and \d+ more .*votewise read") as unknown:
        read_votes([wide], columns={"reply 1": "", "c0" * 50: ""})
    assert len(str(unknown.value)) < 8 * 120
    both = GOOD | {"chosen": "x", "rejected": "y"}
    with pytest.raises(BadInputError, match="fits several formats: plain, trl"):
        read_votes([both])
    assert read_votes([both], format="trl").reading.format == "trl"


def test_nothing_left_still_writes_what_was_rejected(tmp_path: Path) -> None:
    path = tmp_path / "rejected.jsonl"
    with pytest.raises(BadInputError, match="no votes left of 1 row, 1 rejected"):
        read_votes([GOOD | {"label": "c"}], on_error="skip", rejects=path)
    assert len(path.read_text("utf-8").splitlines()) == 1


def test_rejects_replaces_the_file_of_an_earlier_run(tmp_path: Path) -> None:
    path = tmp_path / "rejected.jsonl"
    path.write_text("old\n", "utf-8")
    votes = read_votes([GOOD], on_error="skip", rejects=path)
    assert votes.reading.rejected == 0
    assert path.read_text("utf-8") == ""
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(BadInputError, match=r"rejected.jsonl: cannot be written"):
        read_votes([GOOD], on_error="skip", rejects=path / "rejected.jsonl")


def test_an_unknown_choice_for_errors() -> None:
    with pytest.raises(BadInputError, match="on_error: there is no such choice, got 'ignore'"):
        read_votes([GOOD], on_error="ignore")  # type: ignore[arg-type]


def test_mixed_values_that_are_not_read_do_no_harm() -> None:
    data = [GOOD | {"meta": 1}, GOOD | {"annotator": "v", "meta": {"x": [1, "y"]}}]
    assert read_votes(data).table.column("meta").to_pylist() == ["1", '{"x": [1, "y"]}']
