"""A person is erased in one command: the name is gone from the whole database, and the votes stay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from shell import refused, shell
from votewise.collect import schema
from votewise.collect.asking import ComparisonRequest, GivenAnswer, create
from votewise.collect.database import reading, writing
from votewise.collect.erasing import erase_person
from votewise.collect.folder import Collection
from votewise.collect.voting import GivenVote, put_vote
from votewise.errors import BadInputError

NAME = "ann@example.org"


def vote_of(collection: Collection, product: int, key: str, user: str = NAME) -> int:
    """A vote by somebody; gives the person's number."""
    both = {"left": GivenAnswer("new", "Four."), "right": GivenAnswer("old", "Five.")}
    with writing(collection.engine) as connection:
        row, _ = create(connection, collection, product, ComparisonRequest(key, user, "2 + 2?", **both))
        put_vote(connection, collection, product, row.id, GivenVote("left"))
    return int(row.person_id)


def erased(collection: Collection, name: str, product: str | None = None) -> str:
    with writing(collection.engine) as connection:
        return erase_person(connection, name, 5.0, of_product=product)


def everything(collection: Collection) -> str:
    with reading(collection.engine) as connection:
        return str([connection.execute(select(table)).all() for table in schema.metadata.tables.values()])


def test_the_name_is_gone_and_the_votes_stay(collection: Collection, new_product: Callable[[], int]) -> None:
    mine = new_product()
    first = vote_of(collection, mine, "k1")
    assert NAME in everything(collection)
    pseudonym = erased(collection, NAME)
    assert NAME not in everything(collection)
    with reading(collection.engine) as connection:
        assert len(connection.execute(select(schema.vote)).all()) == 1
        (logged,) = connection.execute(select(schema.admin_log.c.at, schema.admin_log.c.act, schema.admin_log.c.about))
        assert logged == (5.0, "erase", pseudonym)
    assert vote_of(collection, mine, "k2") != first
    with pytest.raises(BadInputError, match="nobody has this name"):
        erased(collection, pseudonym)


def test_two_people_of_one_name_are_told_apart(collection: Collection, new_product: Callable[[], int]) -> None:
    mine, yours = new_product(), new_product()
    vote_of(collection, mine, "k")
    vote_of(collection, yours, "k")
    with reading(collection.engine) as connection:
        names = sorted(connection.execute(select(schema.product.c.name)).scalars())
        known = select(schema.person.c.pseudonym).order_by(schema.person.c.id)
        pseudonyms = connection.execute(known).scalars().all()
    with pytest.raises(BadInputError, match=f"several products know a person of this name: {', '.join(names)}"):
        erased(collection, NAME)
    one = erased(collection, NAME, product=names[0])
    (other,) = set(pseudonyms) - {one}
    assert erased(collection, other) == other


def test_in_the_shell(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    shell("collect", "init", folder)
    assert "nobody has this name, got 'ann'" in refused(shell("collect", "erase", folder, "ann"))
