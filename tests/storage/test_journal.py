"""Interrupted work: what is done stays done, half a line is dropped, other settings are refused."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from votewise.errors import BadInputError
from votewise.storage.journal import Journal, content_key

SETTINGS: dict[str, Any] = {"model": "m", "temperature": 0.5, "stop": [1, 2]}


def begun(out: Path, records: int = 3) -> Path:
    """The journal of a run that was interrupted after so many records."""
    with Journal(out, SETTINGS) as journal:
        for i in range(records):
            journal.append(f"k{i}", {"answer": f"a\n{i} é \ud800"})
    return journal.path


def test_what_is_done_comes_back(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "answers.jsonl"
    path = begun(out)
    assert path == out.with_name("answers.jsonl.journal")
    with Journal(out, {**SETTINGS, "stop": (1, 2)}) as journal:
        assert journal.resumed == 3
        assert journal.done == {f"k{i}": {"answer": f"a\n{i} é \ud800"} for i in range(3)}
        journal.extend([("k3", {"answer": None}), ("k4", {"answer": "x"})])
        assert journal.resumed == 3
    with Journal(out, SETTINGS) as journal:
        assert list(journal.done) == ["k0", "k1", "k2", "k3", "k4"]
        journal.finish()
    assert not path.exists()


def test_wherever_it_was_cut_off_whole_records_stay(tmp_path: Path) -> None:
    out = tmp_path / "out"
    path = begun(out)
    content = path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(content) if byte == 10]
    for cut in range(len(content) + 1):
        path.write_bytes(content[:cut])
        whole = max(sum(end <= cut for end in ends) - 1, 0)
        with Journal(out, SETTINGS) as journal:
            assert len(journal.done) == whole
            journal.append("new", {})
        with Journal(out, SETTINGS) as journal:
            assert list(journal.done) == [f"k{i}" for i in range(whole)] + ["new"]


def test_zeros_at_the_end_are_dropped(tmp_path: Path) -> None:
    path = begun(tmp_path / "out")
    path.write_bytes(path.read_bytes() + bytes(10) + b"\n")
    with Journal(tmp_path / "out", SETTINGS) as journal:
        assert len(journal.done) == 3


def test_other_settings_are_refused_with_what_differs(tmp_path: Path) -> None:
    path = begun(tmp_path / "out")
    before = path.read_bytes()
    with pytest.raises(BadInputError, match=r"temperature was 0.5 and is 0.7 \(expected .* --restart") as caught:
        Journal(tmp_path / "out", {**SETTINGS, "temperature": 0.7})
    assert "model" not in str(caught.value)
    with pytest.raises(BadInputError, match="seed was None and is 1"):
        Journal(tmp_path / "out", {**SETTINGS, "seed": 1})
    assert path.read_bytes() == before
    with Journal(tmp_path / "out", {**SETTINGS, "seed": 1}, restart=True) as journal:
        assert journal.done == {}
    with Journal(tmp_path / "out", {**SETTINGS, "seed": 1}) as journal:
        assert journal.resumed == 0


def test_a_run_that_did_nothing_leaves_nothing(tmp_path: Path) -> None:
    assert not begun(tmp_path / "out", records=0).exists()
    # Killed before its first record.
    (tmp_path / "out.journal").write_text(json.dumps({"settings": {"model": "misspelt"}}) + "\n")
    with Journal(tmp_path / "out", SETTINGS) as journal:
        assert json.loads(journal.path.read_text()) == {"settings": SETTINGS}


@pytest.mark.parametrize(
    ("lines", "row"),
    [
        (['{"settings": {}}', "broken", '["k", {}]'], 2),
        (['{"prompt": "mine"}', '["k", {}]'], 1),
        (['["k", {}]', '["k", {}]'], 1),
        (['{"settings": {}}', '["k"]', '["k", {}]'], 2),
    ],
)
def test_a_file_that_is_not_a_journal_is_left_alone(tmp_path: Path, lines: list[str], row: int) -> None:
    path = tmp_path / "out.journal"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(BadInputError, match=f"row {row}: is not the journal"):
        Journal(tmp_path / "out", {})
    assert path.read_text() == "\n".join(lines) + "\n"


def test_two_runs_of_one_output_are_kept_apart(tmp_path: Path) -> None:
    with Journal(tmp_path / "out", SETTINGS) as journal:
        journal.append("k", {})
        with pytest.raises(BadInputError, match="another run is writing here"):
            Journal(tmp_path / "out", SETTINGS, restart=True)
        journal.append("l", {})
    with Journal(tmp_path / "out", SETTINGS) as journal:
        assert list(journal.done) == ["k", "l"]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match="cannot be written"):
        Journal(tmp_path / "file" / "out", SETTINGS)


def test_a_killed_run_keeps_what_it_appended(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from votewise.storage.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]), {})\n"
        "for i in range(1000):\n"
        "    journal.append(str(i), {'n': i})\n"
        "    if i == 500: os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path / "out")], check=False)
    assert killed.returncode == -signal.SIGKILL
    with Journal(tmp_path / "out", {}) as journal:
        assert journal.done == {str(i): {"n": i} for i in range(501)}


def test_keys_tell_contents_apart() -> None:
    assert content_key("a", [1]) == content_key("a", [1])
    assert len({content_key("a", "b"), content_key("ab"), content_key(["a", "b"]), content_key("b", "a")}) == 4
    assert content_key({"x": 1, "y": 2}) == content_key({"y": 2, "x": 1})
