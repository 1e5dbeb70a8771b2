import io
import time

import pytest
from rich.console import Console

from votewise.cli.printing import progress
from votewise.cli.printing.progress import ProgressBar


def shown(monkeypatch: pytest.MonkeyPatch, *, patience: float, terminal: bool, quiet: bool = False) -> str:
    """What is shown of work that takes a fifth of a second."""
    monkeypatch.setattr(progress, "PATIENCE", patience)
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=80)
    with ProgressBar(quiet=quiet, console=console) as bar:
        bar.stage("Reading votes")
        bar.step("Judging annotators", 7, 0.02)
        time.sleep(0.2)
    return stream.getvalue()


def test_shows_long_work_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, patience=0.01, terminal=True)
    assert "Judging annotators" in text
    assert "7 steps, change 2e-02" in text


@pytest.mark.parametrize(
    ("patience", "terminal", "quiet"), [(60, True, False), (0.01, False, False), (0.01, True, True)]
)
def test_is_silent_otherwise(monkeypatch: pytest.MonkeyPatch, patience: float, terminal: bool, quiet: bool) -> None:
    assert shown(monkeypatch, patience=patience, terminal=terminal, quiet=quiet) == ""


def test_counts_work_of_known_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    stream = io.StringIO()
    with ProgressBar(console=Console(file=stream, force_terminal=True, width=100)) as bar:
        bar.stage("Loading")
        bar.count("answering", 30, 120, 500, 2.0)
        time.sleep(0.3)
    assert "answering" in stream.getvalue()
    assert "30 of 120, 250 tokens/s" in stream.getvalue()


def test_counts_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    stream = io.StringIO()
    with ProgressBar(console=Console(file=stream, force_terminal=True, width=100)) as bar:
        bar.stage("Writing votes.parquet")
        bar.rows(262_144, 1_000_000)
        time.sleep(0.3)
    assert "Writing votes.parquet" in stream.getvalue()
    assert "262,144" in stream.getvalue()
