"""Keys with which products post. A key is shown once, when it is made; the database holds its SHA-256."""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy import Connection, insert, select, update

from votewise.collect.schema import product
from votewise.errors import BadInputError

PREFIX = "votewise_"
"""What keys begin with, so that scanners for secrets can find one that was left in code."""


def hash_of(key: str) -> str:
    """The SHA-256 of a key. A key has 256 random bits, so nobody finds it by trying."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def make_key(connection: Connection, name: str, now: float) -> str:
    """Make a key for a product, a new one or a known one, whose earlier key is then worthless.

    Raises:
        BadInputError: a name that is empty.
    """
    if not name.strip() or "\0" in name:
        raise BadInputError("is no name of a product", parameter="product", value=name, expected="some words")
    key = PREFIX + secrets.token_urlsafe(32)
    values = {"key_hash": hash_of(key), "at": now, "revoked_at": None}
    changed = connection.execute(update(product).where(product.c.name == name).values(**values))
    if not changed.rowcount:
        connection.execute(insert(product).values(name=name, **values))
    return key


def revoke_key(connection: Connection, name: str, now: float) -> None:
    """Make a product's key worthless; what the product posted stays.

    Raises:
        BadInputError: there is no such product.
    """
    changed = connection.execute(update(product).where(product.c.name == name).values(revoked_at=now))
    if not changed.rowcount:
        known = connection.execute(select(product.c.name).order_by(product.c.name)).scalars().all()
        raise BadInputError(
            "there is no such product", parameter="product", value=name, expected=", ".join(known) or "none is known"
        )


def product_of(connection: Connection, key: str) -> int | None:
    """The number of the product that a key belongs to, None where it is nobody's or was revoked."""
    mine = product.c.key_hash == hash_of(key), product.c.revoked_at.is_(None)
    return connection.execute(select(product.c.id).where(*mine)).scalar()
