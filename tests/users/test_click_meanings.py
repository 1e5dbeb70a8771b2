"""What columns of a log say about its rows: the clicks that count are those that ``read_votes`` reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import votewise
from votewise.errors import BadInputError

FAST: dict[str, Any] = {"win_rate": 0.75, "prior": "two-point", "report": False, "keep": 1.0}


def clicks(n: int = 120, **more: Any) -> list[dict[str, Any]]:
    """Clicks of 12 users on texts of their own; in three of four A is chosen."""
    return [
        {"user": f"u{i % 12}", "model_a": "A", "model_b": "B", "winner": "model_a" if i // 12 % 4 else "model_b",
         "prompt": f"p {i}", "response_a": f"x {i}", "response_b": f"y {i}", **more}
        for i in range(n)
    ]  # fmt: skip


def as_parquet(rows: list[dict[str, Any]], folder: Path) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), folder / "log.parquet")
    return folder / "log.parquet"


def as_lines(rows: list[dict[str, Any]], folder: Path) -> Path:
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "log.jsonl"


def as_database(rows: list[dict[str, Any]], folder: Path) -> str:
    import duckdb

    with duckdb.connect(str(folder / "log.db")) as engine:
        engine.register("found", pa.Table.from_pylist(rows))
        engine.execute("CREATE TABLE log AS SELECT * FROM found")
    return f"duckdb://{folder / 'log.db'}?table=log"


def counted(source: Any, **options: Any) -> dict[str, Any]:
    return votewise.filter_clicks(source, **FAST, **options).summary


MARKS: dict[str, tuple[str, Any, Any]] = {
    "status": ("status", "submitted", "discarded"),
    "state in words": ("Response Status", "Response.submitted", "Response.draft"),
    "has_label": ("has_label", True, False),
    "skipped": ("skipped", 0, 1),
    "is_draft": ("is_draft", "no", "yes"),
}


@pytest.mark.slow
@pytest.mark.parametrize("store", [as_parquet, as_lines, as_database])
@pytest.mark.parametrize("mark", MARKS)
def test_rows_that_are_no_votes_are_no_clicks(mark: str, store: Any, tmp_path: Path) -> None:
    name, good, bad = MARKS[mark]
    # Every user's last click is none, and says something else; one of them has no winner.
    rows = [row | {name: good} for row in clicks(108)] + [row | {name: bad, "winner": "model_b"} for row in clicks(12)]
    rows = [row | {"prompt": f"q {i}"} for i, row in enumerate(rows)]
    rows[-1]["winner"] = None
    source = store(rows, tmp_path)
    found = counted(source)
    assert (found["counts"]["comparisons"], found["skipped"]) == (108, {"no vote": 12})
    assert any(f"By the column '{name}', 12 rows are not votes" in note for note in found["notes"])
    votes = votewise.read_votes(source)
    assert len(votes) == 108
    assert found["counts"]["users"] == votes.n_annotators
    rows[-1]["winner"] = "model_b"
    all_of_them = counted(
        store(rows, tmp_path / "all" if (tmp_path / "all").mkdir() is None else tmp_path), columns={name: ""}
    )
    assert all_of_them["counts"]["comparisons"] == 120


@pytest.mark.parametrize("store", [as_parquet, as_lines, as_database])
def test_ties_that_another_column_marks(store: Any, tmp_path: Path) -> None:
    rows = [row | {"is_tie": i % 4 == 0} for i, row in enumerate(clicks())]
    source = store(rows, tmp_path)
    found = votewise.filter_clicks(source, **FAST, out=tmp_path / "kept")
    assert (found.summary["counts"]["ties"], found.summary["counts"]["comparisons"]) == (30, 90)
    assert votewise.read_votes(source).reading.ties == 30
    # All rows are kept, and nothing of what was derived is in them.
    kept = pq.read_table(tmp_path / "kept" / "comparisons.parquet")
    assert kept.column_names == list(rows[0])
    assert sorted(kept["winner"].to_pylist()) == sorted(row["winner"] for row in rows)


def test_a_column_is_said_to_be_the_status() -> None:
    rows = [row | {"phase": "done" if i >= 12 else "draft"} for i, row in enumerate(clicks())]
    with pytest.raises(BadInputError, match=r"'phase': says 'draft' of some rows.*--columns status=phase"):
        counted(rows)
    assert counted(rows, columns={"status": "phase"})["skipped"] == {"no vote": 12}
    assert counted(rows, columns={"phase": ""})["counts"]["comparisons"] == 120


def test_several_criteria_are_refused() -> None:
    rows = [row | {"criterion": "color" if i % 2 else "taste"} for i, row in enumerate(clicks())]
    with pytest.raises(BadInputError, match=r"holds several criteria: color, taste.*--criterion color"):
        counted(rows)
    assert counted(rows, criterion="color")["counts"]["comparisons"] == 60
    assert counted(rows, columns={"criterion": ""})["counts"]["comparisons"] == 120


def test_one_split_of_a_column_is_read() -> None:
    rows = [row | {"split": "test" if i < 24 else "train"} for i, row in enumerate(clicks())]
    found = counted(rows)
    assert (found["counts"]["comparisons"], found["skipped"]) == (96, {"of other splits": 24})
    assert counted(rows, split="test")["counts"]["comparisons"] == 24
    assert counted(rows, columns={"split": ""})["counts"]["comparisons"] == 120


def test_weights_are_refused() -> None:
    rows = [row | {"weight": 1 + i % 2} for i, row in enumerate(clicks())]
    with pytest.raises(BadInputError, match=r"'weight': says how much rows count.*--columns weight="):
        counted(rows)
    assert counted(rows, columns={"weight": ""})["counts"]["comparisons"] == 120
    assert counted([row | {"weight": 1} for row in rows])["counts"]["comparisons"] == 120
    assert counted([row | {"weight": "high"} for row in rows])["counts"]["comparisons"] == 120


def test_clicks_on_identical_answers_say_nothing() -> None:
    rows = clicks() + [row | {"response_b": row["response_a"], "prompt": "q"} for row in clicks(24)]
    rows[-1]["winner"] = "tie"
    found = counted(rows)
    assert (found["counts"]["comparisons"], found["counts"]["ties"]) == (120, 1)
    assert found["skipped"] == {"between two identical responses": 23}
    assert len(votewise.read_votes(rows)) == 121


def test_the_latest_of_a_users_clicks_on_one_pair_counts(tmp_path: Path) -> None:
    rows = [row | {"created_at": f"2026-01-01T00:00:{i % 60:02}Z"} for i, row in enumerate(clicks(48))]
    later = [row | {"winner": "model_b", "created_at": "2026-01-02T00:00:00Z"} for row in rows[:12]]
    source = as_parquet(later + rows, tmp_path)
    found = votewise.filter_clicks(source, **FAST, out=tmp_path / "kept")
    assert (found.summary["counts"]["comparisons"], found.summary["skipped"]) == (48, {"repeated": 12})
    kept = pq.read_table(tmp_path / "kept" / "comparisons.parquet").to_pylist()
    assert kept == [*later, *rows[12:]]
    votes = votewise.read_votes(source)
    assert votes.reading.repeated == 12
    assert sorted(votes.row.tolist()) == [*range(12), *range(24, 60)]


def test_both_orders_by_one_user_are_two_clicks() -> None:
    rows = clicks(48)
    turned = [
        row | {"response_a": row["response_b"], "response_b": row["response_a"], "model_a": "B", "model_b": "A"}
        for row in rows
    ]
    assert counted(rows + turned)["counts"]["comparisons"] == 96
    assert len(votewise.read_votes(rows + turned)) == 96


def test_repeated_clicks_that_differ_in_what_nobody_read_are_refused() -> None:
    rows = clicks(48)
    again = [row | {"context_shown": f"another text {i}"} for i, row in enumerate(rows[:12])]
    rows = [row | {"context_shown": f"some text {i}"} for i, row in enumerate(rows)]
    with pytest.raises(BadInputError, match="'context_shown'"):
        counted(rows + again)
    with pytest.raises(BadInputError, match="'context_shown'"):
        votewise.read_votes(rows + again)


def test_repeated_clicks_in_a_database_are_refused(tmp_path: Path) -> None:
    rows = clicks(48)
    with pytest.raises(BadInputError, match=r"clicked more than once.*--columns response_b="):
        counted(as_database(rows + rows[:5], tmp_path))


@pytest.mark.parametrize("where", ["memory", "parquet"])
def test_classes_have_names(where: str, tmp_path: Path) -> None:
    classes = {"winner": {"names": ["model_b", "model_a"], "_type": "ClassLabel"}}
    rows = [row | {"winner": int(row["winner"] == "model_a")} for row in clicks()]
    table = pa.Table.from_pylist(rows).replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": classes}})}
    )
    pq.write_table(table, tmp_path / "log.parquet")
    source = table if where == "memory" else tmp_path / "log.parquet"
    found = votewise.filter_clicks(source, **FAST)
    assert found.counts.users @ found.counts.wins == 84
    assert found.summary["columns"]["winner"] == "winner"


def test_names_that_an_engine_does_not_tell_apart_are_refused(tmp_path: Path) -> None:
    rows = [row | {"User": 1} for row in clicks()]
    for source in (rows, as_parquet(rows, tmp_path)):
        with pytest.raises(BadInputError, match="'User': differs from 'user' in small letters only"):
            counted(source)


NOTATIONS = {
    "brackets": ("[[A]]", "[[B]]", "[[A=B]]"),
    "signs": ("A>>B", "B>A", "A=B"),
    "nouns": ("Assistant A", "model (b)", "tievote"),
    "arena": ("leftvote", "rightvote", "bothbad_vote"),
    "letters": ("A", "b", "Tie"),
}


def in_notation(words: tuple[str, str, str], models: tuple[str, ...]) -> list[dict[str, Any]]:
    """Clicks of 12 users on texts of their own, for either side or neither, every two models on either side."""
    sides = [(a, b) for a in models for b in models if a != b]
    return [
        row | {"winner": words[i % 3], "model_a": sides[i // 5 % len(sides)][0], "model_b": sides[i // 5 % len(sides)][1],
               "response_b": row["response_a" if i % 7 == 2 else "response_b"]}
        for i, row in enumerate(clicks(180))
    ]  # fmt: skip


@pytest.mark.parametrize("store", [as_parquet, as_lines, as_database])
@pytest.mark.parametrize("models", [("x", "y"), ("x", "z", "y")])
@pytest.mark.parametrize("words", NOTATIONS.values(), ids=NOTATIONS)
def test_winners_in_notations_are_those_that_votes_are_read_from(
    words: tuple[str, str, str], models: tuple[str, ...], store: Any, tmp_path: Path
) -> None:
    """In the engine and by ``read_votes`` alike, ties between identical responses included."""
    rows = in_notation(words, models)
    ours = dict(zip(words, ("model_a", "model_b", "tie"), strict=True))
    said = [row | {"winner": ours[row["winner"]]} for row in rows]
    rate = {} if len(models) == 2 else {"win_rate": {"x:y": 0.7}}
    found = [votewise.filter_clicks(log, **FAST | rate).summary["counts"] for log in (store(rows, tmp_path), said)]
    assert found[0] == found[1]
    votes = votewise.read_votes(rows)
    assert votes.sign.tolist() == votewise.read_votes(said).sign.tolist()
    assert found[0]["comparisons"] == int((votes.sign != 0).sum())
    assert found[0]["ties"] == votes.reading.ties


@pytest.mark.parametrize("models", [("a", "y"), ("a", "y", "z")])
def test_a_winner_that_may_be_a_side_or_a_model_is_refused(models: tuple[str, ...]) -> None:
    """Also in a log of three models, where it was the model without a word."""
    rows = [row | {"model_a": models[i % len(models)], "model_b": models[(i + 1) % len(models)], "winner": "a"}
            for i, row in enumerate(clicks())]  # fmt: skip
    rate = {} if len(models) == 2 else {"win_rate": {"a:y": 0.7}}
    with pytest.raises(BadInputError, match=r"could mean the column or the model of that name.*--label 'a'=a"):
        votewise.filter_clicks(rows, **FAST | rate)
    assert votewise.filter_clicks(rows, **FAST | rate, label={"a": "a"}).summary["counts"]["comparisons"] == 120


def test_a_column_of_losers_is_no_column_of_winners() -> None:
    rows = clicks()
    for row in rows:
        row["loser"] = {"model_a": "model_b", "model_b": "model_a"}[row.pop("winner")]
    with pytest.raises(BadInputError, match=r"'loser'.*winner=loser --label 'model_a'=b --label 'model_b'=a"):
        counted(rows, columns={"winner": "loser"})
    swapped = {"columns": {"winner": "loser"}, "label": {"model_a": "b", "model_b": "a"}}
    found, expected = counted(rows, **swapped), counted(clicks())
    assert found["win_rates"] == expected["win_rates"]
    assert found["counts"] == expected["counts"]


@pytest.mark.parametrize("name", ["swapped", "is_reversed", "model_a_on_left"])
def test_places_beside_a_column_that_says_which_model_was_where(name: str) -> None:
    words = {"model_a": "left", "model_b": "right"}
    rows = [row | {"winner": words[row["winner"]], name: i % 2} for i, row in enumerate(clicks())]
    with pytest.raises(BadInputError, match=f"'{name}'.*--columns {name}="):
        counted(rows)
    assert counted(rows, columns={name: ""})["kept"] == counted(clicks())["kept"]
    assert counted(rows, label={"left": "a", "right": "b"})["kept"] == counted(clicks())["kept"]
