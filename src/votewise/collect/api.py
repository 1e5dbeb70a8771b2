"""``/api/v1``: a product with a page of its own posts comparisons and votes.

A request that is sent again changes nothing: comparisons have a client key, and votes and answers are put.
"""

# Annotations are not postponed: FastAPI reads those of routes, which name a type that is made here.
import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Response, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import Connection, Row, select

from votewise.collect.api_bodies import (
    AnswerBody,
    BatchOutcomes,
    ComparisonBatch,
    ComparisonBody,
    ComparisonState,
    EntryOutcome,
    FailureBody,
    Refusal,
    SettingsBody,
    VoteBatch,
    VoteBody,
)
from votewise.collect.asking import Side, create, put_answer
from votewise.collect.database import reading, retried
from votewise.collect.folder import Collection
from votewise.collect.moves import found
from votewise.collect.product_keys import product_of
from votewise.collect.rate_limits import Buckets
from votewise.collect.schema import answer, model, vote
from votewise.collect.states import UNDO_SECONDS
from votewise.collect.voting import mark_shown, put_vote, undo_vote, void
from votewise.errors import BadInputError

REFUSALS: dict[int | str, dict[str, Any]] = {status: {"model": Refusal} for status in (401, 404, 409, 422, 429)}
FUTURE_SECONDS = 60.0
"""How far ahead the clock of a product may be."""


def make_api(collection: Collection) -> APIRouter:
    """The routes of a collection."""
    settings = collection.settings
    buckets = Buckets(settings.requests_per_minute)
    router = APIRouter(prefix="/api/v1", responses=REFUSALS)

    def product(given: Annotated[HTTPAuthorizationCredentials | None, Security(HTTPBearer(auto_error=False))]) -> int:
        with reading(collection.engine) as connection:
            number = None if given is None else product_of(connection, given.credentials)
        if number is None:
            raise HTTPException(401, "the key is missing or unknown", {"WWW-Authenticate": "Bearer"})
        if wait := buckets.wait(number):
            line = f"more than {settings.requests_per_minute} requests a minute"
            raise HTTPException(429, line, {"Retry-After": str(math.ceil(wait))})
        return number

    Product = Annotated[int, Depends(product)]  # noqa: N806 - a type

    def act(mine: int, name: str, work: Callable[[Connection], object]) -> ComparisonState:
        def acted(connection: Connection) -> ComparisonState:
            work(connection)
            return _state(connection, found(connection, mine, name))

        return retried(collection.engine, acted)

    @router.get("/settings")
    def settings_now(mine: Product) -> SettingsBody:
        """What people agree to, which models compete, and the limits."""
        return SettingsBody(
            consent=settings.consent,
            config_version=collection.config_version,
            models={made.name: made.role for made in settings.models},
            batch=settings.batch,
            characters=settings.characters,
            undo_seconds=UNDO_SECONDS,
        )

    @router.post("/comparisons", status_code=201, responses={200: {"model": ComparisonState}})
    def new_comparison(body: ComparisonBody, mine: Product, response: Response) -> ComparisonState:
        """Make a comparison (201), or find the one with this client_key (200)."""
        _check(collection, body)

        def made(connection: Connection) -> tuple[ComparisonState, bool]:
            row, new = create(connection, collection, mine, body.request())
            if body.vote is not None:
                put_vote(connection, collection, mine, row.id, body.vote.given())
            return _state(connection, found(connection, mine, row.id)), new

        state, new = retried(collection.engine, made)
        response.status_code = 201 if new else 200
        return state

    @router.post("/comparisons/batch")
    def new_comparisons(body: ComparisonBatch, mine: Product) -> BatchOutcomes:
        """Make many comparisons in one transaction. An entry that is refused does not hold up the others."""
        _check_batch(collection, body.comparisons)

        def made(connection: Connection, number: int) -> tuple[str, Any]:
            one = body.comparisons[number]
            _check(collection, one)
            row, _ = create(connection, collection, mine, one.request())
            if one.vote is None:
                return row.id, row.state
            return row.id, put_vote(connection, collection, mine, row.id, one.vote.given())

        return _outcomes(collection, len(body.comparisons), made)

    @router.get("/comparisons/{name}")
    def one_comparison(name: str, mine: Product) -> ComparisonState:
        """The state of a comparison, and the vote on it."""
        return act(mine, name, lambda connection: None)

    @router.put("/comparisons/{name}/answers/{side}")
    def new_answer(name: str, side: Side, body: AnswerBody | FailureBody, mine: Product) -> ComparisonState:
        """Put in the answer of a drawn model, or say that the model failed for good."""
        given = body.given() if isinstance(body, AnswerBody) else None
        if given is not None and len(given.content) > settings.characters:
            raise BadInputError("the answer is too long", expected=f"at most {settings.characters:,} characters")
        return act(mine, name, lambda connection: put_answer(connection, collection, mine, name, side, given))

    @router.put("/comparisons/{name}/shown")
    def shown(name: str, mine: Product) -> ComparisonState:
        """Say that the person sees both answers."""
        return act(mine, name, lambda connection: mark_shown(connection, mine, name))

    @router.put("/comparisons/{name}/vote")
    def new_vote(name: str, body: VoteBody, mine: Product) -> ComparisonState:
        """Put the vote, or revise it within ten seconds."""
        _check_time(collection, body)
        return act(mine, name, lambda connection: put_vote(connection, collection, mine, name, body.given()))

    @router.delete("/comparisons/{name}/vote")
    def no_vote(name: str, mine: Product) -> ComparisonState:
        """Undo the vote within ten seconds."""
        return act(mine, name, lambda connection: undo_vote(connection, collection, mine, name))

    @router.post("/comparisons/{name}/void")
    def voided(name: str, mine: Product) -> ComparisonState:
        """Take the comparison back for good, with its vote."""
        return act(mine, name, lambda connection: void(connection, collection, mine, name))

    @router.post("/votes/batch")
    def new_votes(body: VoteBatch, mine: Product) -> BatchOutcomes:
        """Put many votes in one transaction. An entry that is refused does not hold up the others."""
        _check_batch(collection, body.votes)

        def put(connection: Connection, number: int) -> tuple[str, Any]:
            one = body.votes[number]
            _check_time(collection, one)
            return one.comparison, put_vote(connection, collection, mine, one.comparison, one.given())

        return _outcomes(collection, len(body.votes), put)

    return router


def _outcomes(collection: Collection, entries: int, act: Callable[[Connection, int], tuple[str, Any]]) -> BatchOutcomes:
    """Act on each entry in one transaction, in which a refused entry alone is taken back."""

    def all_of_them(connection: Connection) -> list[EntryOutcome]:
        outcomes = []
        for number in range(entries):
            try:
                with connection.begin_nested():
                    name, state = act(connection, number)
                outcomes.append(EntryOutcome(index=number, id=name, state=state))
            except BadInputError as error:
                outcomes.append(EntryOutcome(index=number, error=str(error)))
        return outcomes

    outcomes = retried(collection.engine, all_of_them)
    return BatchOutcomes(outcomes=outcomes, refused=sum(outcome.error is not None for outcome in outcomes))


def _check_batch(collection: Collection, entries: Sequence[object]) -> None:
    if len(entries) > collection.settings.batch:
        raise BadInputError(
            "too many entries in one request", value=len(entries), expected=f"at most {collection.settings.batch:,}"
        )


def _check(collection: Collection, body: ComparisonBody) -> None:
    if body.longest() > collection.settings.characters:
        most = f"at most {collection.settings.characters:,} characters"
        raise BadInputError("a text is too long", value=body.client_key, expected=most)
    if body.vote is not None:
        _check_time(collection, body.vote)


def _check_time(collection: Collection, body: VoteBody) -> None:
    if body.at is not None and body.at > collection.clock() + FUTURE_SECONDS:
        raise BadInputError("the vote is in the future", value=body.at, expected="seconds since 1970, UTC")


def _state(connection: Connection, row: Row[Any]) -> ComparisonState:
    both = answer.c.id.in_([row.left_answer, row.right_answer])
    names = {one.id: one.name for one in connection.execute(select(answer.c.id, model.c.name).join(model).where(both))}
    return ComparisonState(
        id=row.id,
        client_key=row.client_key,
        state=row.state,
        purpose=row.purpose,
        left_model=names[row.left_answer],
        right_model=names[row.right_answer],
        choice=connection.execute(select(vote.c.choice).where(vote.c.comparison_id == row.id)).scalar(),
    )
