"""The tables of a collection -> those of this version of votewise: ``votewise collect migrate``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from votewise.errors import needs

if TYPE_CHECKING:
    import os


@dataclass(frozen=True)
class CollectMigration:
    """What became of a collection's tables.

    Attributes:
        before: the version that the tables had; None where there were none.
        after: the version that they have now.
    """

    before: str | None
    after: str


def collect_migrate(folder: str | os.PathLike[str]) -> CollectMigration:
    """Bring a collection's tables to the version that this votewise works with; all of it, or nothing where it fails.

    Args:
        folder: the folder that ``collect_init`` made.

    Raises:
        BadInputError: the folder's settings or database cannot be used, or the tables are of a newer votewise.
    """
    with needs("collect", "collecting"):
        from votewise.collect.folder import migrate_collection

    return CollectMigration(*migrate_collection(Path(folder)))
