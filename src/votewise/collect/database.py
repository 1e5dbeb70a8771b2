"""The database of a collection: opened, made, and brought to the tables that this version of votewise works with.

SQLite runs with a write-ahead log and synchronous=FULL: what was acknowledged is on the disk. A transaction that writes
takes the lock at its start, so that two of them wait for each other and never fail half-way.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, OperationalError

from votewise.collect.collect_settings import FILE, CollectSettings
from votewise.errors import BadInputError, needs

BUSY_SECONDS = 30
"""How long a transaction waits for another one that writes to the SQLite file."""

POOL: dict[str, Any] = {"pool_size": 10, "max_overflow": 40}
"""Connections that are kept, and how many more there may be: the service answers 40 requests at a time."""

TRIES = 5
"""Attempts at a transaction that others come between."""

Result = TypeVar("Result")

MIGRATIONS = Path(__file__).with_name("migrations")


def open_engine(folder: Path, settings: CollectSettings, *, make: bool = False) -> Engine:
    """The engine of a folder's database.

    Args:
        folder: the folder with the SQLite file.
        settings: the folder's settings.
        make: whether to make the SQLite file if there is none; readable by its owner only.

    Raises:
        BadInputError: there is no database, or its URL is not set or not PostgreSQL's.
    """
    if settings.database_env is not None:
        return _postgres(settings.database_env, f"{folder / FILE}, store.database_env")
    file = folder / settings.database
    if make:
        try:
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise BadInputError(f"cannot be made: {error.strerror or error}", source=str(file)) from None
    elif not file.is_file():
        raise BadInputError("there is no such file", source=str(file), expected=f"votewise collect init {folder}")
    return sqlite_engine(file)


def sqlite_engine(file: Path) -> Engine:
    """The engine of a SQLite file that exists."""
    # Relative paths would change their meaning with the working directory.
    engine = create_engine(f"sqlite:///{file.absolute()}", connect_args={"timeout": BUSY_SECONDS}, **POOL)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # The driver would begin transactions too late, at the first statement that writes.
        connection.isolation_level = None
        for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgres(variable: str, place: str) -> Engine:
    text = os.environ.get(variable, "")
    if not text:
        problem = f"the environment variable {variable} is not set"
        raise BadInputError(problem, source=place, expected="postgres://user:password@host/database")
    try:
        url = make_url(text)
    except ArgumentError:
        url = None
    # Nothing of the URL is shown: a password with an at sign in it would be.
    if url is None or url.drivername not in ("postgres", "postgresql", "postgresql+psycopg"):
        problem = f"the environment variable {variable} holds no URL of PostgreSQL"
        raise BadInputError(problem, source=place, expected="postgres://user:password@host/database")
    with needs("postgres", "PostgreSQL"):
        return create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, **POOL)


@contextmanager
def database_errors(name: str) -> Iterator[None]:
    """Turn what the driver says about a damaged file or a server that cannot be reached into one line that names it."""
    try:
        yield
    except DatabaseError as error:
        first = str(error.orig).strip().splitlines()
        raise BadInputError(f"cannot be used: {first[0] if first else error.orig}", source=name) from None


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: all of it is kept when the block ends, or nothing where it raises."""
    with engine.begin() as connection:
        yield connection


@contextmanager
def erasing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes, after which SQLite's files do not hold the old values of what was changed.

    Where a service reads an older state meanwhile, they stay in the write-ahead log until SQLite empties it next. PostgreSQL
    lets them go when it vacuums.
    """
    if engine.dialect.name != "sqlite":
        with writing(engine) as connection:
            yield connection
        return
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA secure_delete=ON")
        try:
            with connection.begin():
                yield connection
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            driver.execute("PRAGMA secure_delete=OFF")


def retried(engine: Engine, work: Callable[[Connection], Result]) -> Result:
    """The result of ``work`` in a transaction that writes, begun again where another one came between.

    In PostgreSQL two transactions may insert the same row, or wait for each other; in the second attempt the work of the
    other one is seen.
    """
    for left in reversed(range(TRIES)):
        try:
            with writing(engine) as connection:
                return work(connection)
        except (IntegrityError, OperationalError) as error:
            if not left or not (isinstance(error, IntegrityError) or _may_be_retried(error)):
                raise
    raise AssertionError("unreachable")


def _may_be_retried(error: OperationalError) -> bool:
    """Whether PostgreSQL ended a transaction for the sake of another one: a deadlock, or a failed serialisation."""
    return getattr(error.orig, "sqlstate", None) in ("40P01", "40001")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one state of the database and holds up nobody who writes."""
    level = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with engine.connect().execution_options(writes=False, **level) as connection:
        yield connection


def newest_version() -> str:
    """The version of the tables that this program works with."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None  # noqa: S101 - there is at least one step
    return head


def version_of(engine: Engine) -> str | None:
    """The version of the tables in a database, None where there are none."""
    with reading(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate_tables(engine: Engine, *, to: str = "head") -> tuple[str | None, str]:
    """Bring the tables to the newest version (or the one named ``to``), in one transaction.

    Returns:
        The versions before and after.

    Raises:
        BadInputError: the tables are of a newer version of votewise.
    """
    before = version_of(engine)
    _check_known(before)
    config = _config()
    with _unbound(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, to)
    after = version_of(engine)
    return before, str(after)


@contextmanager
def _unbound(engine: Engine) -> Iterator[Connection]:
    """A transaction that may rebuild tables which others refer to; what refers to nothing at its end is an error.

    SQLite changes constraints of a table only by making it anew, and deletes what refers to the old one, unless foreign
    keys are off from before the transaction on.
    """
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        sqlite = engine.dialect.name == "sqlite"
        if sqlite:
            driver.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
                if sqlite and (lost := connection.exec_driver_sql("PRAGMA foreign_key_check").first()) is not None:
                    raise BadInputError(f"a row of {lost[0]} refers to a row of {lost[2]} that is missing")
        finally:
            if sqlite:
                driver.execute("PRAGMA foreign_keys=ON")


def check_version(engine: Engine, folder: Path) -> None:
    """Refuse a database whose tables are not those that this program works with."""
    found = version_of(engine)
    _check_known(found)
    if found != newest_version():
        what = (
            "has no tables"
            if found is None
            else f"has tables of version {found}, and this votewise needs {newest_version()}"
        )
        raise BadInputError(f"the database {what}", source=str(folder), expected=f"votewise collect migrate {folder}")


def _check_known(version: str | None) -> None:
    known = {step.revision for step in ScriptDirectory.from_config(_config()).walk_revisions()}
    if version is not None and version not in known:
        problem = f"the database has tables of version {version}, which this votewise does not know"
        raise BadInputError(problem, expected="a newer votewise")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("version_locations", str(MIGRATIONS / "steps").replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    return config
