"""A folder is made once, opened often, and migrated from every earlier version; SQLite and PostgreSQL alike."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect, select, text
from sqlalchemy.exc import DatabaseError

from votewise.collect import schema
from votewise.collect.collect_settings import FILE, read_settings
from votewise.collect.database import (
    migrate_tables,
    newest_version,
    open_engine,
    reading,
    version_of,
    writing,
)
from votewise.collect.folder import Collection, make_collection, migrate_collection, open_collection
from votewise.errors import BadInputError

VERSIONS = [str(number) for number in range(1, int(newest_version()) + 1)]


def checks(connection: Connection) -> dict[str, dict[str | None, str]]:
    """For each table the conditions that its rows meet, by their names; PostgreSQL writes conditions in its own way."""
    look = inspect(connection)
    sqlite = connection.dialect.name == "sqlite"
    return {
        table: {c["name"]: c["sqltext"] if sqlite else "" for c in look.get_check_constraints(table)}
        for table in schema.metadata.tables
    }


def test_the_tables_are_those_of_the_schema(collection: Collection) -> None:
    with reading(collection.engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []
        made = checks(connection)
    with create_engine("sqlite://").begin() as connection:
        schema.metadata.create_all(connection)
        wanted = checks(connection)
    if collection.engine.dialect.name != "sqlite":
        wanted = {table: dict.fromkeys(named, "") for table, named in wanted.items()}
    assert made == wanted


@pytest.mark.parametrize("version", VERSIONS)
def test_every_earlier_version_is_migrated(new_folder: Path, version: str) -> None:
    engine = open_engine(new_folder, read_settings(new_folder), make=True)
    migrate_tables(engine, to=version)
    engine.dispose()
    if version != newest_version():
        with pytest.raises(BadInputError, match=rf"tables of version {version}.*votewise collect migrate"):
            open_collection(new_folder)
    assert migrate_collection(new_folder) == (version, newest_version())
    opened = open_collection(new_folder)
    with reading(opened.engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    opened.close()


def test_a_database_without_tables_is_migrated_too(new_folder: Path) -> None:
    open_engine(new_folder, read_settings(new_folder), make=True).dispose()
    (new_folder / "collect.db").touch()
    with pytest.raises(BadInputError, match=r"has no tables.*votewise collect migrate"):
        open_collection(new_folder)
    assert migrate_collection(new_folder) == (None, newest_version())


def test_a_migration_that_fails_changes_nothing(new_folder: Path) -> None:
    engine = open_engine(new_folder, read_settings(new_folder), make=True)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE vote_log (mine INTEGER)"))
    with pytest.raises(DatabaseError, match=r"vote_log"):
        migrate_tables(engine)
    with reading(engine) as connection:
        assert inspect(connection).get_table_names() == ["vote_log"]
    assert version_of(engine) is None
    engine.dispose()


def test_tables_of_a_newer_version_are_refused(collection: Collection) -> None:
    with writing(collection.engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '999'"))
    for act in (open_collection, migrate_collection):
        with pytest.raises(BadInputError, match=r"version 999, which this votewise does not know.*a newer votewise"):
            act(collection.folder)


def test_settings_are_kept_version_by_version(collection: Collection) -> None:
    file = collection.folder / FILE
    again = open_collection(collection.folder)
    assert again.config_version == collection.config_version
    again.close()
    file.write_text(file.read_text().replace('name = "old"', 'name = "older"'))
    changed = open_collection(collection.folder)
    assert changed.config_version == collection.config_version + 1
    with reading(changed.engine) as connection:
        names = set(connection.execute(select(schema.model.c.name)).scalars())
        kept = connection.execute(select(schema.config_version.c.content).order_by("id")).scalars().all()
    assert names == {"new", "old", "older", "small"}
    assert kept[-1] == file.read_text()
    assert len(kept) == 2
    changed.close()


def test_sqlite_is_safe_and_private(tmp_path: Path) -> None:
    made = make_collection(tmp_path / "study", a="new", b="old")
    assert stat.S_IMODE((made.folder / "collect.db").stat().st_mode) == 0o600
    with reading(made.engine) as connection:
        settings = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")]
        assert settings == ["wal", 2]
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
    made.close()


def test_making_a_folder_again_changes_nothing(tmp_path: Path) -> None:
    make_collection(tmp_path / "study", a="new", b="old").close()
    before = (tmp_path / "study" / FILE).read_text()
    again = make_collection(tmp_path / "study", a="other", b="models")
    assert (tmp_path / "study" / FILE).read_text() == before
    assert again.config_version == 1
    again.close()


def test_what_is_in_the_way_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(BadInputError, match=r"is not empty \(expected a new folder"):
        make_collection(tmp_path, a="new", b="old")
    with pytest.raises(BadInputError, match=r"has no collect\.toml.*votewise collect init"):
        open_collection(tmp_path)
    with pytest.raises(BadInputError, match=r"name: is the name of two models"):
        make_collection(tmp_path / "twice", a="same", b="same")
    assert list((tmp_path / "twice").iterdir()) == []
    made = make_collection(tmp_path / "study", a="new", b="old")
    made.close()
    (made.folder / "collect.db").write_bytes(b"no database" * 1000)
    with pytest.raises(BadInputError, match=r"collect\.db: cannot be used: file is not a database"):
        open_collection(made.folder)
    (made.folder / "collect.db").unlink()
    with pytest.raises(BadInputError, match=r"collect\.db: there is no such file"):
        open_collection(made.folder)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "the environment variable STUDY_URL is not set"),
        ("mysql://me:secret@host/votes", "STUDY_URL holds no URL of PostgreSQL"),
        ("me:secret@host", "STUDY_URL holds no URL of PostgreSQL"),
        ("postgres://me:secret@127.0.0.1:9/votes", "the database in STUDY_URL: cannot be used: connection failed"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, said: str
) -> None:
    make_collection(tmp_path / "study", a="new", b="old").close()
    file = tmp_path / "study" / FILE
    file.write_text(file.read_text().replace('database = "collect.db"', 'database_env = "STUDY_URL"'))
    monkeypatch.setenv("STUDY_URL", url)
    with pytest.raises(BadInputError) as error:
        open_collection(tmp_path / "study")
    assert said in str(error.value)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_rows_of_an_earlier_version_stay(new_folder: Path) -> None:
    """Also those that refer to tables which SQLite has to make anew."""
    engine = open_engine(new_folder, read_settings(new_folder), make=True)
    migrate_tables(engine, to="4")
    rows = {
        "config_version": "1, 0.0, 'd', 'text'",
        "model": "1, 'new', 'a', NULL, NULL",
        "product": "1, 'website', 'h', 0.0, NULL",
        "person": "1, 'pseudonym', 0.0",
        "prompt": "1, '2 + 2?', NULL, NULL",
        "answer": "1, 1, 1, 'done', 'Four.', NULL, NULL, 0.0",
        "pair": "1, 'd', 1, 1, 1",
        "comparison": "'c', 'k', 'd', 1, 1, 1, 1, 1, 1, 'probe', 0.5, 'final', 0.0, 0.0, 0.0",
        "vote": "'c', 'left', NULL, NULL, NULL, 1, 0.0",
    }
    with writing(engine) as connection:
        for table, values in rows.items():
            connection.execute(text(f"INSERT INTO {table} VALUES ({values})"))
    migrate_tables(engine)
    with reading(engine) as connection:
        for table in rows:
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 1, table
        found = connection.execute(text("SELECT model_a, label, purpose FROM votes")).one()
        assert tuple(found) == ("new", "a", "probe")
        names = [index["name"] for index in inspect(connection).get_indexes("comparison")]
        assert "ix_comparison_state_lease" in names
    with pytest.raises(DatabaseError), writing(engine) as connection:  # foreign keys are on again
        connection.execute(text("DELETE FROM comparison"))
    engine.dispose()
