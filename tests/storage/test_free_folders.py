"""A folder with something else in it is not written to."""

from __future__ import annotations

from pathlib import Path

import pytest

from votewise.errors import BadInputError
from votewise.evaluate.evaluation_files import check_folder
from votewise.storage.files import write_json
from votewise.storage.free_folders import check_folder_is_free
from votewise.workflows.train import BESIDE, MARKS


def check(folder: Path) -> None:
    check_folder_is_free(folder, names=["table", "summary.json"], summary_keys=["rule"], command="filter")


def result(folder: Path, **summary: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "summary.json", {"versions": {"votewise": "0"}, **summary})
    return folder


def test_a_folder_is_free_if_it_is_new_or_empty_or_has_an_earlier_result(tmp_path: Path) -> None:
    check(tmp_path / "new")
    check(tmp_path)
    (tmp_path / ".hidden").write_text("")
    (tmp_path / "table").write_text("left of a result by a kill")
    check(tmp_path)
    result(tmp_path / "an-earlier-one-of-another-log", rule="r")
    check(tmp_path)
    (result(tmp_path, rule="r") / "notes.txt").write_text("beside the result")
    check(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"rule": 1}', '{"versions": {"votewise": "0"}}', "[" * 100_000, "\xff"]
)
def test_a_folder_with_another_summary_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "summary.json").write_text(text, encoding="latin-1")
    with pytest.raises(BadInputError, match=r"holds something else: 'summary.json' \(expected .* `votewise filter`"):
        check(tmp_path)


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    for name in ("thesis.tex", "table", "photos.zip"):
        (tmp_path / name).write_text("mine")
    result(tmp_path / "of-another-command", prior="p")
    with pytest.raises(BadInputError, match=f"{tmp_path}: holds something else: 'of-another-command' and 2 more"):
        check(tmp_path)
    check_folder_is_free(None, names=[], summary_keys=[], command="filter")


def check_training(folder: Path) -> None:
    check_folder_is_free(folder, marks=MARKS, names=BESIDE, command="train", summary_keys=["training"])


def test_a_folder_with_an_audit_or_data_is_not_trained_into(tmp_path: Path) -> None:
    check_training(tmp_path / "new")
    for name in ("train.log", "recipe.yaml", "rejected.jsonl"):
        (tmp_path / name).write_text("")
    check_training(tmp_path)
    (tmp_path / "votes.parquet").write_text("somebody's")
    with pytest.raises(BadInputError, match=r"something else: 'votes.parquet' \(expected .* `votewise train`"):
        check_training(tmp_path)
    result(tmp_path, prior="p")
    with pytest.raises(BadInputError, match=r"something else: 'summary.json' and 1 more"):
        check_training(tmp_path)
    (tmp_path / "checkpoint-10").mkdir()
    check_training(tmp_path)


def test_a_run_that_was_stopped_before_its_first_checkpoint_can_be_repeated_and_is_no_audit(tmp_path: Path) -> None:
    (result(tmp_path, prior="p", training={"steps": 3}) / "votes.parquet").write_text("")
    check_training(tmp_path)
    with pytest.raises(BadInputError, match=r"something else: 'summary\.json'"):
        check_folder_is_free(tmp_path, names=["votes.parquet"], summary_keys=["prior"], command="audit")


def test_evaluations_share_a_folder_with_nothing_else(tmp_path: Path) -> None:
    for name in ("new-against-old.parquet.journal", "new-against-old.html", "matrix.csv", "matrix-rejected.jsonl"):
        (tmp_path / name).write_text("")
    check_folder(tmp_path)
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(BadInputError, match=r"something else: 'thesis.tex' \(expected .* `votewise evaluate`"):
        check_folder(tmp_path)
    (tmp_path / "evaluation.json").write_text("{}")
    check_folder(tmp_path)
