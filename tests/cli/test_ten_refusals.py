"""The ten refusals of docs/reading_data.md: each is met as it is printed there, and its option is accepted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import votewise
from votewise.errors import BadInputError

DOCS = Path(__file__).parents[2] / "docs" / "reading_data.md"
ASKED = {"prompt": "Is 91 prime?", "response_a": "Yes.", "response_b": "No."}
VOTE = {**ASKED, "annotator": "w1", "label": "a"}
OTHER = {**VOTE, "annotator": "w2"}
CLICK = {"user": "u", "model_a": "b", "model_b": "a", "response_a": "x", "response_b": "y", "prompt": "p"}
TASK = {
    "id": 1, "data": {"prompt": "p", "text1": "x", "text2": "y"},
    "annotations": [
        {
            "completed_by": 1,
            "result": [
                {"type": "choices", "from_name": name, "value": {"choices": ["left"]}} for name in ("helpful", "safe")
            ],
        }
    ],
}  # fmt: skip
REPLIES = [
    {"task": f"t{i}", "first_reply": f"x{i}", "second_reply": f"y{i}", "better_reply": better}
    for i, better in enumerate(("first", "second"))
]


def lines(*rows: dict[str, Any]) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        (folder / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
        return str(folder / "in.jsonl")

    return write


def splits(folder: Path) -> str:
    for name in ("train_prefs", "test_prefs"):
        pq.write_table(pa.Table.from_pylist([VOTE]), folder / f"{name}-00000-of-00001.parquet")
    return str(folder)


def unbalanced(folder: Path) -> str:
    (folder / "in.csv").write_text('annotator,pair,label,comment\nw1,p1,a,"it was 5" wide\nw2,p1,b,fine\n')
    return str(folder / "in.csv")


REFUSALS: dict[int, tuple[Callable[[Path], str], tuple[dict[str, Any], ...]]] = {
    1: (lines(VOTE | {"label": "Left is better"}), ({"label": {"Left is better": "a"}},)),
    2: (
        lines(VOTE | {"picture": "A red barn in the snow."}, OTHER | {"picture": "A blue boat on a lake."}),
        ({"columns": {"background": "picture"}}, {"columns": {"picture": ""}}),
    ),
    3: (lines(VOTE | {"criterion": "color"}, VOTE | {"criterion": "shape", "label": "b"}), ({"criterion": "color"},)),
    4: (
        lines(
            {**ASKED, "label": "a", "worker": "w1", "rater": "r1"},
            {**ASKED, "label": "b", "worker": "w2", "rater": "r9"},
        ),
        ({"columns": {"annotator": "worker"}},),
    ),
    5: (lines(TASK), ({"criterion": "helpful"},)),
    6: (lines(CLICK | {"winner": "a"}), ({"label": {"a": "a", "b": "b"}},)),
    7: (unbalanced, ()),
    8: (splits, ({"split": "train_prefs"},)),
    9: (lines({"prompt": "p", "completion": "c", "label": True}), ()),
    10: (
        lines(*REPLIES),
        ({"columns": {"response_a": "first_reply", "response_b": "second_reply", "label": "better_reply"}},),
    ),
}


@pytest.mark.parametrize("number", REFUSALS)
def test_a_refusal_is_met_as_printed_and_its_option_is_accepted(number: int, tmp_path: Path) -> None:
    told = DOCS.read_text()[DOCS.read_text().index("## Ten refusals") :]
    found = re.search(rf"^{number}\. \*\*`(.*)`\*\*", told, re.MULTILINE)
    assert found is not None
    write, options = REFUSALS[number]
    source = write(tmp_path)
    with pytest.raises(BadInputError) as caught:
        votewise.read(source)
    printed = found[1].removesuffix(" ...").replace("rows 3 and 9", "rows 1 and 2")
    assert printed in caught.value.in_shell()
    for option in options:
        assert votewise.read(source, **option).reading.kept >= 1


def test_a_log_of_clicks_without_texts_names_the_command_that_reads_it(tmp_path: Path) -> None:
    source = lines({"user": "u", "model_a": "m", "model_b": "n", "winner": "model_a"})(tmp_path)
    with pytest.raises(BadInputError, match=r"votewise filter .*in\.jsonl --win-rate"):
        votewise.read_votes(source)
    assert votewise.read(source).reading.format == "clicks"


def test_of_several_splits_one_for_training_is_proposed(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"--split train_prefs"):
        votewise.read(splits(tmp_path))
