"""Where results can be written: a URL in the place of a path is refused in one line, and makes no folder of its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from votewise.cli import main

VOTES = [
    {"prompt": f"p {i}", "response_a": "x", "response_b": "y", "annotator": f"w{i % 3}", "label": "ab"[i % 2],
     "score_a": 1.0, "score_b": 0.5} for i in range(12)
]  # fmt: skip
CLICKS = [{"user": f"u{i % 3}", "model_a": "x", "model_b": "y", "winner": "ab"[i % 2]} for i in range(12)]

COMMANDS = {
    "audit": ["audit", "votes.jsonl", "--force", "--out", "{}/audit"],
    "filter": ["filter", "clicks.jsonl", "--win-rate", "0.8", "--keep", "1", "--out", "{}/kept"],
    "score": ["score", "votes.jsonl", "--score-columns", "score_a", "score_b", "--out", "{}/scored.jsonl"],
    "simulate": ["simulate", "annotators", "--pairs", "10", "--annotators", "3", "--out", "{}/votes.parquet"],
    "skip": ["audit", "votes.jsonl", "--force", "--on-error", "skip", "--out", "{}/audit"],
}


@pytest.mark.parametrize("url", ["s3://bucket", "gs://bucket/deep", "https://user:secret@host", "file:///tmp"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_url_is_no_place_to_write_to(
    command: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, rows in (("votes", VOTES), ("clicks", CLICKS)):
        Path(f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(SystemExit) as ended:
        main([word.format(url) for word in COMMANDS[command]])
    error = capsys.readouterr().err.strip()
    assert ended.value.code == 2, error
    assert "is a URL" in error
    assert "secret" not in error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clicks.jsonl", "votes.jsonl"]
