"""A killed run leaves no temporary folders behind after the next run; live runs keep theirs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from votewise.storage import staging
from votewise.storage.files import folder_written_whole, written_whole

BOTH = """
import sys; from pathlib import Path; from votewise.storage.files import folder_written_whole, written_whole
with folder_written_whole(Path(sys.argv[1])) as a, written_whole(Path(sys.argv[1]) / "file") as b:
    (a / "table").write_text("half"); b.write_text("half")
    print("ready", flush=True); sys.stdin.read()
"""


@contextmanager
def writing(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another run, in the middle of writing to ``folder``."""
    run = subprocess.Popen([sys.executable, "-c", BOTH, str(folder)], stdin=-1, stdout=-1, text=True)
    assert run.stdin is not None
    assert run.stdout is not None
    with run:
        try:
            assert run.stdout.readline() == "ready\n"
            yield run
        finally:
            run.kill()


def write(folder: Path) -> None:
    staging._cleared.clear()  # as in a new process
    with folder_written_whole(folder) as place:
        (place / "table").write_text("whole")


def test_what_a_killed_run_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    with writing(tmp_path) as run:
        run.send_signal(signal.SIGKILL)
        run.wait(20)
    assert len(list(tmp_path.glob(".votewise-*"))) == 2
    write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["table"]


def test_a_file_beside_what_was_left(tmp_path: Path) -> None:
    with writing(tmp_path) as run:
        run.send_signal(signal.SIGKILL)
        run.wait(20)
    with written_whole(tmp_path / "other") as partial:
        partial.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_a_live_run_keeps_its_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with writing(tmp_path) as run:
        write(tmp_path)
        # As seen from another container, where its process has no number.
        monkeypatch.setattr(staging, "_is_another", lambda process: False)
        write(tmp_path)
        assert len(list(tmp_path.glob(".votewise-*"))) == 2
        assert run.stdin is not None
        run.stdin.close()
        assert run.wait(20) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "table"]
    assert (tmp_path / "table").read_text() == "half"


def test_the_next_run_may_have_the_same_number(tmp_path: Path) -> None:
    (tmp_path / f".votewise-{os.getpid()}-abc" / "deep").mkdir(parents=True)
    write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["table"]


def test_what_looks_alike_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".votewise-notes").mkdir()
    (tmp_path / f".votewise-{os.getpid()}-file").write_text("mine")
    (tmp_path / "kept").mkdir()
    (tmp_path / f".votewise-{os.getpid()}-link").symlink_to(tmp_path / "kept")
    (tmp_path / f".votewise-{os.getppid()}-live").mkdir()
    before = {path.name for path in tmp_path.iterdir()}
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == before | {"table"}


def test_two_at_once_in_one_process(tmp_path: Path) -> None:
    with folder_written_whole(tmp_path) as one:
        (one / "one").write_text("1")
        write(tmp_path)
        (one / "more").write_text("1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["more", "one", "table"]
