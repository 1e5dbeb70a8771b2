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


def test_a_journal_of_nothing_but_zeros_is_set_aside_with_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = begun(tmp_path / "out")
    path.write_bytes(bytes(path.stat().st_size))
    with Journal(tmp_path / "out", SETTINGS) as journal:
        assert journal.done == {}
        assert journal.damaged is not None
    assert "line 1 cannot be read" in caplog.text


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
        assert json.loads(journal.path.read_text())["settings"] == SETTINGS


@pytest.mark.parametrize(
    ("lines", "row", "kept"),
    [
        (['{"settings": {}}', "broken", '["k", {}]'], 2, ["k"]),
        (['{"prompt": "mine"}', '["k", {}]'], 1, []),
        (['["k", {}]', '["k", {}]'], 1, []),
        (['{"settings": {}}', '["k"]', '["k", {}]'], 2, ["k"]),
        (['{"settings": {}}', '["k", {}]', '["l", {}]', '["m", {}, "00000000"]'], 4, ["k", "l"]),
        (['{"settings": {}, "check": "00000000"}', '["k", {}]'], 1, []),
        (['{"settings": {}}', "[" * 100_000], 2, []),
        (["Dear diary"], 1, []),
    ],
)
def test_lines_of_another_program_are_set_aside_and_the_work_resumes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, lines: list[str], row: int, kept: list[str]
) -> None:
    path = tmp_path / "out.journal"
    path.write_text("\n".join(lines) + "\n")
    with Journal(tmp_path / "out", {}) as journal:
        assert list(journal.done) == kept
        assert journal.damaged == tmp_path / "out.journal.damaged"
        journal.append("new", {})
    (said,) = caplog.messages
    assert said.startswith(f"{path}: line {row} cannot be read")
    assert "out.journal.damaged" in said
    assert journal.damaged.read_text() == "\n".join(lines[row - 1 :]) + "\n"
    with Journal(tmp_path / "out", {}) as journal:
        assert list(journal.done) == [*kept, "new"]
        assert journal.damaged is None
    assert len(caplog.messages) == 1


def test_any_damaged_byte_costs_at_most_its_lines(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = begun(tmp_path / "out").read_bytes()
    records = {f"k{i}": {"answer": f"a\n{i} é \ud800"} for i in range(3)}
    for position in range(len(whole)):
        for bit in (1, 4, 128):
            (tmp_path / "out.journal").write_bytes(
                whole[:position] + bytes([whole[position] ^ bit]) + whole[position + 1 :]
            )
            with Journal(tmp_path / "out", SETTINGS) as journal:
                assert journal.done.items() <= records.items()
                assert len(journal.done) >= 1 or position <= whole.index(b"\n")
                journal.append("new", {})
            with Journal(tmp_path / "out", SETTINGS) as journal:
                assert "new" in journal.done
                journal.finish()
            for path in tmp_path.glob("*.damaged*"):
                path.unlink()
    assert caplog.messages


def test_garbage_is_set_aside_each_time_under_a_name_of_its_own(tmp_path: Path) -> None:
    for garbage in (bytes(range(256)), b"\xff" * 100, b"no newline at all"):
        (tmp_path / "out.journal").write_bytes(garbage)
        with Journal(tmp_path / "out", SETTINGS) as journal:
            assert journal.done == {}
            assert journal.damaged is not None
            assert journal.damaged.read_bytes() == garbage
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"out.journal.damaged{number}" for number in ("", "-2", "-3")
    ]


def test_a_damaged_journal_is_said_in_one_line_on_stderr(tmp_path: Path) -> None:
    (tmp_path / "out.journal").write_text("broken\n")
    code = (
        "import sys; from pathlib import Path; from votewise.storage.journal import Journal\n"
        "with Journal(Path(sys.argv[1]), {}): pass"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "out")], capture_output=True, text=True, check=True, timeout=60
    )
    (line,) = run.stderr.splitlines()
    assert "out.journal: line 1 cannot be read" in line


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
