"""Nothing from data acts: no control characters on a terminal, no formulas in spreadsheets, no secrets of URLs."""

from __future__ import annotations

import csv
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from contest_files import comparison, write
from rich.text import Text

from votewise.cli.printing.common import Screen
from votewise.cli.printing.progress import ProgressBar
from votewise.errors import BadInputError, visible
from votewise.language_models.endpoint import Endpoint

End = Callable[..., int]
Shown = pytest.CaptureFixture[str]

EVIL = "\x1b[31mred\x07\r\u202e\x9b2J\x7f[bold]x[/nope]"
FOLDER = "run\x1b[31m\u202e[bold]"


def check(captured: tuple[str, str]) -> str:
    """What was printed, if it holds nothing that a terminal acts on."""
    shown = "".join(captured)
    acting = {c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {"\n"}
    assert not acting, ascii(shown)
    return shown


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / FOLDER).mkdir()
    return Path(FOLDER)


def evil_votes(path: Path, **more: object) -> None:
    rows = [
        {
            "pair": f"p{i // 4}{EVIL}",
            "annotator": f"{EVIL}{i % 4}",
            "label": "ab"[i % 3 == 0],
            "prompt": f"{EVIL}{i // 4}",
            "response_a": f"yes {EVIL}{i // 4}",
            "response_b": f"no {EVIL}{i // 4}",
            "domain": EVIL,
            "x": float(i % 5),
            "y": float(i % 3),
            f"note{EVIL}": EVIL,
        }
        | more
        for i in range(80)
    ]
    write(path, rows)


def test_votes_do_not_act(end: End, folder: Path, capsys: Shown) -> None:
    votes = folder / "votes\x1b[2J.jsonl"
    evil_votes(votes)
    runs = [
        ("read", votes),
        ("read", votes, "--json"),
        ("audit", votes, "--out", folder / "audit", "--force", "--no-report"),
        ("audit", votes, "--out", folder / "audit", "--force", "--no-report", "--json"),
        ("export", folder / "audit", "--out", folder / "train\x1b.jsonl", "--min-confidence", 0.1),
        ("score", votes, "--score-columns", "x", "y", "--out", folder / "scored\x1b.jsonl"),
        ("simulate", "annotators", votes, "--out", folder / "made\x1b.jsonl", "--votes-per-pair", 1),
    ]
    for run in runs:
        assert end(*run) == 0, capsys.readouterr()
        shown = check(capsys.readouterr())
        if "--json" in run:
            assert json.loads(shown)["source"] == str(votes)


@pytest.mark.slow
def test_clicks_do_not_act(end: End, folder: Path, capsys: Shown) -> None:
    clicks = folder / "clicks.jsonl"
    write(
        clicks,
        [
            {"user": f"{EVIL}{i % 9}", "model_a": f"a{EVIL}", "model_b": f"b{EVIL}", "winner": "ab"[i % 4 == 0]}
            | {"model_a": f"a{EVIL}", "domain": EVIL}
            for i in range(180)
        ],
    )
    for options in ([], ["--json"], ["--dry-run"]):
        code = end("filter", clicks, "--win-rate", 0.7, "--domain", "domain", "--out", "f[bold]", *options)
        assert code == 0, capsys.readouterr()
        check(capsys.readouterr())


def test_contests_do_not_act(end: End, folder: Path, capsys: Shown) -> None:
    contests = folder / "contests.jsonl"
    models = (f"=new{EVIL}", f"@old{EVIL}")
    write(
        contests,
        [
            comparison(i, *models[:: 1 if i % 3 else -1], winner="ab"[i % 4 == 0], domain=f"{EVIL}{i % 2}")
            for i in range(40)
        ],
    )
    for run in (
        ("evaluate", "win-rate", contests, "--column", "winner", "--out", folder / "o", "--model", models[0]),
        ("evaluate", "matrix", contests, "--column", "winner", "--out", folder / "m"),
        ("evaluate", "matrix", contests, "--column", "winner", "--out", folder / "m", "--dry-run"),
    ):
        assert end(*run) == 0, capsys.readouterr()
        check(capsys.readouterr())
    with (folder / "m" / "matrix.csv").open(encoding="utf-8", newline="") as file:
        cells = list(csv.reader(file))
    assert {cells[1][0], cells[2][0]} == {f"'{model}" for model in models}, "spreadsheets would run these"
    assert 0 <= float(cells[1][2]) <= 1


@pytest.mark.parametrize(
    "more",
    [{"label": EVIL}, {"time": EVIL}, {"margin": f"{EVIL}x"}, {"worker": EVIL, "annotator": None}, {"pair": None}],
)
def test_errors_do_not_act(end: End, folder: Path, capsys: Shown, more: dict[str, object]) -> None:
    votes = folder / f"{'votes'}\x1b[2J.jsonl"
    evil_votes(votes, **more)
    for run in (
        ("audit", votes, "--out", folder / "a"),
        ("audit", votes, "--out", folder / "a", "--on-error", "skip"),
        ("read", votes, "--columns", f"annotator={EVIL}"),
        ("filter", votes, "--win-rate", 0.7),
        ("score", folder / "none\x1b", "--score-columns", "x", f"y{EVIL}", "--out", folder / "s.jsonl"),
        ("evaluate", "win-rate", votes, "--column", f"c{EVIL}", "--out", folder / "o"),
    ):
        code = end(*run)
        shown = check(capsys.readouterr())
        # Texts instead of times or margins only cost the column its role, so an audit may still end well.
        assert code in ((0, 2, 3) if run[0] == "audit" else (2,)), shown


def test_words_stay_as_they_are() -> None:
    for text in ("naïve 日本語 \u3000 न\u200dम", "👩\u200d👩\u200d👧", "1\u00a0000", ""):
        assert visible(text) == text
    assert visible("\x1b\x07\r\n\x7f\x9b\u202e\ud800") == "␛␇␍␊␡\ufffd\ufffd\ufffd"
    assert visible("a\nb", lines=True) == "a\nb"
    error = BadInputError(f"bad{EVIL}", source=EVIL, column=EVIL, value=EVIL, expected=EVIL)
    assert visible(str(error)) == str(error)


def test_the_progress_bar_does_not_act(capsys: Shown) -> None:
    bar = ProgressBar(console=Screen())
    bar.stage(f"Reading {EVIL}")
    [task] = bar._progress.tasks
    assert task.description == f"Reading {visible(EVIL)}"
    Screen().print(bar._progress.columns[1](task))
    assert "[bold]" in check(capsys.readouterr())
    assert isinstance(bar._progress.columns[1](task), Text)


@pytest.mark.parametrize(
    "url", ["http://me:hunter22@localhost:1/v1", "http://localhost:1/v1?api_key=hunter22", "http://x:hunter22@"]
)
def test_servers_are_shown_without_secrets(url: str) -> None:
    pytest.importorskip("openai")
    server = Endpoint("m", url, retries=0, timeout=2)
    assert "hunter22" not in server.where + repr(server)
    with pytest.raises(BadInputError) as failed:
        list(server.complete([[{"role": "user", "content": "hi"}]], temperature=0, max_tokens=1))
    assert "hunter22" not in str(failed.value)
    assert Endpoint("m", "http://localhost:8000/v1").where == "http://localhost:8000/v1"
    assert Endpoint("m", "localhost:8000").where == "localhost:8000"
