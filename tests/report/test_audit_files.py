import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from votewise import estimate_reliability, read_votes
from votewise.annotators.results import ReliabilityResult
from votewise.annotators.saved import load_audit, load_votes, summarise
from votewise.data.votes import Votes
from votewise.demo import make_demo_data
from votewise.errors import BadInputError, NotIdentifiableError
from votewise.inference.diagnostic import check_identifiable
from votewise.report.audit_files import write_audit
from votewise.storage import row_files

TABLES = ["annotators.parquet", "pairs.parquet", "summary.json", "votes.parquet"]


@pytest.fixture(scope="module")
def audited() -> Iterator[tuple[Votes, ReliabilityResult]]:
    votes = read_votes(make_demo_data(pairs=60).table)
    return votes, estimate_reliability(votes)


def test_writes_the_tables_and_the_summary(audited: tuple[Votes, ReliabilityResult], tmp_path: Path) -> None:
    votes, result = audited
    files = write_audit(tmp_path / "out", votes, result, title=None)
    assert sorted(file.name for file in files) == sorted(p.name for p in (tmp_path / "out").iterdir()) == TABLES
    annotators, pairs, table = (
        pq.read_table(tmp_path / "out" / f"{n}.parquet") for n in ("annotators", "pairs", "votes")
    )
    assert set(annotators.column_names) >= {
        "annotator",
        "votes",
        "ties",
        "reliability",
        "low",
        "high",
        "first_share",
        "flag",
    }
    assert set(pairs.column_names) >= {"pair", "p_a", "votes", "ties", "prompt", "response_a", "response_b"}
    assert table.column_names == [*votes.table.column_names, "confidence"]
    assert table.drop_columns(["confidence"]).equals(votes.table)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["counts"] == {
        "read": 300, "votes": 300, "kept": 300, "rejected": 0, "skipped": 0, "repeated": 0,
        "ties": result.annotators["ties"].to_numpy().sum(), "swapped": votes.reading.swapped, "pairs": 60, "annotators": 40,
        "both_bad": 0, "both_good": 0, "unknown_people": 0, "judgements": 0,
    }  # fmt: skip
    assert summary["settings"] == json.loads(json.dumps(result.settings))
    assert summary["history"] == list(result.history)
    assert summary["gold"]["pairs"] == 60
    assert summary["gold"]["accuracy"] > summary["gold"]["majority_accuracy"]
    assert summary["versions"]["votewise"]
    assert {"seed", "prior", "temperature", "converged", "iterations", "diagnostics", "flags"} <= summary.keys()


def test_writes_a_report(audited: tuple[Votes, ReliabilityResult], tmp_path: Path) -> None:
    files = write_audit(tmp_path, *audited, title="Checkable <questions>")
    assert files[0] == tmp_path / "report.html"
    assert "Checkable &lt;questions&gt;" in files[0].read_text()


def test_the_same_votes_give_the_same_bytes(audited: tuple[Votes, ReliabilityResult], tmp_path: Path) -> None:
    for name in "ab":
        write_audit(tmp_path / name, *audited, title="Votes")
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), RuntimeError("defect")])
@pytest.mark.parametrize("before", [True, False])
def test_a_failure_during_writing_changes_nothing(
    audited: tuple[Votes, ReliabilityResult],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    before: bool,
) -> None:
    out = tmp_path / "out"
    if before:
        write_audit(out, *audited, title=None)
        (out / "mine.txt").write_text("stays")
    old = {path.name: path.read_bytes() for path in out.iterdir()} if before else {}
    written = []
    write_table = pq.write_table

    def fail_second(table: pa.Table, path: Path) -> None:
        if written:
            path.write_bytes(b"half")
            raise error
        written.append(path)
        write_table(table, path)

    monkeypatch.setattr(row_files.pq, "write_table", fail_second)
    with pytest.raises(BadInputError if isinstance(error, OSError) else type(error)):
        write_audit(out, *audited, title=None)
    assert written
    assert out.exists() == before
    assert {path.name: path.read_bytes() for path in (out.iterdir() if before else [])} == old


def test_an_old_report_does_not_stay_beside_new_tables(
    audited: tuple[Votes, ReliabilityResult], tmp_path: Path
) -> None:
    for name in ("report.html", "rejected.jsonl", "notes.txt"):
        (tmp_path / name).write_text("old")
    write_audit(tmp_path, *audited, title=None)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*TABLES, "notes.txt"])


def test_votes_come_back_row_for_row(audited: tuple[Votes, ReliabilityResult], tmp_path: Path) -> None:
    votes, result = audited
    write_audit(tmp_path, votes, result, title=None)
    again = load_votes(load_audit(tmp_path))
    assert again.sign.tolist() == votes.sign.tolist()
    assert (
        again.pair_ids.take(pa.array(again.pair)).to_pylist() == votes.pair_ids.take(pa.array(votes.pair)).to_pylist()
    )


def test_renamed_columns_are_remembered(tmp_path: Path) -> None:
    rows = [{"item": f"p{i % 4}", "who": f"w{i // 4}", "said": "ab"[(i // 4 + i) % 3 == 0]} for i in range(20)]
    columns = {"pair": "item", "annotator": "who", "label": "said"}
    votes = read_votes(rows, columns=columns)
    result = estimate_reliability(votes)
    write_audit(tmp_path, votes, result, title=None, summary=summarise(votes, result, columns=columns))
    audit = load_audit(tmp_path)
    assert set(audit.votes.column_names) >= {"item", "who", "said", "confidence"}
    assert load_votes(audit).sign.tolist() == votes.sign.tolist()


def test_votes_from_nested_sources_come_back(tmp_path: Path) -> None:
    rows = [
        {
            "context": [{"role": "user", "content": f"Question {i}"}],
            "response1": "yes",
            "response2": "no",
            "overall_preference": 1,
            "individual_preference": [{"score": score, "reasoning": "so"} for score in (-2, 1 - i % 2, 3)],
            "domain": "general",
            "language": "english",
        }
        for i in range(6)
    ]
    votes = read_votes(rows)
    write_audit(tmp_path, votes, estimate_reliability(votes), title=None)
    again = load_votes(load_audit(tmp_path))
    assert len(again) == 18
    assert again.sign.tolist() == votes.sign.tolist()
    assert again.texts.to_pylist() == votes.texts.to_pylist()


def test_a_changed_file_is_refused(audited: tuple[Votes, ReliabilityResult], tmp_path: Path) -> None:
    write_audit(tmp_path, *audited, title=None)
    path = tmp_path / "votes.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["confidence"]), path)
    with pytest.raises(BadInputError, match="does not hold the votes that were audited"):
        load_votes(load_audit(tmp_path))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [("summary.json", None, "summary.json is missing"), ("summary.json", b"{", "cannot be read"),
     ("votes.parquet", b"PAR1", "cannot be read"), ("pairs.parquet", None, "pairs.parquet is missing")],
)  # fmt: skip
def test_a_damaged_folder_is_one_line(
    audited: tuple[Votes, ReliabilityResult], tmp_path: Path, name: str, content: bytes | None, expected: str
) -> None:
    write_audit(tmp_path, *audited, title=None)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInputError, match=expected) as caught:
        load_audit(tmp_path)
    assert "\n" not in str(caught.value)


def test_votes_that_do_not_determine_the_answer_are_refused() -> None:
    votes = Votes.from_arrays(pair=[0, 1, 2], annotator=[0, 1, 2], sign=[1, -1, 1])
    with pytest.raises(NotIdentifiableError):
        check_identifiable(estimate_reliability(votes).diagnostics)


def test_good_votes_are_accepted(audited: tuple[Votes, ReliabilityResult]) -> None:
    seen: list[Any] = [check_identifiable(audited[1].diagnostics)]
    assert seen == [None]
