"""A person's name removed; what the person gave stays under the pseudonym."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, or_, select

from votewise.collect.schema import admin_log, identity, person, product
from votewise.errors import BadInputError


def erase_person(connection: Connection, name: str, now: float, *, of_product: str | None = None) -> str:
    """Delete what ties a person's name to a pseudonym, and log that it was done.

    Args:
        connection: in a transaction that writes.
        name: what a product calls the person, or the pseudonym.
        now: the time for the log.
        of_product: the product that calls the person so; None where only one does.

    Returns:
        The pseudonym.

    Raises:
        BadInputError: nobody has this name, or several products have a person of this name.
    """
    known = (
        select(identity.c.person_id, person.c.pseudonym, product.c.name)
        .join(person, person.c.id == identity.c.person_id)
        .join(product, product.c.id == identity.c.product_id)
        .where(or_(identity.c.name == name, person.c.pseudonym == name))
        .order_by(product.c.name)
    )
    if of_product is not None:
        known = known.where(product.c.name == of_product)
    rows = connection.execute(known).all()
    if not rows:
        raise BadInputError("nobody has this name", value=name, expected="a name that a product posted")
    if len(rows) > 1:
        raise BadInputError(
            f"several products know a person of this name: {', '.join(row.name for row in rows)}",
            parameter="product",
            expected="one of them",
        )
    connection.execute(delete(identity).where(identity.c.person_id == rows[0].person_id))
    connection.execute(insert(admin_log).values(at=now, act="erase", about=rows[0].pseudonym))
    return str(rows[0].pseudonym)
