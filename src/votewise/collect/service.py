"""The web service of a collection: ``/api/v1`` for products, each with a key, and pages for invited annotators."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from votewise.collect.annotator_page import STATIC, make_pages
from votewise.collect.api import make_api
from votewise.collect.api_bodies import said
from votewise.collect.database import writing
from votewise.collect.folder import Collection
from votewise.collect.moves import NoSuchComparisonError, OutOfOrderError, expire_due
from votewise.collect.upkeep import Upkeep
from votewise.collect.voting import finalise_due
from votewise.errors import BadInputError, visible

SWEEP_SECONDS = 1.0
"""How often votes are made final and comparisons expire."""

LARGEST_BODY = 64 * 2**20
"""Bytes of the largest body of a request."""

POLICY = b"content-security-policy"
NOTHING = b"default-src 'none'; frame-ancestors 'none'"
"""What a response may load that has no policy of its own."""

HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


def make_service(collection: Collection) -> FastAPI:
    """The application of a collection, for a server such as uvicorn."""

    @asynccontextmanager
    async def swept(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(_sweep_often(collection))
        yield
        task.cancel()

    app = FastAPI(
        title="votewise collect",
        version=_version(),
        description="Comparisons of two models' answers, and votes on them.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
        lifespan=swept,
    )
    app.include_router(make_api(collection))
    app.include_router(make_pages(collection))
    app.mount("/annotate/static", StaticFiles(directory=STATIC))
    for kind, status in ((NoSuchComparisonError, 404), (OutOfOrderError, 409), (BadInputError, 422)):
        app.add_exception_handler(kind, _refusal(status))
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_refusal)
    for lost in (OperationalError, PoolTimeoutError):
        app.add_exception_handler(lost, _unavailable)
    app.add_middleware(BoundedBodies)
    return app


def sweep(collection: Collection) -> None:
    """Make votes final whose ten seconds are over, and end comparisons on which nobody voted in time."""
    with writing(collection.engine) as connection:
        now = collection.clock()
        finalise_due(connection, now)
        expire_due(connection, now)


def _kept(upkeep: Upkeep) -> None:
    """Keep the campaign; what goes wrong there is logged, and holds up no vote."""
    try:
        upkeep()
    except (OperationalError, PoolTimeoutError):
        raise
    except Exception:
        logging.getLogger("votewise.collect").exception("the campaign's beliefs could not be kept up to date")


async def _sweep_often(collection: Collection) -> None:
    upkeep = Upkeep(collection)
    while True:
        # Where the database is busy or gone, requests say so, and the next sweep does what this one did not.
        with suppress(OperationalError, PoolTimeoutError):
            await asyncio.to_thread(sweep, collection)
            await asyncio.to_thread(_kept, upkeep)
        await asyncio.sleep(SWEEP_SECONDS)


class BoundedBodies:
    """Refuses requests with bodies that are too large or of unknown size, and adds headers to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = list(message.get("headers", ()))
                policy = () if any(name == POLICY for name, _ in own) else ((POLICY, NOTHING),)
                message["headers"] = [*own, *policy, *HEADERS]
            await send(message)

        given = dict(scope["headers"])
        length = given.get(b"content-length", b"0")
        if b"transfer-encoding" in given:
            await _json(411, "a request needs a Content-Length")(scope, receive, with_headers)
        elif not length.isdigit() or len(length) > 12 or int(length) > LARGEST_BODY:
            await _json(413, f"a body has at most {LARGEST_BODY:,} bytes")(scope, receive, with_headers)
        else:
            await self.app(scope, receive, with_headers)


def _json(status: int, line: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": visible(line)}, status, headers)


def _refusal(status: int) -> Callable[[Request, Exception], JSONResponse]:
    return lambda _, error: _json(status, str(error))


def _invalid(_: Request, error: Exception) -> JSONResponse:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    return _json(422, said(faults))


def _http_refusal(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    return _json(error.status_code, str(error.detail), dict(error.headers) if error.headers else None)


def _unavailable(_: Request, __: Exception) -> JSONResponse:
    return _json(503, "the database is busy or gone; try again", {"Retry-After": str(math.ceil(SWEEP_SECONDS))})


def _version() -> str:
    try:
        return version("votewise")
    except PackageNotFoundError:
        return "unknown"
