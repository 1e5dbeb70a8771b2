"""The folder of a collection: made, opened, migrated."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, select, update

from votewise.collect import schema
from votewise.collect.collect_settings import FILE, CollectSettings, parse_settings, read_settings
from votewise.collect.database import (
    check_version,
    database_errors,
    migrate_tables,
    open_engine,
    version_of,
    writing,
)
from votewise.errors import BadInputError
from votewise.storage.files import make_folder, written_whole

Clock = Callable[[], float]
"""Seconds since 1970."""


@dataclass(frozen=True, eq=False)
class Collection:
    """An open collection.

    Attributes:
        folder: where its settings are.
        settings: as the file says now.
        engine: its database.
        config_version: the number of these settings in the database.
        clock: what says the time.
    """

    folder: Path
    settings: CollectSettings
    engine: Engine = field(repr=False)
    config_version: int
    clock: Clock = field(repr=False, default=time.time)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()


def starting_text(a: str, b: str) -> str:
    """The text of a new ``collect.toml`` for two models; names that cannot be used are found when it is read."""
    names = {"a": a, "b": b}
    template = Path(__file__).with_name("starting.toml").read_text(encoding="utf-8")
    return re.sub(r'"\{([ab])\}"', lambda place: _toml_string(names[place[1]]), template)


def _toml_string(text: str) -> str:
    # A JSON string is a TOML string, too, except that TOML wants DEL escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def make_collection(folder: Path, *, a: str, b: str) -> Collection:
    """Make what is missing of a folder: settings, and the database that they name with its tables.

    Args:
        folder: an existing one must be empty, or hold a ``collect.toml``, which stays as it is.
        a: name of the model of role a, for new settings.
        b: name of the model of role b.

    Raises:
        BadInputError: the folder holds something else, the settings cannot be used, or the database has tables of another
            version of votewise.
    """
    make_folder(folder)
    file = folder / FILE
    if not file.exists():
        if any(folder.iterdir()):
            raise BadInputError("is not empty", source=str(folder), expected="a new folder, or one with a collect.toml")
        text = starting_text(a, b)
        parse_settings(text, str(file))
        with written_whole(file) as partial:
            partial.write_text(text, encoding="utf-8")
    settings = read_settings(folder)
    engine = open_engine(folder, settings, make=True)
    try:
        with database_errors(_name(folder, settings)):
            if version_of(engine) is None:
                migrate_tables(engine)
            check_version(engine, folder)
        return _opened(folder, settings, engine, time.time)
    except BaseException:
        engine.dispose()
        raise


def open_collection(folder: Path, *, clock: Clock = time.time) -> Collection:
    """Open a folder that ``make_collection`` made; new settings become a new version in the database.

    Raises:
        BadInputError: the settings cannot be used, or the tables are of another version of votewise.
    """
    settings = read_settings(folder)
    engine = open_engine(folder, settings)
    try:
        with database_errors(_name(folder, settings)):
            check_version(engine, folder)
        return _opened(folder, settings, engine, clock)
    except BaseException:
        engine.dispose()
        raise


def migrate_collection(folder: Path) -> tuple[str | None, str]:
    """Bring the folder's tables to the newest version, and return the versions before and after.

    Raises:
        BadInputError: the settings or the database cannot be used, or the tables are of a newer votewise.
    """
    settings = read_settings(folder)
    engine = open_engine(folder, settings)
    try:
        with database_errors(_name(folder, settings)):
            return migrate_tables(engine)
    finally:
        engine.dispose()


def _name(folder: Path, settings: CollectSettings) -> str:
    return f"the database in {settings.database_env}" if settings.database_env else str(folder / settings.database)


def _opened(folder: Path, settings: CollectSettings, engine: Engine, clock: Clock) -> Collection:
    with database_errors(_name(folder, settings)), writing(engine) as connection:
        version = _record_settings(connection, settings, clock())
    return Collection(folder, settings, engine, version, clock)


def _record_settings(connection: Connection, settings: CollectSettings, now: float) -> int:
    """The number of these settings' version, a new one if they differ from the last."""
    digest = hashlib.sha256(settings.text.encode()).hexdigest()
    versions = schema.config_version
    last = connection.execute(select(versions.c.id, versions.c.digest).order_by(versions.c.id.desc()).limit(1)).first()
    if last is not None and last.digest == digest:
        return int(last.id)
    known = {row.name: row.id for row in connection.execute(select(schema.model.c.name, schema.model.c.id))}
    for model in settings.models:
        values = {"role": model.role, "price_in": model.price_in, "price_out": model.price_out}
        if model.name in known:
            connection.execute(update(schema.model).where(schema.model.c.id == known[model.name]).values(**values))
        else:
            connection.execute(insert(schema.model).values(name=model.name, **values))
    made = insert(versions).values(at=now, digest=digest, content=settings.text).returning(versions.c.id)
    return int(connection.execute(made).scalar_one())
