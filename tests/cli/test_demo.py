from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.mark.slow
def test_compares_with_the_truth(end: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert end("demo", "--quick", "--out", tmp_path) == 0
    shown = capsys.readouterr().out
    assert all(kind in shown for kind in ("careful", "careless", "spammer", "adversary", "first-clicker"))
    rows = {line.split("  ")[0]: line.split()[-1] for line in shown.splitlines() if line.strip()}
    majority = next(line for line in shown.splitlines() if line.startswith("Pairs right by majority"))
    assert float(rows["Pairs right by votewise"].rstrip("%")) > 90 > float(majority.split("%")[0].split()[-1])
    assert str(tmp_path / "report.html") in shown
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert (tmp_path / "simulated_votes.parquet").exists()
