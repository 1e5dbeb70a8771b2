"""Pairs for annotators to judge, put into the database; a pair that is there already stays as it is."""

from __future__ import annotations

import json
import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, func, insert, select

from votewise.collect.asking import digest_of
from votewise.collect.database import reading, retried
from votewise.collect.folder import Collection
from votewise.collect.schema import answer, campaign, campaign_pair, model, pair, product, prompt
from votewise.errors import BadInputError
from votewise.judge.asked_pairs import AskedPairs
from votewise.language_models.conversations import Prompt, as_messages

PAIRS_AT_A_TIME = 200
"""Pairs in one transaction, so that those who vote meanwhile do not wait for long."""

PRODUCT = "annotators' page"
"""The product to which annotators belong."""


@dataclass(frozen=True)
class ImportCounts:
    """What became of pairs.

    Attributes:
        new: pairs that were put in.
        known: pairs whose texts were there already.
        other_texts: names that were there already, with other texts; these pairs were not put in.
        total: pairs of the campaign afterwards.
    """

    new: int
    known: int
    other_texts: int
    total: int


@dataclass(frozen=True)
class PairTexts:
    """What an annotator sees of a pair: its name, the prompt, what came before it, and two answers with their models."""

    name: str
    content: str
    system: str | None
    history: tuple[dict[str, Any], ...]
    answers: tuple[tuple[str | None, str], ...]

    def digest(self) -> str:
        """That of a pair with the same texts and models, however it came in."""
        return digest_of([self.content, self.system, list(self.history), *map(list, self.answers)])


def import_pairs(collection: Collection, pairs: AskedPairs, *, want: int) -> ImportCounts:
    """Put pairs in, a few hundred in each transaction; what is put in before an error stays.

    Args:
        collection: the collection.
        pairs: the pairs.
        want: most votes of each new pair, audit votes apart.

    Raises:
        BadInputError: a text that no database keeps.
    """
    made = list(_texts(pairs))
    retried(collection.engine, lambda connection: make_campaign(connection, collection.clock()))
    new = known = other = 0
    for start in range(0, len(made), PAIRS_AT_A_TIME):
        some = partial(_put, collection=collection, some=made[start : start + PAIRS_AT_A_TIME], want=want)
        found = retried(collection.engine, some)
        new, known, other = new + found[0], known + found[1], other + found[2]
    with reading(collection.engine) as connection:
        total = connection.execute(select(func.count()).select_from(campaign_pair)).scalar_one()
    return ImportCounts(new, known, other, total)


def make_campaign(connection: Connection, now: float) -> int:
    """The product to which the annotators belong, and the campaign where there is none."""
    there = connection.execute(select(campaign.c.product_id)).scalar()
    if there is not None:
        return int(there)
    number = connection.execute(select(product.c.id).where(product.c.name == PRODUCT)).scalar()
    if number is None:
        # The hash of no key: nobody can post as this product.
        values = {"name": PRODUCT, "key_hash": secrets.token_hex(32), "at": now}
        number = connection.execute(insert(product).values(**values).returning(product.c.id)).scalar_one()
    connection.execute(insert(campaign).values(id=1, product_id=number, state="open", at=now, step=0.0, fitted_votes=0))
    return int(number)


def _texts(pairs: AskedPairs) -> Iterator[PairTexts]:
    for row, name in enumerate(pairs.names):
        content, system, history = _asked(pairs.prompt[row])
        both = zip(pairs.models[row], (pairs.response_a[row], pairs.response_b[row]), strict=True)
        answers = sorted(((by, _said(text)) for by, text in both), key=lambda one: (one[0] or "", one[1]))
        found = PairTexts(name, content, system, tuple(history), tuple(answers))
        _check(found, pairs.source)
        yield found


def _check(texts: PairTexts, source: str) -> None:
    words = [texts.name, texts.content, texts.system or "", *(text for _, text in texts.answers)]
    words += [by for by, _ in texts.answers if by is not None]
    words += [value for message in texts.history for value in message.values()]
    if any("\0" in text or (not text.isascii() and _broken(text)) for text in words):
        problem = "holds the character NUL or half of a surrogate pair, which no database keeps"
        raise BadInputError(problem, source=f"{source}, pair {texts.name!r}")


def _broken(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _asked(asked: Prompt) -> tuple[str, str | None, list[dict[str, Any]]]:
    """The last message of the user, the system text before it, and everything else that was said."""
    messages: list[dict[str, Any]] = [dict(message) for message in as_messages(asked)]
    system = None
    if messages and messages[0].get("role") == "system":
        system = _words(messages.pop(0))
    last = max((place for place, one in enumerate(messages) if one.get("role") == "user"), default=len(messages) - 1)
    content = _words(messages.pop(last)) if messages else ""
    return content, system, [{"role": str(one.get("role", "")), "content": _words(one)} for one in messages]


def _said(response: Prompt) -> str:
    """An answer as one text."""
    messages: list[dict[str, Any]] = [dict(message) for message in as_messages(response, "assistant")]
    if len(messages) == 1:
        return _words(messages[0])
    return "\n\n".join(f"{one.get('role', '')}: {_words(one)}" for one in messages)


def _words(message: dict[str, Any]) -> str:
    """The text of a message; what else it has, such as calls of tools, as JSON."""
    content = message.get("content")
    if isinstance(content, str) and not any(value for key, value in message.items() if key not in ("role", "content")):
        return content
    rest = {key: value for key, value in message.items() if key != "role" and value}
    return json.dumps(rest, ensure_ascii=False, default=str)


def _put(connection: Connection, collection: Collection, some: list[PairTexts], want: int) -> tuple[int, int, int]:
    """How many of these pairs are new, known, and known by their name with other texts."""
    digests = [texts.digest() for texts in some]
    same = select(pair.c.digest, pair.c.id).where(pair.c.digest.in_(digests))
    there = {row.digest: row.id for row in connection.execute(same)}
    names = [texts.name for texts in some]
    named = set(connection.execute(select(campaign_pair.c.name).where(campaign_pair.c.name.in_(names))).scalars())
    numbers = list(there.values())
    judged = set(
        connection.execute(select(campaign_pair.c.pair_id).where(campaign_pair.c.pair_id.in_(numbers))).scalars()
    )
    models = _models(connection, {by for texts in some for by, _ in texts.answers if by is not None})
    dice = random.SystemRandom()
    new = known = other = 0
    for texts, digest in zip(some, digests, strict=True):
        number = there.get(digest)
        if number is not None and number in judged:
            known += 1
            continue
        if texts.name in named:
            other += 1
            continue
        if number is None:
            number = _made(connection, texts, digest, models, collection.clock())
            there[digest] = number
        values = {"name": texts.name, "want": want, "turn": dice.random(), "state": "open", "log_odds": 0.0}
        none = {"votes": 0, "leases": 0, "drawn": False, "waiting": False}
        connection.execute(insert(campaign_pair).values(pair_id=number, **values, **none))
        judged.add(number)
        named.add(texts.name)
        new += 1
    return new, known, other


def _models(connection: Connection, names: set[str]) -> dict[str, int]:
    """The numbers of models; those that are not in the settings have the role ``other``."""
    rows = connection.execute(select(model.c.name, model.c.id).where(model.c.name.in_(names)))
    found = {row.name: row.id for row in rows}
    for name in sorted(names - found.keys()):
        row = insert(model).values(name=name, role="other").returning(model.c.id)
        found[name] = connection.execute(row).scalar_one()
    return found


def _made(connection: Connection, texts: PairTexts, digest: str, models: dict[str, int], now: float) -> int:
    history = json.dumps(texts.history, ensure_ascii=False) if texts.history else None
    asked = insert(prompt).values(content=texts.content, system=texts.system, history=history).returning(prompt.c.id)
    question = connection.execute(asked).scalar_one()
    first, second = (
        connection.execute(
            insert(answer)
            .values(
                prompt_id=question,
                model_id=None if by is None else models[by],
                status="done",
                content=content,
                at=now,
            )
            .returning(answer.c.id)
        ).scalar_one()
        for by, content in texts.answers
    )
    row = insert(pair).values(digest=digest, prompt_id=question, answer_1=first, answer_2=second).returning(pair.c.id)
    return int(connection.execute(row).scalar_one())
