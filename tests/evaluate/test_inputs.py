"""Files of answers and comparisons -> contests; one clear line for every mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from contest_files import answers, comparison, write

from votewise.data.contests import Contests, Verdicts
from votewise.errors import BadInputError
from votewise.evaluate.difficulty import with_difficulty
from votewise.evaluate.inputs import read_several, read_two
from votewise.evaluate.judges import ColumnJudge
from votewise.sources.reader import SourceReader


def judged(path: str, **options: Any) -> tuple[Contests, Verdicts]:
    contests, verdicts = read_two(path, **options)
    assert verdicts is not None
    return contests, verdicts


def test_two_files_are_matched_by_the_prompts_that_both_answered(tmp_path: Path) -> None:
    a = write(tmp_path / "a.jsonl", answers("new", 6, domain="sums"))
    b = write(tmp_path / "b.jsonl", answers("old", 6, first=2)[::-1])
    contests, verdicts = read_two(a, b, column=None)
    assert verdicts is None
    assert (contests.model_a, contests.model_b, len(contests), contests.n_prompts) == ("new", "old", 4, 4)
    assert contests.prompts == [f"prompt {i}" for i in range(2, 6)]
    assert contests.answers_b is not None
    assert contests.answers_b[0].startswith("old says 2")
    assert contests.domain == ["sums"] * 4
    assert contests.left_out == {"answered by new only": 2, "answered by old only": 2}
    assert contests.length_difference is not None
    assert contests.length_difference.tolist() == [0.0] * 4


def test_alpacaevals_outputs_are_answers(tmp_path: Path) -> None:
    rows = [{"dataset": "koala", "instruction": f"i{n}", "output": "x" * n, "generator": "g"} for n in range(1, 4)]
    a = write(tmp_path / "model_outputs.json", rows)
    b = write(tmp_path / "b.json", [row | {"generator": "h", "output": "yy"} for row in rows])
    contests, _ = read_two(a, b, column=None)
    assert (contests.model_a, contests.model_b) == ("g", "h")
    assert contests.domain == ["koala"] * 3
    assert contests.length_a is not None
    assert contests.length_a.tolist() == [1, 2, 3]


def test_a_conversation_of_one_message_equals_its_text(tmp_path: Path) -> None:
    talk = [
        {
            "prompt": [{"role": "user", "content": "hi"}],
            "answer": [{"role": "assistant", "content": "ho"}],
            "model": "m",
        }
    ]
    a = write(tmp_path / "a.jsonl", talk)
    b = write(tmp_path / "b.jsonl", [{"prompt": "hi", "answer": "hey", "model": "k"}])
    contests, _ = read_two(a, b, column=None)
    assert len(contests) == 1
    assert contests.length_a is not None
    assert contests.length_a.tolist() == [2]


def test_a_file_without_models_gives_its_name_to_the_model(tmp_path: Path) -> None:
    rows = [{"prompt": "p", "answer": "x"}]
    contests, _ = read_two(write(tmp_path / "one.jsonl", rows), write(tmp_path / "two.jsonl", rows), column=None)
    assert (contests.model_a, contests.model_b) == ("one", "two")


def test_prompts_that_failed_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = answers("new", 4)
    rows[1] |= {"answer": None, "error": "status 500"}
    contests, _ = read_two(
        write(tmp_path / "a.jsonl", rows), write(tmp_path / "b.jsonl", answers("old", 4)), column=None
    )
    assert len(contests) == 3
    assert contests.left_out == {"answered by old only": 1, "new failed to answer": 1}


def test_one_file_with_two_models(tmp_path: Path) -> None:
    path = write(tmp_path / "both.jsonl", answers("new", 3) + answers("old", 3))
    contests, _ = read_two(path, column=None)
    assert (contests.model_a, contests.model_b, len(contests)) == ("new", "old", 3)
    contests, _ = read_two(path, model="old", baseline="new", column=None)
    assert (contests.model_a, contests.model_b) == ("old", "new")


BAD_ANSWERS: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]] | None, str]] = {
    "no common prompt": (answers("new", 3), answers("old", 3, first=3), r"has no prompt in common with .*a.jsonl"),
    "a prompt twice": (
        answers("new", 3) + answers("new", 1),
        answers("old", 3),
        r"a.jsonl, row 4, column 'prompt': model 'new' already answered this prompt in row 1",
    ),
    "one model in both": (answers("new", 3), answers("new", 3), "both files have answers of model 'new'"),
    "one model only": (answers("new", 3), None, "holds answers of one model only, 'new'"),
    "three models in one file": (
        answers("a", 2) + answers("b", 2) + answers("c", 2),
        None,
        "model: is needed: .* holds answers of 3 models .expected one of: a, b, c",
    ),
    "an empty answer": (
        [*answers("new", 2), {"prompt": "prompt 2", "answer": " \n", "model": "new"}],
        answers("old", 3),
        "a.jsonl, row 3, column 'answer': the answer is empty",
    ),
    "no answer": (
        [{"prompt": "p", "answer": None, "model": "new"}, *answers("new", 2)],
        answers("old", 3),
        "row 1, column 'answer': there is no answer",
    ),
    "no columns": ([{"x": 1}], answers("old", 3), "holds neither answers nor comparisons; found the columns x"),
    "every prompt failed": (
        [{"prompt": "p", "answer": None, "model": "new", "error": "no"}],
        answers("old", 3),
        "there is no usable answer",
    ),
}


@pytest.mark.parametrize("case", BAD_ANSWERS)
def test_answers_that_cannot_be_used(case: str, tmp_path: Path) -> None:
    first, second, message = BAD_ANSWERS[case]
    files = [write(tmp_path / "a.jsonl", first)] + ([write(tmp_path / "b.jsonl", second)] if second else [])
    with pytest.raises(BadInputError, match=message) as error:
        read_two(*files, column=None)
    assert "\n" not in str(error.value)


def test_skipping_leaves_unusable_rows_out_and_counts_them(tmp_path: Path) -> None:
    rows = [*answers("new", 3), {"prompt": "prompt 3", "answer": "", "model": "new"}, answers("new", 1)[0]]
    contests, _ = read_two(
        write(tmp_path / "a.jsonl", rows),
        write(tmp_path / "b.jsonl", answers("old", 4)),
        column=None,
        reader=SourceReader(on_error="skip"),
    )
    assert len(contests) == 3
    assert contests.left_out["unusable rows"] == 2


def test_there_must_be_a_judge(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", answers("new", 3))
    with pytest.raises(BadInputError, match="holds answers without verdicts, and no judge is given"):
        read_two(path, path)
    path = write(tmp_path / "c.jsonl", [comparison(0)])
    with pytest.raises(BadInputError, match="has no column preference, winner or label, and no judge is given"):
        read_two(path)


LABELS = {
    "labels": (["a", "b", "tie", "A"], [1.0, 0.0, 0.5, 1.0]),
    "notations": (["[[A]]", "B>>A", "[[A=B]]", "Assistant A"], [1.0, 0.0, 0.5, 1.0]),
    "notations of arenas": (["leftvote", "rightvote", "bothbad_vote", "A>B"], [1.0, 0.0, 0.5, 1.0]),
    "models": (["new", "old", "tie", "new"], [1.0, 0.0, 0.5, 1.0]),
    "probabilities": ([0.9, 0.2, 0.5, 1.0], [0.9, 0.2, 0.5, 1.0]),
    "whole numbers": ([1, 0, 0, 1], [1.0, 0.0, 0.0, 1.0]),
    "one to two": ([1.0, 2.0, 1.5, 1.2], [1.0, 0.0, 0.5, 0.8]),
}


@pytest.mark.parametrize("case", LABELS)
def test_what_a_column_may_say(case: str, tmp_path: Path) -> None:
    values, expected = LABELS[case]
    rows = [comparison(i, winner=value) for i, value in enumerate(values)]
    _, verdicts = judged(write(tmp_path / "c.jsonl", rows), column=ColumnJudge("winner"))
    assert verdicts.preference == pytest.approx(expected)


def test_models_that_change_sides_are_swapped(tmp_path: Path) -> None:
    rows = [comparison(0, winner="a"), comparison(1, "old", "new", winner="a"), comparison(2, winner="tie")]
    contests, verdicts = judged(write(tmp_path / "c.jsonl", rows))
    assert contests.model_a == "new"
    assert verdicts.preference.tolist() == [1.0, 0.0, 0.5]
    assert contests.answers_a == ["new says 0", "new says 1 at length", "new says 2"]
    contests, verdicts = judged(str(tmp_path / "c.jsonl"), model="old")
    assert verdicts.preference.tolist() == [0.0, 1.0, 0.5]
    assert contests.answers_a is not None
    assert contests.answers_a[0] == "old says 0 at length"


def test_alpacaevals_annotations_are_about_the_second_model(tmp_path: Path) -> None:
    rows = [
        {
            "instruction": f"i{n}",
            "generator_1": "base",
            "output_1": "long answer",
            "generator_2": "new",
            "output_2": "short",
            "preference": preference,
        }
        for n, preference in enumerate([1.0, 2.0, 1.5, 1.9])
    ]
    contests, verdicts = judged(write(tmp_path / "annotations.json", rows))
    assert (contests.model_a, contests.model_b) == ("new", "base")
    assert verdicts.preference == pytest.approx([0.0, 1.0, 0.5, 0.9])
    assert contests.length_difference is not None
    assert contests.length_difference.tolist() == [-6.0] * 4


def test_a_model_in_every_row_is_the_baseline(tmp_path: Path) -> None:
    rows = [comparison(0, "x", "base", winner="a"), comparison(1, "y", "base", winner="a")]
    path = write(tmp_path / "c.jsonl", rows)
    contests, _ = judged(path, model="y")
    assert (contests.model_a, contests.model_b, len(contests)) == ("y", "base", 1)
    assert contests.left_out == {"between other models": 1}
    with pytest.raises(
        BadInputError, match=r"model: is needed: .* compares 'base' with 2 models .expected one of: x, y"
    ):
        read_two(path)


NAN = float("nan")
P = ColumnJudge("p")
BAD_COMPARISONS: dict[str, tuple[list[dict[str, Any]], dict[str, Any], str]] = {
    "an unknown column": (
        [comparison(0, w=1)],
        {"column": ColumnJudge("win")},
        "there is no column 'win' .expected one of: prompt,",
    ),
    "NaN": (
        [comparison(0, p=0.5), comparison(1, p=NAN)],
        {"column": P},
        "row 2, column 'p': there is no verdict, got nan",
    ),
    "null": (
        [comparison(0, p=0.5), comparison(1, p=None)],
        {"column": P},
        "row 2, column 'p': there is no verdict",
    ),
    "too large": (
        [comparison(0, p=0.5), comparison(1, p=1.5)],
        {"column": P},
        "row 2, column 'p': is outside 0 to 1",
    ),
    "far too large": (
        [comparison(0, p=1.5), comparison(1, p=3)],
        {"column": P},
        "row 2, .*: is outside 1 to 2",
    ),
    "a strange label": (
        [comparison(0, p="a"), comparison(1, p="maybe")],
        {"column": P},
        "row 2, column 'p': is not a verdict, got 'maybe' .expected a, b, tie, a model's name",
    ),
    "no label": (
        [comparison(0, p="a"), comparison(1, p=None)],
        {"column": P},
        "row 2, column 'p': there is no verdict",
    ),
    "one model": (
        [comparison(0, "m", "m", p=1)],
        {"column": P},
        "row 1, column 'model_a': is compared with itself",
    ),
    "many models": (
        [comparison(0, "a", "b", p=1), comparison(0, "c", "d", p=0)],
        {"column": P},
        "model: is needed: .* compares 4 models .expected one of: a, b, c, d",
    ),
    "an unknown model": (
        [comparison(0, p=1)],
        {"column": P, "model": "z"},
        "there is no model 'z' .expected one of: new",
    ),
    "strangers": (
        [comparison(0, "a", "b", p=1), comparison(0, "c", "d", p=0)],
        {"column": P, "model": "a", "baseline": "c"},
        "'a' and 'c' never meet",
    ),
    "a missing answer": (
        [comparison(0, p=1, response_b=None), comparison(1, p=1)],
        {"column": P},
        "row 1, column 'response_b': there is no response_b",
    ),
    "a model against its baseline, all ones": (
        [{"prompt": "x", "model": "m", "baseline": "k", "preference": 1.0}],
        {},
        "column 'preference': every value is 1: is the scale 0 to 1 or 1 to 2",
    ),
}


@pytest.mark.parametrize("case", BAD_COMPARISONS)
def test_comparisons_that_cannot_be_used(case: str, tmp_path: Path) -> None:
    rows, options, message = BAD_COMPARISONS[case]
    path = tmp_path / "c.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    with pytest.raises(BadInputError, match=message) as error:
        read_two(str(path), **options)
    assert "\n" not in str(error.value)


def test_skipping_comparisons_without_a_verdict(tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    rows = [comparison(0, p=1.0), comparison(1, p=NAN), comparison(2, p=7.0), comparison(3, p=0.0)]
    pq.write_table(pa.Table.from_pylist(rows), path)
    contests, verdicts = judged(str(path), column=P, reader=SourceReader(on_error="skip"))
    assert verdicts.preference.tolist() == [1.0, 0.0]
    assert contests.left_out == {"unusable rows": 2}


def test_repeated_prompts_share_a_code(tmp_path: Path) -> None:
    rows = [comparison(i % 2, winner="a", domain="d") for i in range(5)]
    contests, _ = judged(write(tmp_path / "c.jsonl", rows))
    assert contests.prompt.tolist() == [0, 1, 0, 1, 0]
    assert contests.n_prompts == 2


def test_difficulty_is_found_by_text_or_by_number(tmp_path: Path) -> None:
    rows = [comparison(i, winner="a", prompt_index=i + 10) for i in (2, 0, 1)]
    contests, _ = judged(write(tmp_path / "c.jsonl", rows))
    by_number = write(tmp_path / "d.jsonl", [{"prompt_index": i + 10, "difficulty": i / 2} for i in range(3)])
    by_text = write(tmp_path / "e.jsonl", [{"prompt": f"prompt {i}", "difficulty": i / 2} for i in range(3)])
    for path in (by_number, by_text):
        found = with_difficulty(contests, path).difficulty
        assert found is not None
        assert found.tolist() == [1.0, 0.0, 0.5]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"prompt": "prompt 0", "difficulty": 1}], "lacks the difficulty of 2 of 3 contests, the first with prompt"),
        ([{"prompt": "prompt 0", "hard": 1}], "has no column 'difficulty'"),
        ([{"id": "prompt 0", "difficulty": 1}], "does not say which prompts it is about"),
        ([{"prompt": "prompt 0", "difficulty": d} for d in (1, 2)], "row 2, column 'prompt': has two difficulties"),
        ([{"prompt": "prompt 0", "difficulty": None}], "row 1, column 'difficulty': is not a number"),
    ],
)
def test_difficulties_that_cannot_be_used(rows: list[dict[str, Any]], message: str, tmp_path: Path) -> None:
    contests, _ = judged(write(tmp_path / "c.jsonl", [comparison(i, winner="a") for i in range(3)]))
    with pytest.raises(BadInputError, match=message):
        with_difficulty(contests, write(tmp_path / "d.jsonl", rows))


def test_every_pair_of_several_models(tmp_path: Path) -> None:
    files = [write(tmp_path / f"{m}.jsonl", answers(m, 4, first=i)) for i, m in enumerate("xyz")]
    found = read_several(files, column=None)
    assert [(c.model_a, c.model_b, len(c)) for c, _ in found] == [("x", "y", 3), ("x", "z", 2), ("y", "z", 3)]
    rows = [comparison(0, "x", "y", winner="a"), comparison(1, "z", "y", winner="b")]
    found = read_several([write(tmp_path / "c.jsonl", rows)])
    assert [(c.model_a, c.model_b) for c, _ in found] == [("x", "y"), ("y", "z")]
    assert [v.preference.tolist() for _, v in found if v is not None] == [[1.0], [1.0]]


def test_a_matrix_needs_several_models_and_each_only_once(tmp_path: Path) -> None:
    one = write(tmp_path / "a.jsonl", answers("new", 3))
    with pytest.raises(BadInputError, match="there are answers of 1 model"):
        read_several([one], column=None)
    with pytest.raises(BadInputError, match=r"model 'new' is also in .*a.jsonl"):
        read_several([one, write(tmp_path / "b.jsonl", answers("new", 3))], column=None)
    with pytest.raises(BadInputError, match="no judge is given"):
        read_several([one, one])


def test_preferences_keep_their_order_of_rows(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random(50)
    rows = [comparison(i, *(("new", "old") if i % 3 else ("old", "new")), p=float(v)) for i, v in enumerate(values)]
    _, verdicts = judged(write(tmp_path / "c.jsonl", rows), column=P, model="new")
    expected = [v if i % 3 else 1 - v for i, v in enumerate(values)]
    assert verdicts.preference == pytest.approx(expected)


def test_verdicts_may_be_about_an_empty_answer_as_votes_may(tmp_path: Path) -> None:
    rows = [comparison(i, winner="ab"[i % 2]) | ({"response_b": ""} if i == 1 else {}) for i in range(4)]
    contests, verdicts = judged(write(tmp_path / "c.jsonl", rows), column=ColumnJudge("winner"))
    assert verdicts.preference.tolist() == [1.0, 0.0, 1.0, 0.0]
    assert contests.length_b.tolist()[1] == 0
    with pytest.raises(BadInputError, match="the response_b is empty"):
        read_two(str(tmp_path / "c.jsonl"), column=None)
