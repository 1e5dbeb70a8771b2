"""A person of a collection without a name: ``votewise collect erase``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from votewise.errors import needs

if TYPE_CHECKING:
    import os


def collect_erase(folder: str | os.PathLike[str], person: str, *, product: str | None = None) -> str:
    """Remove a person's name for good; votes and texts stay under the pseudonym.

    Args:
        folder: the folder that ``collect_init`` made.
        person: what a product calls the person, or the pseudonym.
        product: the product that calls the person so, where several do.

    Returns:
        The pseudonym.

    Raises:
        BadInputError: the folder cannot be opened, nobody has this name, or several products have a person of this name.
    """
    with needs("collect", "collecting"):
        from votewise.collect.database import writing
        from votewise.collect.erasing import erase_person
        from votewise.collect.folder import open_collection

    collection = open_collection(Path(folder))
    try:
        with writing(collection.engine) as connection:
            return erase_person(connection, person, collection.clock(), of_product=product)
    finally:
        collection.close()
