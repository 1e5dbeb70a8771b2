"""A person of a collection without name and texts: ``votewise collect erase``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from votewise.errors import BadInputError, needs

if TYPE_CHECKING:
    import os

    from votewise.collect.erasing import ErasedPerson


@dataclass(frozen=True)
class CollectErasure:
    """Who was erased.

    Attributes:
        people: the person who was erased now; or everybody who ever was.
        exports: names of training sets that were written before, which may hold the person's texts.
    """

    people: tuple[ErasedPerson, ...]
    exports: tuple[str, ...] = ()

    def summary(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return asdict(self)


def collect_erase(
    folder: str | os.PathLike[str], person: str | None = None, *, product: str | None = None, list: bool = False
) -> CollectErasure:
    """Remove a person's name, prompts, the answers to them, and reasons for good; the votes stay under the pseudonym.

    A prompt stays as long as somebody else has posted the same texts.

    Args:
        folder: the folder that ``collect_init`` made.
        person: what a product calls the person, or the pseudonym.
        product: the product that calls the person so, where several do.
        list: say who was erased, and change nothing.

    Raises:
        BadInputError: the folder cannot be opened, nobody has this name, or several products have a person of this name.
    """
    with needs("collect", "collecting"):
        from votewise.collect.database import erasing, reading
        from votewise.collect.erasing import erase_person, exports_until, list_erased
        from votewise.collect.folder import open_collection

    if list == (person is not None):
        raise BadInputError("say whom to erase, or list=True", parameter="person", expected="one of the two")
    collection = open_collection(Path(folder))
    try:
        if person is None:
            with reading(collection.engine) as connection:
                return CollectErasure(list_erased(connection))
        now = collection.clock()
        with erasing(collection.engine) as connection:
            found = erase_person(connection, person, now, of_product=product)
            return CollectErasure((found,), exports_until(connection, now) if found.prompts else ())
    finally:
        collection.close()
