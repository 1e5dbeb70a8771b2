"""Keys with which products post to a collection: ``votewise collect key``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from votewise.errors import needs

if TYPE_CHECKING:
    import os


def collect_key(folder: str | os.PathLike[str], product: str, *, revoke: bool = False) -> str | None:
    """Make a key for a product, in the place of an earlier one; or revoke it.

    Args:
        folder: the folder that ``collect_init`` made.
        product: the product's name, a new or a known one.
        revoke: make the product's key worthless instead; what it posted stays.

    Returns:
        The key, which is stored nowhere; None where it was revoked.

    Raises:
        BadInputError: the folder cannot be opened, or there is no such product to revoke the key of.
    """
    with needs("collect", "collecting"):
        from votewise.collect.database import writing
        from votewise.collect.folder import open_collection
        from votewise.collect.product_keys import make_key, revoke_key

    collection = open_collection(Path(folder))
    try:
        with writing(collection.engine) as connection:
            if revoke:
                revoke_key(connection, product, collection.clock())
                return None
            return make_key(connection, product, collection.clock())
    finally:
        collection.close()
