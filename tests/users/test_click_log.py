"""The same counts and the same rows on every engine; swaps, ties, domains; what cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from votewise.errors import BadInputError
from votewise.sources.containers.open_table import OpenTable
from votewise.users.click_log import ClickLog
from votewise.users.log_options import LogOptions
from votewise.users.read_clicks import count_comparisons, open_log

COLUMNS = {"user": "user", "a": "model_a", "b": "model_b", "winner": "winner"}


def simulated(n: int = 3000, users: int = 150, seed: int = 0) -> pa.Table:
    """A log in which sides swap and winners come in every spelling; user u0 makes half of all clicks."""
    rng = np.random.default_rng(seed)
    user = np.where(rng.random(n) < 0.5, 0, rng.integers(0, users, n))
    swapped = rng.random(n) < 0.5
    strong = rng.random(n) < np.where(user % 3 == 0, 0.5, 0.8)
    tie = rng.random(n) < 0.1
    side = np.where(strong != swapped, "model_a", "model_b")
    name = np.where(strong, "strong", "weak")
    winner = np.where(
        tie, np.where(rng.random(n) < 0.5, "tie", "tie (bothbad)"), np.where(rng.random(n) < 0.3, name, side)
    )
    return pa.table(
        {
            "row": np.arange(n),
            "user": [f"u{i}" for i in user],
            "model_a": np.where(swapped, "weak", "strong").tolist(),
            "model_b": np.where(swapped, "strong", "weak").tolist(),
            "winner": winner.tolist(),
            "domain": np.where(rng.random(n) < 0.4, "code", "prose").tolist(),
        }
    )


def by_hand(log: pa.Table, domain: str | None = None) -> dict[str, tuple[int, int]]:
    """(comparisons, wins of the strong model) per user, row by row."""
    found: dict[str, tuple[int, int]] = {}
    for row in log.to_pylist():
        n, w = found.setdefault(row["user"], (0, 0))
        if not row["winner"].startswith("tie") and domain in (None, row["domain"]):
            won = row.get(row["winner"], row["winner"]) == "strong"
            found[row["user"]] = (n + 1, w + won)
    return found


def cells(log: pa.Table, domains: tuple[str | None, ...] = (None,)) -> list[tuple[int, ...]]:
    """Per user the comparisons and wins in each domain, collapsed into (counts..., users)."""
    per_domain = [by_hand(log, domain) for domain in domains]
    users = [tuple(d[u][0] for d in per_domain) + tuple(d[u][1] for d in per_domain) for u in per_domain[0]]
    return sorted((*cell, users.count(cell)) for cell in set(users))


def as_cells(comparisons: Any) -> list[tuple[int, ...]]:
    table = np.concatenate([comparisons.comparisons, comparisons.wins, comparisons.users[:, None]], axis=1)
    return [tuple(row) for row in table.tolist()]


LOG = simulated()


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """``LOG`` in one of the places a log may live in."""
    kind = request.param
    path = tmp_path / f"log.{kind}"
    if kind.startswith("large"):
        request.getfixturevalue("monkeypatch").setattr("votewise.sources.containers.lazy.IN_MEMORY", 0)
    match kind:
        case "arrow table":
            return LOG
        case "pandas":
            return LOG.to_pandas()
        case "ibis":
            return ibis.memtable(LOG)
        case "parquet":
            pq.write_table(LOG, path)
            return path
        case "csv" | "large csv":
            path = path.with_suffix(".csv")
            pyarrow.csv.write_csv(LOG, path)
            return str(path)
        case "large tsv.gz" | "large semicolons":
            delimiter, name = ("\t", "log.tsv.gz") if "tsv" in kind else (";", "log.csv")
            LOG.to_pandas().to_csv(tmp_path / name, sep=delimiter, index=False)
            return tmp_path / name
        case "jsonl" | "large jsonl":
            path = path.with_suffix(".jsonl")
            LOG.to_pandas().to_json(path, orient="records", lines=True)
            return path
        case "jsonl.zst" | "large jsonl.zst":
            with pa.output_stream(str(tmp_path / "log.jsonl.zst"), compression="zstd") as file:
                file.write(LOG.to_pandas().to_json(orient="records", lines=True).encode())
            return tmp_path / "log.jsonl.zst"
        case "large json":
            LOG.to_pandas().to_json(tmp_path / "log.json", orient="records")
            return tmp_path / "log.json"
        case "csv folder" | "large csv folder" | "csv glob":
            (tmp_path / "parts").mkdir()
            for i in range(3):
                LOG.slice(i * 1000, 1000).to_pandas().to_csv(tmp_path / "parts" / f"{i}.csv.gz", index=False)
            return str(tmp_path / "parts" / "*.csv.gz") if kind.endswith("glob") else tmp_path / "parts"
        case "arrow":
            with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, LOG.schema) as writer:
                writer.write_table(LOG)
            return path
        case "folder" | "glob":
            for i in range(3):
                (tmp_path / "log" / f"part={i}").mkdir(parents=True)
                pq.write_table(LOG.slice(i * 1000, 1000), tmp_path / "log" / f"part={i}" / "x[1].parquet")
            return tmp_path / "log" if kind == "folder" else str(tmp_path / "log" / "*" / "*.parquet")
        case "duckdb":
            connection = ibis.duckdb.connect(path)
            connection.create_table("log", LOG)
            connection.disconnect()
            return f"duckdb://{path}?table=log"
        case "postgres":
            url = request.getfixturevalue("postgres_url")
            connection = ibis.connect(url)
            connection.create_table("log", LOG, overwrite=True)
            connection.disconnect()
            return f"{url}?table=log"
        case "spark":
            session = request.getfixturevalue("spark")
            session.createDataFrame(LOG.to_pandas()).createOrReplaceTempView("log")
            return "pyspark://?table=log"
    raise AssertionError(kind)


PLACES = [
    "arrow table",
    "pandas",
    "ibis",
    "parquet",
    "csv",
    "jsonl",
    "large csv",
    "large tsv.gz",
    "large semicolons",
    "large jsonl",
    "jsonl.zst",
    "large jsonl.zst",
    "large json",
    "csv folder",
    "large csv folder",
    "csv glob",
    "arrow",
    "folder",
    "glob",
    "duckdb",
    "postgres",
]
PLACES += [pytest.param("spark", marks=[pytest.mark.slow, pytest.mark.filterwarnings("default")])]
everywhere = pytest.mark.parametrize("place", PLACES, indirect=True)


@pytest.mark.slow
@everywhere
def test_the_same_everywhere(place: Any, tmp_path: Path) -> None:
    with open_log(place, COLUMNS | {"domain": "domain"}) as opened:
        assert as_cells(opened.counts) == cells(LOG, ("code", "prose"))
        assert opened.counts.domains == ("code", "prose")
    with open_log(place, COLUMNS) as opened:
        counts = opened.counts
        assert as_cells(counts) == cells(LOG)
        assert counts.models == ("strong", "weak")
        assert counts.ties == sum(w.startswith("tie") for w in LOG["winner"].to_pylist())
        assert opened.swapped == LOG["model_a"].to_pylist().count("weak")
        assert opened.count_rows().sum() == len(LOG)
        check_writing(opened, tmp_path)


def check_writing(opened: ClickLog, folder: Path) -> None:
    """Exactly the rows of the users in the kept cells are written, as they were; and every user once."""
    hand = by_hand(LOG)
    share = opened.counts.wins.sum(1) / np.maximum(opened.counts.comparisons.sum(1), 1)
    kept = share > 0.7
    number = opened.write_rows(folder / "rows.parquet", kept)
    good = {user for user, (n, w) in hand.items() if w / max(n, 1) > 0.7}
    assert 0 < len(good) < len(hand)
    wanted = [row for row in LOG.to_pylist() if row["user"] in good]
    written = pq.read_table(folder / "rows.parquet").select(LOG.column_names).to_pylist()
    assert sorted(({**row, "row": int(row["row"])} for row in written), key=lambda row: row["row"]) == wanted
    assert number == len(wanted) == opened.count_rows()[kept].sum()
    columns = pa.table({"comparisons": opened.counts.comparisons[:, 0], "wins": opened.counts.wins[:, 0], "kept": kept})
    assert opened.write_users(folder / "users.parquet", columns) == len(hand)
    users = pq.read_table(folder / "users.parquet").to_pylist()
    assert {u["user"]: (u["comparisons"], u["wins"]) for u in users} == hand
    assert {u["user"] for u in users if u["kept"]} == good


@pytest.mark.slow
def test_rows_of_parquet_files_keep_their_order(tmp_path: Path) -> None:
    log = simulated(300_000, 500)
    pq.write_table(log, tmp_path / "log.parquet")
    with open_log(tmp_path / "log.parquet", COLUMNS) as opened:
        opened.write_rows(tmp_path / "rows.parquet", np.arange(len(opened.counts.users)) % 2 == 0)
    row = pq.read_table(tmp_path / "rows.parquet")["row"].to_numpy()
    assert 0 < len(row) < len(log)
    assert (np.diff(row) > 0).all()


def test_any_text_is_written_as_it_came(tmp_path: Path) -> None:
    log = pa.table(
        {
            "user": [1, 1, 2, 2, 3, 3],
            "a": ["it's", "it's", "it's", 'so "so"', None, "it's"],
            "b": ['so "so"', 'so "so"', 'so "so"', "it's", "it's", 'so "so"'],
            "winner": ["it's", "model_a", "tie", "model_b", "model_a", None],
            "domain": pa.nulls(6, pa.string()),
        }
    )
    columns = {"user": "user", "a": "a", "b": "b", "winner": "winner"}
    with open_log(log, columns, LogOptions(on_error="skip")) as opened:
        assert opened.texts["winner"] == ("it's", "model_a", "model_b", "tie")
        opened.write_rows(tmp_path / "rows.parquet", np.ones(len(opened.counts.users), bool))
    assert pq.read_table(tmp_path / "rows.parquet").equals(log.slice(0, 4))


def test_model_a_is_the_first_by_name_or_as_given() -> None:
    first, second = count_comparisons(LOG), count_comparisons(LOG, model="weak")
    assert (first.models, second.models) == (("strong", "weak"), ("weak", "strong"))
    assert first.wins.sum() + second.wins.sum() == first.comparisons.sum() == second.comparisons.sum()
    with pytest.raises(BadInputError, match=r"no such model, got 'medium' .expected 'strong' or 'weak'"):
        count_comparisons(LOG, model="medium")


def log(**columns: list[Any]) -> pa.Table:
    """Six rows by three users, with these columns replaced."""
    usual = {
        "user": ["ann", "ann", "bob", "bob", "cid", "cid"],
        "model_a": ["x"] * 6,
        "model_b": ["y"] * 6,
        "winner": ["model_a", "model_b", "x", "y", "tie", "both_bad"],
    }
    return pa.table(usual | columns)


def test_users_with_only_ties_have_no_comparisons() -> None:
    counts = count_comparisons(log())
    assert as_cells(counts) == [(0, 0, 1), (2, 1, 2)]
    assert counts.ties == 2


def test_one_user_and_columns_of_other_names_and_types() -> None:
    table = log(user=[7] * 6, model_a=[1] * 6, model_b=[2] * 6, winner=["a", "A", "Model_A", "b", "1", "2"])
    table = table.rename_columns(["who", "left", "right", "better"])
    counts = count_comparisons(table, user="who", a="left", b="right", winner="better")
    assert as_cells(counts) == [(6, 4, 1)]
    assert counts.models == ("1", "2")


NAN = float("nan")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"winner": ["model_a", "maybe", "maybe", "x", "y", "z"]},
         r"column 'winner': unknown winner in 2 rows, e.g. user='ann'.* got 'maybe' \(expected model_a, model_b, tie"),
        ({"winner": [None, "x", "x", "x", "y", None]}, r"no winner in 2 rows, e.g. user='ann', .*winner=None"),
        ({"winner": [0.0, NAN, 1.0, 1.0, NAN, NAN]}, r"no winner in 3 rows, e.g. user='ann'.* got nan"),
        ({"winner": [1, 2, 1, 1, 1, 2]}, r"unknown winner in 4 rows, .* got 1 "),
        ({"user": [None, "ann", " ", "bob", "bob", ""]}, r"column 'user': no user in 3 rows, e.g. user="),
        ({"user": [1.0, 2.0, NAN, 1.0, None, 1.0]}, r"column 'user': no user in 2 rows"),
        ({"model_b": ["y", "y", None, "y", "y", "y"]}, r"column 'model_b': no model in 1 row"),
        ({"model_b": ["y", "y", "x", "y", "y", "y"]}, r"the same model on both sides in 1 row.* got 'x'"),
        ({"model_b": ["y", "z", "x", "y", "y", "y"]}, r"column 'model_b': the same model on both sides in 1 row.* got 'x'"),
        ({"model_b": ["y", "z", "y", "y", "y", "y"], "winner": ["q", *["x"] * 5]}, r"unknown winner .*model_b=.* got 'q'"),
        ({"model_b": ["x"] * 6}, r"1 model: 'x' \(12 rows\) \(expected the same two models in all rows"),
        ({"model_a": ["model_b"] * 6}, r"could mean the column or the model of that name.* got 'model_b'"),
        ({"winner": [["x"]] * 6}, "column 'winner': holds lists or structs"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_one_line(columns: dict[str, list[Any]], message: str) -> None:
    with pytest.raises(BadInputError, match=message) as error:
        count_comparisons(log(**columns))
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("pyarrow Table")


def test_what_cannot_be_used_is_skipped_and_counted(tmp_path: Path) -> None:
    table = log(
        user=["ann", "ann", "ann", None, "cid", "cid"],
        winner=["model_a", None, "maybe", "x", "tie", "y"],
        domain=["code", "code", "code", "code", "code", None],
    )
    with open_log(table, COLUMNS | {"domain": "domain"}, LogOptions(on_error="skip")) as opened:
        assert as_cells(opened.counts) == [(0, 0, 1), (1, 1, 1)]
        assert opened.counts.ties == 1
        assert opened.skipped == {"no winner": 1, "unknown winner": 1, "no domain": 1, "no user": 1}
        assert opened.write_rows(tmp_path / "rows.parquet", np.array([True, True])) == 2
    assert pq.read_table(tmp_path / "rows.parquet")["winner"].to_pylist() == ["model_a", "tie"]
    with pytest.raises(BadInputError, match="no row can be used"):
        count_comparisons(log(winner=["?"] * 6), on_error="skip")


def test_columns_must_be_there() -> None:
    expected = r"no column 'who' for user .expected --columns user=NAME with one of user, model_a, model_b, winner"
    with pytest.raises(BadInputError, match=expected):
        count_comparisons(log(), user="who")
    with pytest.raises(BadInputError, match="one column was named twice"):
        count_comparisons(log(), a="model_b")
    with pytest.raises(BadInputError, match="there are no rows"):
        count_comparisons(log().slice(0, 0))
    with pytest.raises(BadInputError, match=r"more than 1,000 combinations.*"):
        count_comparisons(
            pa.table({n: list(map(str, range(2000))) for n in COLUMNS.values()} | {"model_a": ["x"] * 2000})
        )


def test_sources_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "folder").mkdir()
    for name, message in {
        "none.parquet": "no such file", "empty.csv": "empty", "broken.parquet": "cannot be read",
        "folder": "is a folder without data", "*.pq": "matches no file",
    }.items():  # fmt: skip
        with pytest.raises(BadInputError, match=message):
            count_comparisons(str(tmp_path / name))


def test_texts_stay_texts_in_a_csv(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user,model_a,model_b,winner\n007,x,y,x\n7,x,y,x\n")
    with open_log(path, COLUMNS) as opened:
        opened.write_rows(tmp_path / "rows.parquet", np.array([True]))
    assert pq.read_table(tmp_path / "rows.parquet")["user"].to_pylist() == ["007", "7"]


@pytest.mark.parametrize(
    ("kind", "first", "step"),
    [
        (pa.int64(), 0, 1),
        (pa.int64(), -(2**63), 1),
        (pa.int64(), -(2**63), 2**55),
        (pa.int32(), -40, 10_000),
        (pa.uint64(), 2**64 - 200, 1),
        (pa.uint64(), 2**40, 2**30),
    ],
)
def test_numbered_users_are_counted_alike_whatever_their_range(
    tmp_path: Path, kind: pa.DataType, first: int, step: int
) -> None:
    """Small ranges are counted in arrays, wide ones in hash tables."""
    log = simulated()
    users = pa.array([first + step * int(name[1:]) for name in log["user"].to_pylist()], kind)
    numbered = log.set_column(1, "user", users)
    pq.write_table(numbered, tmp_path / "log.parquet", row_group_size=500)
    assert as_cells(count_comparisons(tmp_path / "log.parquet")) == cells(numbered)


def test_arrays_of_all_threads_keep_within_their_bytes() -> None:
    engine = ibis.duckdb.connect()
    for threads in (1, 2, 7, 64):
        engine.con.execute(f"SET threads = {threads}")
        for width in (32, 640, 10**9):
            OpenTable(None, "log", engine=engine).count_in_arrays(width)
            bits = engine.con.execute("SELECT current_setting('perfect_ht_threshold')").fetchone()[0]
            assert bits >= 12
            assert bits == 12 or threads * width << bits <= 1 << 28
    OpenTable(None, "log").count_in_arrays(32)
