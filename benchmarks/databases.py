"""Auditing votes with long texts in PostgreSQL: time, peak memory, and what crosses the wire.

Made-up votes with 2 KB of text each, three on every pair, in a table of the given database, which is replaced. The audit is
a fresh process, with its report and all files. To compare with another version of votewise, run this with that version on
PYTHONPATH.

    python benchmarks/databases.py postgres://user@host/database [--rows 200000] [--keep]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

TABLE = "votewise_benchmark"
MAKE = """
CREATE TABLE {table} AS
SELECT (SELECT string_agg(md5((pair * 1001 + x)::text), ' ') FROM generate_series(1, 10) x) AS prompt,
       (SELECT string_agg(md5((pair * 1001 + x + 200)::text), ' ') FROM generate_series(1, 26) x) AS response_a,
       (SELECT string_agg(md5((pair * 1001 + x + 400)::text), ' ') FROM generate_series(1, 26) x) AS response_b,
       'annotator ' || (i * 7919::bigint + i / {pairs}) % 1000 AS annotator,
       CASE WHEN hashint4(i) % 100 > 92 THEN 'tie' WHEN hashint4(i + 9000000) % 100 < 40 THEN 'a' ELSE 'b' END AS label
FROM (SELECT i, i % {pairs} AS pair FROM generate_series(0, {rows} - 1) i) votes
"""


class Wire:
    """A way to the server that counts the bytes that come from it."""

    def __init__(self, host: str, port: int) -> None:
        self.received = 0
        self._to = (host, port)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._door.accept()
            server = socket.create_connection(self._to)
            for source, to in ((client, server), (server, client)):
                threading.Thread(target=self._pass, args=(source, to, source is server), daemon=True).start()

    def _pass(self, source: socket.socket, to: socket.socket, count: bool) -> None:
        try:
            while piece := source.recv(1 << 18):
                self.received += len(piece) if count else 0
                to.sendall(piece)
            to.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def audit(url: str) -> dict[str, float]:
    """Audit the table in this process."""
    from votewise.cli import main

    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        sys.argv = [
            "votewise",
            "audit",
            f"{url}?table={TABLE}",
            "--out",
            str(Path(folder, "out")),
            "--quiet",
            "--force",
        ]
        try:
            main()
        except SystemExit as end:
            if end.code:
                raise
        size = sum(file.stat().st_size for file in Path(folder, "out").iterdir())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": time.perf_counter() - start, "peak GB": peak * 1024 / 1e9, "written MB": size / 1e6}


def main() -> None:
    """Make the table, audit it, and print what that took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--keep", action="store_true", help="keep the table, and use it if it is there")
    parser.add_argument("--audit", action="store_true", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.audit:
        print(json.dumps(audit(told.url)))
        return
    with psycopg.connect(told.url.replace("postgres://", "postgresql://"), autocommit=True) as connection:
        if not told.keep:
            connection.execute(f"DROP TABLE IF EXISTS {TABLE}")
        there = connection.execute("SELECT to_regclass(%s)", [TABLE]).fetchone()
        if there is None or there[0] is None:
            connection.execute(MAKE.format(table=TABLE, rows=told.rows, pairs=max(1, told.rows // 3)))
        sizes = connection.execute(f"SELECT sum(length(prompt || response_a || response_b)) FROM {TABLE}").fetchone()
        at = urlsplit(told.url)
        wire = Wire(at.hostname or "127.0.0.1", at.port or 5432)
        through = told.url.replace(f"{at.hostname}:{at.port}", f"127.0.0.1:{wire.port}")
        words = [sys.executable, __file__, through, "--audit"]
        ran = subprocess.run(words, check=True, capture_output=True, text=True, env=os.environ)
        found = json.loads(ran.stdout.strip().splitlines()[-1])
        found |= {"texts MB": int(sizes[0] if sizes else 0) / 1e6, "received MB": wire.received / 1e6}
        print("  ".join(f"{name} {value:.2f}" for name, value in found.items()))
        if not told.keep:
            connection.execute(f"DROP TABLE {TABLE}")


if __name__ == "__main__":
    main()
