"""What leaves a database while its votes are audited and exported, and what happens when it changes or dies meanwhile."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_stand_ins import many
from test_texts_in_databases import WORDS, Rows, compare, in_duckdb, same_audit

from shell import process
from votewise import audit, export
from votewise.data.lazy_table import LazyTable
from votewise.errors import BadInputError
from votewise.sources import read_votes
from votewise.sources.containers import stand_ins
from votewise.sources.databases import connections, database_table, left_texts
from votewise.sources.databases.connections import open_url
from votewise.sources.meanings import unread_prompts
from votewise.sources.values import table_of

pytestmark = pytest.mark.slow
"""Each takes some seconds."""


@pytest.fixture(autouse=True)
def _small_tables_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(left_texts, "SMALL", 0)


def marked(n: int = 600) -> Rows:
    """Votes whose long texts have the number of their row in them."""
    rng = np.random.default_rng(7)
    rows: Rows = []
    for i in range(n):
        pair = i // 3
        one, other = (f"{WORDS}{side} of pair {pair}" for side in "xy")
        right = rng.random() < (0.9 if i % 7 else 0.3)
        rows.append(
            {"prompt": f"question CANARY{pair}. {WORDS}", "response_a": f"CANARY{pair}. {one}",
             "response_b": f"CANARY{pair}. {other}", "annotator": f"u{i % 7}", "label": "a" if right else "b"}
        )  # fmt: skip
    return rows


def canaries(text: str) -> set[str]:
    return set(re.findall(r"CANARY\d+\.", text))


class Wire:
    """A way to a server on which everything that the server sends is kept."""

    def __init__(self, port: int) -> None:
        self.sent = bytearray()
        self._server = port
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._server)) as server:
            back = threading.Thread(target=self._pass, args=(server, client, True))
            back.start()
            self._pass(client, server, False)
            back.join()

    def _pass(self, source: socket.socket, to: socket.socket, keep: bool) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(1 << 16):
                if keep:
                    self.sent += piece
                to.sendall(piece)
            to.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._door.close()


def test_only_codes_and_the_rows_that_are_shown_leave_postgres(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left_texts, "HEAD", 20)
    monkeypatch.setattr(unread_prompts, "SAMPLE", 20)
    rows = marked()
    connection = ibis.connect(postgres_url)
    connection.create_table("watched", table_of(rows), overwrite=True)
    connection.disconnect()
    wire = Wire(int(re.findall(r":(\d+)/", postgres_url)[0]))
    url = re.sub(r":\d+/", f":{wire.port}/", postgres_url) + "?table=watched"
    try:
        votes = read_votes(url)
        head = canaries("".join(row["prompt"] for row in rows[:21]))
        # Texts are seen where they pass: those of the first rows, and no others.
        assert canaries(wire.sent.decode(errors="replace")) == head
        assert len(votes) == len(rows)
        audit(votes, out=tmp_path / "out")
        shown = canaries((tmp_path / "out" / "report.html").read_text())
        assert 0 < len(shown) < 150
        assert canaries(wire.sent.decode(errors="replace")) == head | shown
    finally:
        wire.close()
    for file in ("votes.parquet", "pairs.parquet", "summary.json", "annotators.parquet"):
        assert b"CANARY" not in (tmp_path / "out" / file).read_bytes()
    assert not canaries(str(pq.read_table(tmp_path / "out" / "votes.parquet").to_pylist()))


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("engine", ["duckdb", "spark"])
def test_only_codes_and_the_rows_that_are_shown_are_fetched(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left_texts, "HEAD", 20)
    monkeypatch.setattr(unread_prompts, "SAMPLE", 20)
    rows = marked()
    if engine == "spark":
        session = request.getfixturevalue("spark")
        from ibis.backends.pyspark import Backend

        pq.write_table(table_of(rows), tmp_path / "rows.parquet")
        session.read.parquet(str(tmp_path / "rows.parquet")).createOrReplaceTempView("watched")
        source = "pyspark://?table=watched"
    else:
        from ibis.backends.duckdb import Backend

        source = in_duckdb(rows, tmp_path)
    fetched: list[str] = []

    class Tee:
        """Batches, kept as they pass."""

        def __init__(self, batches: Any) -> None:
            self.batches = batches

        def __enter__(self) -> Iterator[Any]:
            for batch in self.batches:
                fetched.append(str(batch.to_pylist()))
                yield batch

        def __exit__(self, *_: object) -> None:
            self.batches.close()

    def watched(method: Any) -> Any:
        def watching(self: Any, *args: Any, **kwargs: Any) -> Any:
            found = method(self, *args, **kwargs)
            if isinstance(found, pa.RecordBatchReader):
                return Tee(found)
            fetched.append(str(found.to_pylist()))
            return found

        return watching

    for name in ("to_pyarrow", "to_pyarrow_batches"):
        monkeypatch.setattr(Backend, name, watched(getattr(Backend, name)))
    for module in (connections, database_table):
        monkeypatch.setattr(module, "fetched_from_spark", watched(module.fetched_from_spark))
    audit(source, out=tmp_path / "out")
    shown = canaries((tmp_path / "out" / "report.html").read_text())
    head = canaries("".join(row["prompt"] for row in rows[:21]))
    assert canaries("".join(fetched)) == head | shown
    assert 0 < len(shown) < 150


@pytest.mark.parametrize("how", [{}, {"one_per_pair": True}, {"to": "votes"}, {"flip_below": 0.2, "to": "openai"}])
def test_export_fetches_the_texts(how: dict[str, Any], tmp_path: Path, postgres_url: str) -> None:
    rows = many(4, 160)
    pq.write_table(table_of(rows), tmp_path / "votes.parquet")
    connection = ibis.connect(postgres_url)
    connection.create_table("exported", table_of(rows), overwrite=True)
    found: list[str] = []
    for source in (f"{postgres_url}?table=exported", tmp_path / "votes.parquet"):
        out = tmp_path / f"out{len(found) // 2}"
        result = audit(source, out=out, force=True)
        for what in (out, result):
            export(what, out=tmp_path / "rows.jsonl", **how)
            found.append((tmp_path / "rows.jsonl").read_text())
    assert found[:2] == found[2:]
    assert "answer" in found[0]
    # Later rows do no harm, wherever the database puts them; without the old ones there is a clear line.
    connection.raw_sql("UPDATE exported SET time = 1 WHERE id % 3 = 0; INSERT INTO exported SELECT * FROM exported")
    export(tmp_path / "out0", out=tmp_path / "rows.jsonl", **how)
    assert (tmp_path / "rows.jsonl").read_text() == found[0]
    connection.raw_sql("DELETE FROM exported WHERE id > 100")
    connection.disconnect()
    with pytest.raises(BadInputError, match="no longer there: the table has changed"):
        export(tmp_path / "out0", out=tmp_path / "late.jsonl", **how)
    assert not (tmp_path / "late.jsonl").exists()


def test_export_asks_for_the_database(tmp_path: Path) -> None:
    rows = many(4, 60)
    url = in_duckdb(rows, tmp_path)
    table = ibis.duckdb.connect(tmp_path / "votes.duckdb", read_only=True).table("votes")
    audit(table, out=tmp_path / "out", force=True)
    with pytest.raises(BadInputError, match=r"in a database that is not named .expected --source with the URL"):
        export(tmp_path / "out")
    whole = export(tmp_path / "out", source=url).table.to_pylist()
    assert export(tmp_path / "out", source=table).table.to_pylist() == whole
    with pytest.raises(BadInputError, match="is no URL of a database"):
        export(tmp_path / "out", source="votes.parquet")


def test_a_table_that_changes_before_the_report_is_written(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left_texts, "HEAD", 20)
    monkeypatch.setattr(unread_prompts, "SAMPLE", 20)
    connection = ibis.connect(postgres_url)
    connection.create_table("moving", table_of(many(4, 160)), overwrite=True)
    votes = read_votes(f"{postgres_url}?table=moving")
    connection.raw_sql("UPDATE moving SET prompt = prompt || '!'")
    connection.disconnect()
    with pytest.raises(BadInputError, match=r"no longer there: the table has changed .expected .* audit it again"):
        audit(votes, out=tmp_path / "out", force=True)
    assert not (tmp_path / "out" / "summary.json").exists()


STEPS = ["first rows", "sizes", "digests", "shown rows"]


@pytest.mark.parametrize("step", STEPS)
def test_a_server_that_dies_at_any_step(step: str, tmp_path: Path, postgres_url: str) -> None:
    import psycopg

    out = tmp_path / "out"
    name = f"dying_{step.replace(' ', '_')}"
    code = "from votewise.sources.databases import left_texts; left_texts.HEAD = left_texts.SMALL = 2"
    with psycopg.connect(postgres_url.replace("postgres://", "postgresql://"), autocommit=True) as connection:
        connection.execute(f"""
            CREATE VIEW {name} AS SELECT 'u' || i % 3 AS annotator, CASE WHEN i % 5 < 2 THEN 'a' ELSE 'b' END AS label,
              repeat('long ', 20) || i / 3 AS prompt, repeat('x ', 50) AS response_a, repeat('y ', 50) AS response_b
            FROM (SELECT i, pg_sleep(0.05) FROM generate_series(1, 30) i OFFSET 0) rows""")
        url = f"{postgres_url.replace('votes@', 'votes:geheim@')}?table={name}"
        running = subprocess.Popen(
            process("audit", url, "--out", out, "--force", before=code),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        # A connection says which cursor it reads from; every step has its own.
        query = "SELECT pid, query FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        steps: list[str] = []
        until = time.monotonic() + 300
        while len(steps) < 1 + STEPS.index(step) and time.monotonic() < until:
            now = connection.execute(query).fetchall()
            steps += [asked for _, asked in now if asked not in steps]
            time.sleep(0.01)
        for number, _ in now:
            connection.execute("SELECT pg_terminate_backend(%s)", [number])
        printed, said = running.communicate(timeout=300)
    assert running.returncode == 1, said
    assert "the connection was lost while reading" in said.strip().splitlines()[-1]
    assert "Traceback" not in said
    assert "geheim" not in said + printed
    assert not out.exists() or list(out.iterdir()) == []


def test_conversations_are_looked_into_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "large").mkdir()
    rows = [row | {"prompt": f'[{{"role": "user", "content": "{row["prompt"]}"}}]'} for row in many(4, 60)]
    votes = read_votes(in_duckdb(rows, tmp_path))
    assert votes.reading is not None
    assert not isinstance(votes.table, LazyTable)
    assert votes.reading.notes[0].startswith(
        "All texts were fetched from the database: those of 'prompt' are lists or obj"
    )
    # Many texts are then in a temporary file.
    monkeypatch.setattr(stand_ins, "LARGE", 0)
    large = read_votes(in_duckdb(rows, tmp_path / "large"))
    assert isinstance(large.table, LazyTable)
    compare(large, votes)
    folder = large.table.stored.store.kept[0].path
    assert folder.is_dir()
    del large
    gc.collect()
    assert not folder.exists()


def test_texts_in_brackets_are_no_conversations(tmp_path: Path) -> None:
    rows = [
        row | {"prompt": f"[{i}] {row['prompt']} (sic)" if i % 5 else row["prompt"]}
        for i, row in enumerate(many(4, 60))
    ]
    same_audit(in_duckdb(rows, tmp_path), rows, tmp_path, left=True)


def test_tables_drawn_by_chance_and_names_that_differ_in_case(tmp_path: Path) -> None:
    table = ibis.memtable(table_of(many(4, 60)))
    drawn = read_votes(table.mutate(more=ibis.random()))
    assert drawn.reading is not None
    assert "would be another one" in drawn.reading.notes[0]
    votes = read_votes(table)
    assert isinstance(votes.table, LazyTable)
    assert votes.reading is not None
    assert votes.reading.notes == (
        "The texts of 'prompt', 'response_a', 'response_b', 'reason' stay in the database: results hold digests of them, "
        "in columns NAME_digest.",
    )


def test_names_of_digests_do_not_hide_columns(tmp_path: Path) -> None:
    rows = [row | {"prompt_digest": row["id"]} for row in many(4, 60)]
    url = in_duckdb(rows, tmp_path)
    audit(url, out=tmp_path / "out", force=True)
    written = pq.read_table(tmp_path / "out" / "votes.parquet")
    assert written["prompt_digest"].to_pylist() == written["id"].to_pylist()
    first = str(rows[written["id"][0].as_py()]["prompt"])
    assert written["prompt_digest_"][0].as_py()[:32] == hashlib.md5(first.encode(), usedforsecurity=False).hexdigest()
    assert export(tmp_path / "out", source=url).table.num_rows


def test_rows_of_postgres_come_in_the_order_of_the_table(postgres_url: str) -> None:
    connection = ibis.connect(postgres_url)
    connection.create_table("ordered", table_of(many(4, 20)), overwrite=True)
    connection.disconnect()
    with open_url(f"{postgres_url}?table=ordered") as table:
        # Large tables are otherwise read from where another reader is.
        assert table.get_backend().con.execute("SHOW synchronize_seqscans").fetchone() == ("off",)


def test_a_null_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(left_texts, "HEAD", 2)
    rows = many(4, 60)
    url = in_duckdb(rows, tmp_path)
    votes = read_votes(url)
    wanted = [i for i, row in enumerate(votes.table["id"].to_pylist()) if i > 4]
    found = votes.table.select(["reason", "prompt"]).take(pa.array(wanted)).to_pylist()
    told = [rows[row] for row in votes.table["id"].to_pylist()]
    assert found == [{"reason": told[i]["reason"], "prompt": told[i]["prompt"]} for i in wanted]
    assert None in [row["reason"] for row in found]
