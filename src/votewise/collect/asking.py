"""Comparisons made, and their answers put in: created -> answering -> ready, or one_sided, failed."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, or_, select, update

from votewise.collect.folder import Collection
from votewise.collect.moves import OutOfOrderError, found, move, new_id
from votewise.collect.schema import answer, comparison, identity, model, pair, person, prompt
from votewise.errors import BadInputError

Side = Literal["left", "right"]

DICE = random.SystemRandom()
"""Draws models and sides where no other generator is given."""


@dataclass(frozen=True)
class GivenAnswer:
    """An answer that a product has already.

    Attributes:
        model: the name of the model, as in ``collect.toml``.
        content: its text.
        tokens_in: tokens that the model read; None where unknown.
        tokens_out: tokens that it wrote.
    """

    model: str
    content: str
    tokens_in: int | None = None
    tokens_out: int | None = None


@dataclass(frozen=True)
class ComparisonRequest:
    """A comparison that a product asks for.

    Attributes:
        client_key: the product's own name for it; the same key again gives the same comparison, not another one.
        user: who will vote, as the product calls the person.
        content: the prompt.
        system: the system text before it.
        history: earlier messages of the conversation, each with role and content.
        left: the answer on the left; None where both models are to be drawn and answer later.
        right: the answer on the right.
        draw_sides: whether to draw the sides of given answers; else they stay as given.
    """

    client_key: str
    user: str
    content: str
    system: str | None = None
    history: tuple[Mapping[str, str], ...] = ()
    left: GivenAnswer | None = None
    right: GivenAnswer | None = None
    draw_sides: bool = False

    def digest(self) -> str:
        """64 hexadecimal digits that are equal for equal requests."""
        return digest_of(asdict(self) | {"history": [dict(message) for message in self.history]})


def create(
    connection: Connection,
    collection: Collection,
    product: int,
    request: ComparisonRequest,
    *,
    dice: random.Random = DICE,
) -> tuple[Row[Any], bool]:
    """Make a comparison, or find the one that was made for the same client key.

    Args:
        connection: in a transaction that writes.
        collection: the collection.
        product: who asks.
        request: what it asks for.
        dice: draws models and sides.

    Returns:
        Its row, and whether it is new.

    Raises:
        BadInputError: a model that is not in the settings, or an answer on one side only.
        OutOfOrderError: the client key belongs to a comparison of something else.
    """
    key = comparison.c.product_id == product, comparison.c.client_key == request.client_key
    before = connection.execute(select(comparison).where(*key)).first()
    if before is not None:
        if before.request_digest != request.digest():
            raise OutOfOrderError(
                "this client_key belongs to another comparison", value=request.client_key, expected="a new client_key"
            )
        return before, False
    now = collection.clock()
    voter = person_called(connection, product, request.user, now)
    values: dict[str, Any] = {"person_id": voter, "product_id": product, "client_key": request.client_key}
    if request.left is None and request.right is None:
        values |= _drawn(connection, collection, request, dice) | {"state": "created"}
    else:
        values |= _given(connection, collection, request, voter, dice, now) | {"state": "ready"}
    row = connection.execute(
        insert(comparison)
        .values(
            id=new_id(now),
            request_digest=request.digest(),
            config_version=collection.config_version,
            lease_until=now + collection.settings.lease_seconds,
            created_at=now,
            **values,
        )
        .returning(comparison)
    ).one()
    return row, True


def put_answer(
    connection: Connection,
    collection: Collection,
    product: int,
    name: str,
    side: Side,
    given: GivenAnswer | None,
) -> None:
    """Put in what a drawn model answered; None says that it failed for good. The same answer again changes nothing.

    Raises:
        NoSuchComparisonError: the product has no such comparison.
        OutOfOrderError: there is another answer already, it is another model's turn, or the comparison waits for none.
    """
    row = found(connection, product, name)
    ours = row.left_answer if side == "left" else row.right_answer
    there = connection.execute(
        select(answer.c.status, answer.c.content, model.c.name).join(model).where(answer.c.id == ours)
    ).one()
    if given is not None and given.model != there.name:
        raise OutOfOrderError(f"the {side} answer is another model's", value=given.model, expected=there.name)
    status, content = ("failed", None) if given is None else ("done", given.content)
    if there.status != "waiting":
        if (there.status, there.content) == (status, content):
            return
        raise OutOfOrderError(f"the {side} answer is there already", value=name, expected="the same answer, or none")
    if row.state == "created":
        move(connection, name, "answering")
    elif row.state != "answering":
        raise OutOfOrderError(f"the comparison is {row.state}", value=name, expected="one that waits for answers")
    tokens = {} if given is None else {"tokens_in": given.tokens_in, "tokens_out": given.tokens_out}
    put = {"status": status, "content": content, "at": collection.clock()}
    connection.execute(update(answer).where(answer.c.id == ours).values(**put, **tokens))
    both = answer.c.id.in_([row.left_answer, row.right_answer])
    how = sorted(connection.execute(select(answer.c.status).where(both)).scalars())
    if "waiting" not in how:
        ends: dict[int, Literal["ready", "one_sided", "failed"]] = {0: "ready", 1: "one_sided", 2: "failed"}
        move(connection, name, ends[how.count("failed")])


def person_called(connection: Connection, product: int, name: str, now: float) -> int:
    """The person that a product calls by a name, made at its first comparison."""
    known = select(identity.c.person_id).where(identity.c.product_id == product, identity.c.name == name)
    if (number := connection.execute(known).scalar()) is not None:
        return int(number)
    number = _inserted(connection, person, pseudonym=new_id(now), at=now)
    connection.execute(insert(identity).values(product_id=product, name=name, person_id=number))
    return number


def _drawn(
    connection: Connection, collection: Collection, request: ComparisonRequest, dice: random.Random
) -> dict[str, Any]:
    """Models and sides of a comparison whose answers come later, with the probability of these two models."""
    settings = collection.settings
    names = [made.name for role in "ab" if (made := settings.model_of(role))]
    probes = [made.name for made in settings.models if made.role == "probe"]
    share = settings.probe_share if probes else 0.0
    purpose, propensity = "main", 1.0 - share
    if dice.random() < share:
        names[dice.randrange(2)] = dice.choice(probes)
        purpose, propensity = "probe", share / 2 / len(probes)
    question = _prompt(connection, request)
    ids = _model_ids(connection, collection, names)
    first, second = (
        _inserted(connection, answer, prompt_id=question, model_id=ids[name], status="waiting") for name in names
    )
    two = _inserted(connection, pair, prompt_id=question, answer_1=first, answer_2=second)
    left, right = (first, second) if dice.random() < 0.5 else (second, first)
    return {"pair_id": two, "left_answer": left, "right_answer": right, "purpose": purpose, "propensity": propensity}


def _given(
    connection: Connection,
    collection: Collection,
    request: ComparisonRequest,
    voter: int,
    dice: random.Random,
    now: float,
) -> dict[str, Any]:
    """The pair of two answers that are there, the same one for the same texts, and on which side each answer is."""
    if request.left is None or request.right is None:
        side = "left" if request.left is None else "right"
        raise BadInputError(f"there is no {side} answer", value=request.client_key, expected="both answers, or none")
    texts = sorted([request.left, request.right], key=lambda one: (one.model, one.content))
    ids = _model_ids(connection, collection, [one.model for one in texts])
    asked = [request.content, request.system, [dict(message) for message in request.history]]
    digest = digest_of([*asked, *([one.model, one.content] for one in texts)])
    row = connection.execute(select(pair).where(pair.c.digest == digest)).first()
    if row is None:
        question = _prompt(connection, request)
        first, second = (
            _inserted(
                connection,
                answer,
                prompt_id=question,
                model_id=ids[one.model],
                status="done",
                content=one.content,
                tokens_in=one.tokens_in,
                tokens_out=one.tokens_out,
                at=now,
            )
            for one in texts
        )
        two = _inserted(connection, pair, digest=digest, prompt_id=question, answer_1=first, answer_2=second)
    else:
        two, first, second = row.id, row.answer_1, row.answer_2
    left, right = (first, second) if request.left is texts[0] else (second, first)
    if request.draw_sides:
        mine = comparison.c.person_id == voter, comparison.c.pair_id == two
        shown = connection.execute(select(comparison.c.left_answer).where(*mine).limit(1)).scalar()
        first_left = dice.random() < 0.5 if shown is None else shown == first
        left, right = (first, second) if first_left else (second, first)
    roles = connection.execute(select(model.c.role).where(model.c.id.in_(ids.values()))).scalars()
    purpose = "probe" if "probe" in set(roles) else "main"
    return {"pair_id": two, "left_answer": left, "right_answer": right, "purpose": purpose, "propensity": None}


def _prompt(connection: Connection, request: ComparisonRequest) -> int:
    history = (
        json.dumps([dict(message) for message in request.history], ensure_ascii=False) if request.history else None
    )
    return _inserted(connection, prompt, content=request.content, system=request.system, history=history)


def _model_ids(connection: Connection, collection: Collection, names: list[str]) -> dict[str, int]:
    known = {made.name for made in collection.settings.models}
    for name in names:
        if name not in known:
            raise BadInputError("there is no such model in collect.toml", value=name, expected=", ".join(sorted(known)))
    rows = connection.execute(select(model.c.name, model.c.id).where(or_(*(model.c.name == name for name in names))))
    return {row.name: row.id for row in rows}


def _inserted(connection: Connection, table: Any, **values: Any) -> int:
    """Insert a row and give its number."""
    return int(connection.execute(insert(table).values(**values).returning(table.c.id)).scalar_one())


def digest_of(values: Any) -> str:
    """64 hexadecimal digits that are equal for equal values."""
    return hashlib.sha256(json.dumps(values, ensure_ascii=True, sort_keys=True).encode()).hexdigest()
