"""A folder for a collection of comparisons: ``votewise collect init``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from votewise.errors import needs

if TYPE_CHECKING:
    import os


@dataclass(frozen=True)
class CollectFolder:
    """A folder that holds a collection.

    Attributes:
        folder: the folder.
        settings: its ``collect.toml``.
        database: what the database is called: its SQLite file, or the environment variable with its URL.
        models: the models' names, by role.
    """

    folder: Path
    settings: Path
    database: str
    models: dict[str, str]


def collect_init(
    folder: str | os.PathLike[str], *, model_a: str = "model-a", model_b: str = "model-b"
) -> CollectFolder:
    """Make a folder with settings and a database for a collection of comparisons.

    What is there already stays: where the folder has a ``collect.toml``, only the database that it names is made.

    Args:
        folder: a new or empty folder, or one with a ``collect.toml``.
        model_a: name of the model whose answers are compared with those of ``model_b``, for new settings.
        model_b: name of the other model.

    Raises:
        BadInputError: the folder holds something else, settings that cannot be used, or a database of another version.
    """
    with needs("collect", "collecting"):
        from votewise.collect.collect_settings import FILE
        from votewise.collect.folder import make_collection

    collection = make_collection(Path(folder), a=model_a, b=model_b)
    collection.close()
    settings = collection.settings
    database = settings.database_env or str(collection.folder / settings.database)
    models = {model.role: model.name for model in settings.models}
    return CollectFolder(collection.folder, collection.folder / FILE, database, models)
