"""A person is erased in one command: name and texts are gone from the whole database, and the votes stay."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DatabaseError

from shell import refused, shell
from votewise import CollectExport, collect_export, collect_import, collect_status
from votewise.collect import schema
from votewise.collect.asking import ComparisonRequest, GivenAnswer, create, put_answer
from votewise.collect.database import erasing, reading, writing
from votewise.collect.erasing import ErasedPerson, erase_person, list_erased
from votewise.collect.folder import Collection, open_collection
from votewise.collect.moves import OutOfOrderError
from votewise.collect.product_keys import make_key, product_of
from votewise.collect.voting import GivenVote, finalise_due, put_vote
from votewise.errors import BadInputError

NAME = "ann@example.org"
TEXTS = (
    "What is 2 + 2, dear machine?",
    "It is four.",
    "It is five, I think.",
    "Be kind to me.",
    "Good day to you.",
    "I can count.",
)
"""Prompt, answers, system text, what was said before, and the reason for the vote."""


def vote_of(collection: Collection, product: int, key: str, user: str = NAME, words: str = "") -> int:
    """A vote by somebody; gives the person's number. ``words`` make the texts other ones."""
    prompt, left, right, system, before, reason = (words or text for text in TEXTS)
    asked = ComparisonRequest(
        key,
        user,
        prompt,
        system=system,
        history=({"role": "user", "content": before},),
        left=GivenAnswer("new", left),
        right=GivenAnswer("old", right),
    )
    with writing(collection.engine) as connection:
        row, _ = create(connection, collection, product, asked)
        put_vote(connection, collection, product, row.id, GivenVote("left", reasons=(reason,)))
    return int(row.person_id)


def erased(collection: Collection, name: str, product: str | None = None) -> ErasedPerson:
    with erasing(collection.engine) as connection:
        return erase_person(connection, name, 5.0, of_product=product)


def everything(collection: Collection) -> str:
    with reading(collection.engine) as connection:
        return str([connection.execute(select(table)).all() for table in schema.metadata.tables.values()])


def test_name_and_texts_are_gone_and_the_votes_stay(collection: Collection, new_product: Callable[[], int]) -> None:
    mine = new_product()
    first = vote_of(collection, mine, "k1")
    assert all(text in everything(collection) for text in (NAME, *TEXTS))
    found = erased(collection, NAME)
    assert (found.votes, found.prompts) == (1, 1)
    left = everything(collection)
    assert not [text for text in (NAME, *TEXTS) if text in left]
    with reading(collection.engine) as connection:
        choices = connection.execute(select(schema.vote.c.choice)).scalars().all()
        (logged,) = connection.execute(select(schema.admin_log.c.at, schema.admin_log.c.act, schema.admin_log.c.about))
        digests = connection.execute(select(schema.pair.c.digest)).scalars().all()
        assert list_erased(connection) == (found,)
    assert (choices, logged, digests) == (["left"], (5.0, "erase", found.pseudonym), [None])
    assert vote_of(collection, mine, "k2") != first
    with pytest.raises(BadInputError, match="is erased already"):
        erased(collection, found.pseudonym)
    with pytest.raises(BadInputError, match="client_key"):
        vote_of(collection, mine, "k1")


def test_texts_that_somebody_else_posted_stay_until_nobody_is_left(
    collection: Collection, new_product: Callable[[], int]
) -> None:
    mine = new_product()
    vote_of(collection, mine, "k1")
    vote_of(collection, mine, "k2", "bob")
    assert erased(collection, NAME).prompts == 0
    assert TEXTS[0] in everything(collection)
    assert erased(collection, "bob").prompts == 1
    assert TEXTS[0] not in everything(collection)


def test_pairs_that_the_owner_imported_stay(
    collection: Collection, new_product: Callable[[], int], tmp_path: Path
) -> None:
    talk = [
        {"role": "system", "content": TEXTS[3]},
        *({"role": "user", "content": text} for text in (TEXTS[4], TEXTS[0])),
    ]
    texts = {"prompt": talk, "response_a": TEXTS[1], "response_b": TEXTS[2], "model_a": "new", "model_b": "old"}
    (tmp_path / "pairs.jsonl").write_text(json.dumps(texts), encoding="utf-8")
    collect_import(collection.folder, tmp_path / "pairs.jsonl")
    vote_of(collection, new_product(), "k1")
    assert erased(collection, NAME).prompts == 0
    assert TEXTS[1] in everything(collection)


def test_no_answer_comes_after_the_erasure(collection: Collection, new_product: Callable[[], int]) -> None:
    mine = new_product()
    with writing(collection.engine) as connection:
        row, _ = create(connection, collection, mine, ComparisonRequest("k", NAME, TEXTS[0]))
    erased(collection, NAME)
    with writing(collection.engine) as connection:
        names = select(schema.model.c.name).join(schema.answer).where(schema.answer.c.id == row.left_answer)
        given = GivenAnswer(connection.execute(names).scalar_one(), TEXTS[1])
        with pytest.raises(OutOfOrderError, match="the comparison is expired"):
            put_answer(connection, collection, mine, row.id, "left", given)


def test_the_log_of_votes_loses_reasons_and_nothing_else(
    collection: Collection, new_product: Callable[[], int]
) -> None:
    vote_of(collection, new_product(), "k1")
    for values in ({"choice": "right"}, {"reasons": "other words"}, {"reasons": None, "at": 1.0}):
        with pytest.raises(DatabaseError, match="append only"), writing(collection.engine) as connection:
            connection.execute(update(schema.vote_log).values(**values))
    with writing(collection.engine) as connection:
        connection.execute(update(schema.vote_log).values(reasons=None))


def test_nothing_is_left_in_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    shell("collect", "init", folder, "--model-a", "new", "--model-b", "old")
    collection = open_collection(folder, clock=lambda: 1.7e9)
    key = "k"
    with writing(collection.engine) as connection:
        mine = product_of(connection, make_key(connection, "shop", 0.0))
    assert mine is not None
    vote_of(collection, mine, key)
    vote_of(collection, mine, "other", "bob", words="What is 3 + 3? ")
    with writing(collection.engine) as connection:
        finalise_due(connection, 1.7e9 + 10)
    collection.close()
    held = b"".join(file.read_bytes() for file in folder.iterdir())
    assert all(text.encode() in held for text in (NAME, *TEXTS))
    shown = shell("collect", "erase", folder, NAME)
    assert (shown.code, "Votes that stay: 1, under" in shown.out) == (0, True)
    held = b"".join(file.read_bytes() for file in folder.iterdir())
    assert not [text for text in (NAME, *TEXTS) if text.encode() in held]
    assert b"What is 3 + 3?" in held
    found = collect_status(folder).gathered
    assert (found.votes, found.people, found.erased) == (2, 2, 1)
    assert "erased: 1 person" in shell("collect", "status", folder).out
    listed = json.loads(shell("collect", "erase", folder, "--list", "--json").out)["people"]
    assert [(one["votes"], one["prompts"]) for one in listed] == [(1, 1)]
    rows = collect_export(folder, to="comparisons", win_rate=0.8, out=tmp_path / "a.jsonl")
    assert isinstance(rows, CollectExport)
    assert (rows.left_out["erased"], len(rows.table)) == (1, 1)
    assert "a.jsonl" in shell("collect", "erase", folder, "bob").out


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
    one = erased(collection, NAME, product=names[0]).pseudonym
    (other,) = set(pseudonyms) - {one}
    assert erased(collection, other).pseudonym == other


def test_in_the_shell(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    shell("collect", "init", folder)
    assert "nobody has this name, got 'ann'" in refused(shell("collect", "erase", folder, "ann"))
    assert "one of the two" in refused(shell("collect", "erase", folder))
    assert "one of the two" in refused(shell("collect", "erase", folder, "ann", "--list"))
    assert shell("collect", "erase", folder, "--list").out.strip() == "0 people erased"
