import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from votewise.cli.options import default_folder, parse_columns
from votewise.demo import make_demo_data
from votewise.errors import BadInputError
from votewise.inference.priors import Beta, parse_prior

End = Callable[..., int]
Shown = pytest.CaptureFixture[str]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "june.parquet"
    pq.write_table(make_demo_data(pairs=40).table, path)
    return path


def test_writes_where_it_says(
    end: End, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    monkeypatch.chdir(tmp_path)
    assert end("audit", source, "--no-report") == 0
    shown = capsys.readouterr()
    assert "Written to audit/june" in shown.out
    assert "200 rows of format plain" in shown.out
    assert "annotators on 40 pairs" in shown.out
    assert shown.err == ""
    assert sorted(path.name for path in Path("audit/june").iterdir()) == [
        "annotators.parquet", "pairs.parquet", "summary.json", "votes.parquet",
    ]  # fmt: skip


@pytest.mark.parametrize("width", [80, 120])
def test_fits_the_terminal(
    end: End, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert end("audit", source, "--out", tmp_path / "out", "--no-report") == 0
    assert max(len(line.rstrip()) for line in capsys.readouterr().out.splitlines()) <= width


def test_json_is_the_summary_and_nothing_else(end: End, source: Path, tmp_path: Path, capsys: Shown) -> None:
    assert end("audit", source, "--out", tmp_path / "out", "--json", "--no-report") == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == json.loads((tmp_path / "out" / "summary.json").read_text())
    assert shown.err == ""


def test_quiet_prints_nothing(end: End, source: Path, tmp_path: Path, capsys: Shown) -> None:
    assert end("audit", source, "--out", tmp_path / "out", "--quiet", "--no-report") == 0
    assert capsys.readouterr() == ("", "")


def test_settings_reach_the_estimate(end: End, source: Path, tmp_path: Path) -> None:
    options = ["--prior", "beta:5,2", "--no-intervals", "--level", "0.9", "--no-shared-pairs", "--no-report", "--force"]
    assert end("audit", source, "--out", tmp_path / "out", *options) == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["prior"]["c"], summary["prior"]["d"], summary["prior"]["fitted"]) == (5, 2, False)
    assert summary["settings"]["level"] == 0.9
    assert not summary["settings"]["intervals"]
    assert not summary["settings"]["shared_pairs"]


def test_bad_input_is_one_line_and_leaves_nothing(end: End, tmp_path: Path, capsys: Shown) -> None:
    source = tmp_path / "votes.csv"
    source.write_text("pair,annotator,label\np1,ann,a\np1,bob,maybe\n")
    assert end("audit", source, "--out", tmp_path / "out") == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("votewise: ")
    assert shown.err.count("\n") == 1
    assert all(part in shown.err for part in ("row 2", "label", "maybe"))
    assert [path.name for path in tmp_path.iterdir()] == ["votes.csv"]


def test_rejected_rows_are_written_and_counted(end: End, tmp_path: Path, capsys: Shown) -> None:
    source = tmp_path / "votes.csv"
    good = "".join(f"p{i % 5},w{i // 5},{'ab'[i % 7 == 0]}\n" for i in range(25))
    source.write_text(f"pair,annotator,label\n{good}p1,ann,maybe\n")
    assert end("audit", source, "--out", tmp_path / "out", "--on-error", "skip", "--no-report") == 0
    assert "1 rejected" in capsys.readouterr().out
    (line,) = (tmp_path / "out" / "rejected.jsonl").read_text().splitlines()
    assert json.loads(line)["row"] == 26


def test_columns_are_renamed(end: End, tmp_path: Path) -> None:
    source = tmp_path / "votes.csv"
    source.write_text("pair,who,label\n" + "".join(f"p{i % 5},w{i // 5},{'ab'[i % 7 == 0]}\n" for i in range(25)))
    assert end("audit", source, "--out", tmp_path / "out", "--column", "annotator=who", "--no-report") == 0
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["columns"] == {"annotator": "who"}


def test_votes_that_do_not_determine_the_answer_end_with_3(end: End, tmp_path: Path, capsys: Shown) -> None:
    source = tmp_path / "votes.csv"
    source.write_text("pair,annotator,label\np1,ann,a\np2,bob,b\n")
    assert end("audit", source, "--out", tmp_path / "out", "--no-report") == 3
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()
    assert end("audit", source, "--out", tmp_path / "out", "--no-report", "--force") == 0
    assert "Error" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "expected"),
    [(["--prior", "gamma:1,2"], "--prior"), (["--prior", "beta:1"], "--prior"), (["--prior", "beta:-1,2"], "Beta(-1"),
     (["--temperature", "warm"], "--temperature"), (["--temperature", "-1"], "temperature"),
     (["--column", "annotator"], "--column"), (["--level", "2"], "level"), (["--format", "wisdom"], "wisdom")],
)  # fmt: skip
def test_bad_settings_are_one_line(
    end: End, source: Path, tmp_path: Path, capsys: Shown, options: list[str], expected: str
) -> None:
    assert end("audit", source, "--out", tmp_path / "out", *options) == 2
    shown = capsys.readouterr().err
    assert expected in shown
    assert shown.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_file_instead_of_a_folder_is_one_line(end: End, source: Path, capsys: Shown) -> None:
    assert end("audit", source, "--out", source) == 2
    assert "is a file (expected a folder to write to)" in capsys.readouterr().err


def test_parsing() -> None:
    assert parse_prior("fit") == "fit"
    assert parse_prior("none") is None
    assert parse_prior("beta:3,1.5") == Beta(3, 1.5)
    assert parse_columns(["a=b", "c=d=e"]) == {"a": "b", "c": "d=e"}
    assert parse_columns([]) is None
    with pytest.raises(BadInputError, match="given twice"):
        parse_columns(["a=b", "a=c"])


@pytest.mark.parametrize(
    ("votes", "name"),
    [("some/where/june.tar.parquet", "june.tar"), ("folder/", "folder"), ("duckdb://my.db?table=votes", "votes"),
     ("postgres://user:secret@host/base?x=1&table=a.b", "a.b"), ("postgres://user:secret@host/base", "postgres")],
)  # fmt: skip
def test_default_folder_shows_no_secret(votes: str, name: str) -> None:
    assert default_folder("audit", votes) == Path("audit", name)


def test_real_votes_as_they_are(end: End, tmp_path: Path, capsys: Shown) -> None:
    source = Path(__file__).parents[3] / "shared" / "data" / "convincing_arguments.parquet"
    if not source.exists():
        pytest.skip("the folder with the real votes is not beside the repository")
    assert end("audit", source, "--out", tmp_path / "out", "--no-report", "--no-intervals", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["counts"]["kept"] == 41_742
    assert summary["gold"]["accuracy"] >= 0.984
    assert summary["gold"]["auc"] >= 0.997


def test_a_folder_with_something_else_is_refused(end: End, source: Path, tmp_path: Path, capsys: Shown) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "summary.json").write_text("my own")
    for command in (
        ("audit", source, "--no-report", "--out", mine),
        ("audit", source, "--no-report", "--out", tmp_path),
    ):
        assert end(*command) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert "holds something else" in error
    assert [path.name for path in mine.iterdir()] == ["summary.json"]
    (mine / "summary.json").unlink()
    for _ in range(2):  # the second time over the first result
        assert end("audit", source, "--no-report", "--out", mine) == 0
        (mine / "notes.txt").write_text("about the result")
    assert (mine / "votes.parquet").exists()
    assert (mine / "notes.txt").exists()


def test_two_coins_stand_beside_the_estimate(end: End, tmp_path: Path, capsys: Shown) -> None:
    """Two more columns and one more fact; without it, or without positions, neither."""
    votes = make_demo_data(pairs=40).table
    pq.write_table(votes, tmp_path / "v.parquet")
    for name, more in (("one", ()), ("two", ("--two-coins",))):
        assert end("audit", tmp_path / "v.parquet", "--no-report", "--out", tmp_path / name, *more) == 0
    one, two = (pq.read_table(tmp_path / name / "annotators.parquet") for name in ("one", "two"))
    assert two.column_names == [*one.column_names, "right_if_first", "right_if_second"]
    assert two.select(one.column_names).equals(one)
    facts = json.loads((tmp_path / "two" / "summary.json").read_text())["two_coins"]
    assert facts["converged"]
    assert facts["log_likelihood"] < 0
    assert "two_coins" not in json.loads((tmp_path / "one" / "summary.json").read_text())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--no-shared-pairs",), "two_coins judges votes by the others on the same pair"),
        (("--temperature", "2"), "two_coins takes margins as they are"),
    ],
)
def test_settings_that_two_coins_do_not_have(
    end: End, source: Path, tmp_path: Path, capsys: Shown, options: tuple[str, ...], said: str
) -> None:
    assert end("audit", source, "--two-coins", "--out", tmp_path / "out", *options) != 0
    assert said in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()


def test_models_of_pairs(end: End, tmp_path: Path, capsys: Shown) -> None:
    """They are compared on request, and the one that was used is in the summary."""
    pq.write_table(make_demo_data(pairs=120).table, tmp_path / "v.parquet")
    out = tmp_path / "out"
    command = ("audit", tmp_path / "v.parquet", "--no-report", "--out", out)
    assert end(*command, "--model", "difficulty", "--compare-models") == 0
    assert "Models of pairs, by 120 hidden votes" in capsys.readouterr().out
    summary = json.loads((out / "summary.json").read_text())
    assert summary["settings"]["model"] == "difficulty"
    assert [score["model"] for score in summary["compared"]][:2] == ["equal", "difficulty"]
    assert end(*command) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["settings"]["model"], summary["compared"]) == ("equal", [])


def test_a_model_that_does_not_go_with_the_votes_is_one_line(
    end: End, source: Path, tmp_path: Path, capsys: Shown
) -> None:
    assert end("audit", source, "--model", "difficulty", "--no-shared-pairs", "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert "pairs that differ do not go with shared_pairs=False" in " ".join(error.split())
    assert not (tmp_path / "out").exists()


def test_groups_of_annotators_who_err_together(end: End, source: Path, tmp_path: Path, capsys: Shown) -> None:
    names = sorted(set(pq.read_table(source)["annotator"].to_pylist()))
    mine = [argument for name in names[:3] for argument in ("--group", f"mine={name}")]
    assert end("audit", source, "--out", tmp_path / "out", *mine) == 0
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    (group,) = summary["groups"]
    assert (group["name"], group["members"]) == ("mine", 3)
    assert set(summary["said"]) == {"with_groups", "without_groups"}
    table = pq.read_table(tmp_path / "out/annotators.parquet")
    assert {n for n, g in zip(*(table[c].to_pylist() for c in ("annotator", "group")), strict=True) if g} == set(
        names[:3]
    )
    assert "Annotators who err together" in (tmp_path / "out/report.html").read_text()
    assert "mine" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--group", "judges"], "not an assignment"),
        (["--group", "judges=nobody-*"], "matches no annotator"),
        (["--group", "a=*", "--group-column", "annotator"], "cannot be combined"),
        (["--group-column", "family"], "no column 'family'"),
        (["--group", "all=*"], "All annotators are in the group"),
    ],
)
def test_groups_that_cannot_be_used_are_one_line(
    end: End, source: Path, tmp_path: Path, capsys: Shown, options: list[str], words: str
) -> None:
    assert end("audit", source, "--out", tmp_path / "out", *options) in (2, 3)
    shown = capsys.readouterr()
    assert words in " ".join(shown.err.split())
    assert not (tmp_path / "out").exists()
