import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from votewise.errors import BadInputError
from votewise.storage.files import (
    folder_written_whole,
    make_folder,
    write_json_lines,
    written_whole,
)


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("old")

    def rows() -> object:
        yield {"n": 1}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_json_lines(path, rows())
    assert [file.name for file in tmp_path.iterdir()] == ["rows.jsonl"]
    assert path.read_text() == "old"


def test_lines_hold_any_text_and_times(tmp_path: Path) -> None:
    row = {"text": "a\nb\u2028 ü </script>", "time": datetime(2025, 3, 3, tzinfo=UTC)}
    path = tmp_path / "new" / "rows.jsonl"
    write_json_lines(path, [row])
    (line,) = path.read_text(encoding="utf-8").split("\n")[:-1]
    assert json.loads(line) == {"text": row["text"], "time": "2025-03-03T00:00:00+00:00"}


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match=r"file/new: cannot be made: Not a directory"):
        make_folder(tmp_path / "file" / "new")
    with pytest.raises(BadInputError, match="cannot be written"), written_whole(tmp_path / "file" / "rows"):
        pytest.fail("there is nothing to write to")


def test_a_folder_is_written_completely_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "out"

    def fail() -> None:
        with folder_written_whole(folder) as staging:
            (staging / "a.txt").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not folder.exists()
    with folder_written_whole(folder) as staging:
        (staging / "a.txt").write_text("whole")
        (staging / "old.txt").write_text("old")
    with folder_written_whole(folder, stale=["old.txt", "none.txt"]) as staging:
        (staging / "a.txt").write_text("new")
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"a.txt": "new"}
    with pytest.raises(BadInputError, match="cannot be written"):
        folder_written_whole(folder / "a.txt").__enter__()
