"""Links for annotators: ``votewise collect invite``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from votewise.errors import BadInputError, needs

if TYPE_CHECKING:
    import os


def collect_invite(
    folder: str | os.PathLike[str],
    names: Sequence[str],
    *,
    group: str | None = None,
    url: str = "http://127.0.0.1:8620",
    days: int = 14,
) -> dict[str, str]:
    """Make a link for each annotator, with which they sign in once. Whoever was invited before stays the same person.

    Args:
        folder: the folder that ``collect_init`` made.
        names: what you call the annotators.
        group: a group for all of them; None leaves the groups as they are.
        url: where the service is reached.
        days: how long the links work.

    Returns:
        The link of each name. They are stored nowhere; earlier links that were not used do not work any more.

    Raises:
        BadInputError: the folder cannot be opened, a name that cannot be kept or occurs twice, or a number out of range.
    """
    with needs("collect", "collecting"):
        from votewise.collect.database import retried
        from votewise.collect.folder import open_collection
        from votewise.collect.invitations import make_invite

    if not 1 <= days <= 365:
        raise BadInputError("out of range", parameter="days", value=days, expected="1 to 365")
    if not url.startswith(("http://", "https://")):
        raise BadInputError("is no address", parameter="url", value=url, expected="https://HOST")
    if isinstance(names, str) or len(set(names)) != len(names):
        raise BadInputError("a name occurs twice", parameter="names", value=names, expected="different names")
    collection = open_collection(Path(folder))
    try:
        tokens = retried(
            collection.engine,
            lambda connection: {name: make_invite(connection, collection, name, group, days) for name in names},
        )
    finally:
        collection.close()
    # What follows # stays in the browser: no log of a server has it.
    return {name: f"{url.rstrip('/')}/join#{token}" for name, token in tokens.items()}
