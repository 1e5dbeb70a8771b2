"""A collection in SQLite and one in PostgreSQL, whose clock the test sets."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event, insert

from votewise.collect.collect_settings import FILE
from votewise.collect.database import writing
from votewise.collect.folder import Collection, make_collection, open_collection, starting_text
from votewise.collect.schema import product

PROBE = '\n[[model]]\nname = "small"\nrole = "probe"\n'


@dataclass
class Clock:
    """Says the time that the test sets."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["sqlite", "postgres"])
def new_folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with settings, of two models and a probe, whose database has no tables yet."""
    folder = tmp_path / "study"
    folder.mkdir()
    text = starting_text("new", "old").replace("[probes]", PROBE + "\n[probes]", 1)
    if request.param == "sqlite":
        (folder / FILE).write_text(text)
        yield folder
        return
    url: str = request.getfixturevalue("postgres_url")
    name = f"study_{secrets.token_hex(6)}"
    with psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        monkeypatch.setenv("STUDY_DATABASE", url.rpartition("/")[0] + f"/{name}")
        (folder / FILE).write_text(
            text.replace('# database_env = "VOTEWISE_COLLECT_DATABASE"', 'database_env = "STUDY_DATABASE"')
        )
        yield folder
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def collection(new_folder: Path) -> Iterator[Collection]:
    """A collection with tables, open."""
    make_collection(new_folder, a="", b="").close()
    opened = open_collection(new_folder, clock=Clock())
    if opened.engine.dialect.name == "sqlite":
        # Thousands of transactions are slow where each waits for the disk; test_folder.py tests that they do.
        event.listen(opened.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
        opened.engine.dispose()
    yield opened
    opened.close()


@pytest.fixture
def new_product(collection: Collection) -> Callable[[], int]:
    """Makes products: each call gives the number of another one."""

    def make() -> int:
        with writing(collection.engine) as connection:
            values = {"name": secrets.token_hex(8), "key_hash": secrets.token_hex(32), "at": 0.0}
            made = connection.execute(insert(product).values(**values)).inserted_primary_key
            assert made is not None
            return int(made[0])

    return make


def later(collection: Collection, seconds: float) -> None:
    """Let time pass."""
    assert isinstance(collection.clock, Clock)
    collection.clock.now += seconds


@pytest.fixture(name="later")
def _later(collection: Collection) -> Callable[[float], None]:
    return lambda seconds: later(collection, seconds)
