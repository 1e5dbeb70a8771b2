"""A command that is killed at any moment leaves no half-written file, and its next run leaves nothing but its results."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from test_commands import CASES, contents, shell_words

from shell import process, shell

pytestmark = pytest.mark.slow

MOMENTS = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89)
"""At which change in the file system a run is killed: one run after the other, until one ends before its moment."""

KILL = """
import os, signal, sys
left = int(os.environ["KILLED_AT"])
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND
def look(event, args):
    global left
    if event == "open" and not (isinstance(args[2], int) and args[2] & WRITING):
        return
    if event in ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree"):
        place = os.path.abspath(os.fsdecode(args[0])) if isinstance(args[0], (str, bytes, os.PathLike)) else ""
        if place.startswith(os.environ["KILLED_IN"]):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(look)
"""
"""Code that kills its process just before it makes, moves or removes its Nth file or folder below another."""

FIRST = {case.path: case for case in reversed(CASES) if case.path != "evaluate benchmark"}
"""The first case of every command that writes files; benchmarks are another program."""


def run_killed_at(number: int, words: list[str], folder: Path) -> int:
    """Run a command there that is killed at this change; gives how it ended."""
    temporary = folder.parent / "temporary"
    temporary.mkdir(exist_ok=True)
    own = {"KILLED_AT": str(number), "KILLED_IN": str(folder.parent), "TMPDIR": str(temporary)}
    command = process(*words, before=KILL)
    ended = subprocess.run(command, cwd=folder, env=os.environ | own, capture_output=True, text=True, check=False)
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    return ended.returncode


def left_behind(folder: Path) -> list[str]:
    """Names of temporary files and folders."""
    return [str(path) for path in folder.rglob("*") if path.name.startswith((".votewise-", "votewise-", "tmp"))]


@pytest.mark.parametrize("path", FIRST)
def test_a_killed_command_leaves_nothing_half_written(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, whole, killed = FIRST[path], tmp_path / "whole" / "there", tmp_path / "killed" / "there"
    whole.mkdir(parents=True)
    monkeypatch.chdir(whole)
    case.prepare(whole)
    shutil.copytree(whole.parent, killed.parent)  # a database that is made again has other pseudonyms
    ended = shell(*shell_words(case))
    assert ended.code == 0, ended
    results = contents(whole)
    words, times = shell_words(case), 0
    for number in MOMENTS:
        if run_killed_at(number, words, killed) == 0:
            break
        times += 1
        hidden = (".votewise-", "journal")
        found = {name: text for name, text in contents(killed).items() if not any(part in name for part in hidden)}
        assert found.items() <= results.items(), f"killed at {number}"
    assert times
    if times == len(MOMENTS):
        assert run_killed_at(0, words, killed) == 0
    assert contents(killed) == results
    assert left_behind(killed.parent) == []


@pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing(_kwargs)?` is deprecated:FutureWarning")
@pytest.mark.parametrize(
    "more", [("--dry-run",), ("--save_strategy", "steps", "--save_steps", "1")], ids=["dry run", "run"]
)
def test_a_killed_training_leaves_no_temporary_files(more: tuple[str, ...], tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("trl")
    from tiny import make_model, make_rows, make_tokenizer

    folder = tmp_path / "killed" / "there"
    folder.mkdir(parents=True)
    make_model().save_pretrained(folder / "model")
    make_tokenizer().save_pretrained(folder / "model")
    pq.write_table(make_rows(12, votes_per_pair=2).data.table, folder / "rows.parquet")
    words = ["train", "--votes", "rows.parquet", "--votes_format", "trl", "--model_name_or_path", "model", "--use_cpu"]
    words += ["--output_dir", "run", "--max_steps", "2", "--bf16", "false", "--report_to", "none", *more]
    for number in (3, 40):
        run_killed_at(number, words, folder)
    assert run_killed_at(0, words, folder) == 0
    assert left_behind(folder.parent) == []
    written = {path.name for path in folder.glob("run/*")}
    assert written == set() if "--dry-run" in more else {"annotators.parquet", "model.safetensors"} <= written
