"""A cache for the tests, a session of Spark, and a PostgreSQL server in a temporary folder, removed afterwards.

For the server use the fixture ``postgres_url``, the URL of a database that may be written to; tests that do are skipped
where no server is installed. PostgreSQL refuses to run as root, so root starts it as the user ``postgres`` or ``nobody``.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Also for processes that tests start: the last bits of results depend on the number of threads.
os.environ["OMP_NUM_THREADS"] = "1"


def executables() -> Path | None:
    """The folder with ``initdb`` and ``pg_ctl``, the newest version's where several are installed."""
    found = shutil.which("pg_ctl")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((f for f in reversed(folders) if (f / "initdb").exists() and (f / "pg_ctl").exists()), None)


def unprivileged() -> pwd.struct_passwd | None:
    """The user to become, None where we are not root."""
    if os.getuid() != 0:
        return None
    users = {user.pw_name: user for user in pwd.getpwall()}
    return users.get("postgres") or users.get("nobody")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session", autouse=True)
def _cache_of_our_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The tests have a cache of their own for what votewise keeps between runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOTEWISE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of an empty database, ``postgres://votes@127.0.0.1:port/postgres``."""
    folder = executables()
    if folder is None:
        pytest.skip("PostgreSQL's server (initdb, pg_ctl) is not installed")
    user = unprivileged()
    # Not pytest's folder, which only its owner may enter.
    place = Path(tempfile.mkdtemp(prefix="votewise-postgres-"))
    data = place / "data"

    def run(*command: str) -> None:
        as_user = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        subprocess.run(
            command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=60, cwd=place, **as_user
        )

    try:
        if user is not None:
            os.chown(place, user.pw_uid, user.pw_gid)
        run(str(folder / "initdb"), "-D", str(data), "-U", "votes", "-A", "trust", "-E", "UTF8", "--no-sync")
        for tries_left in reversed(range(5)):
            port = free_port()
            options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={place} -c fsync=off"
            try:
                run(str(folder / "pg_ctl"), "-D", str(data), "-w", "-l", str(place / "log"), "-o", options, "start")
                break
            except subprocess.CalledProcessError:
                # Another worker of pytest-xdist may have taken the port meanwhile.
                if not tries_left:
                    raise
        try:
            yield f"postgres://votes@127.0.0.1:{port}/postgres"
        finally:
            run(str(folder / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The one session of Spark of this process: another one would share its context, and end it for all."""
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("pyspark is not installed: votewise[spark]")
    from pyspark.sql import SparkSession

    place = str(tmp_path_factory.mktemp("spark"))
    settings = {"spark.sql.warehouse.dir": place, "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2"}
    builder = SparkSession.builder.master("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    with warnings.catch_warnings():
        # Spark leaves sockets to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        session.stop()
        gc.collect()
