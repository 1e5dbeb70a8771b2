"""Pages for invited annotators: ``/join`` to sign in with a link, ``/annotate`` for the next pair.

A page is made from the database each time: a reload, a second tab and another browser show what the annotator has. Texts
are shown as they are, without formatting, and escaped. Votes are no GET, have a JSON body, and come from this site's own
pages: a cookie alone is not enough.
"""

# Annotations are not postponed: FastAPI reads those of routes.
import json
import math
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import jinja2
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field
from sqlalchemy import Connection, Row, func, select

from votewise.collect.api_bodies import Body, Count, Name
from votewise.collect.database import reading, retried
from votewise.collect.folder import Collection
from votewise.collect.invitations import DAY, SESSION_DAYS, SignedIn, sign_in, sign_out, signed_in
from votewise.collect.leases import next_comparison, undo_on_lease, vote_on_lease
from votewise.collect.moves import OutOfOrderError
from votewise.collect.rate_limits import Buckets
from votewise.collect.schema import answer, campaign, comparison, pair, prompt
from votewise.collect.states import UNDO_SECONDS, Choice, State
from votewise.collect.voting import GivenVote

STATIC = Path(__file__).with_name("static")

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

ACTS_PER_MINUTE = 240
"""Votes and other acts of one annotator; people are slower."""

SIGN_INS_PER_MINUTE = 60
"""Attempts to sign in from one address."""

_CONTROLS = {code: "\ufffd" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n\r"}


class LinkBody(Body):
    """What is behind the ``#`` of a link."""

    token: Name


class AnnotatorVote(Body):
    """What an annotator said; strength is 1 for slightly, 2 for clearly, 3 for by far."""

    choice: Choice
    strength: Annotated[int, Field(ge=1, le=3)] | None = None
    reasons: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    ms_visible: Count | None = None

    def given(self) -> GivenVote:
        """The same for the database."""
        return GivenVote(self.choice, self.strength, self.reasons, self.ms_visible)


class VoteState(BaseModel):
    """The state of a comparison after an act."""

    state: State


def make_pages(collection: Collection) -> APIRouter:
    """The routes of a collection."""
    settings = collection.settings
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("votewise.collect"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["shown"] = lambda text: str(text).translate(_CONTROLS)
    acts, sign_ins = Buckets(ACTS_PER_MINUTE), Buckets(SIGN_INS_PER_MINUTE)
    router = APIRouter(include_in_schema=False)

    def page(template: str, status: int = 200, **context: Any) -> HTMLResponse:
        text = environment.get_template(template).render(**context)
        return HTMLResponse(text, status, {"Content-Security-Policy": POLICY})

    def person(request: Request) -> SignedIn:
        found = _who(collection, request)
        if found is None:
            raise HTTPException(401, "you are not signed in; open your invitation's link")
        if wait := acts.wait(found.person_id):
            raise HTTPException(429, "slower, please", {"Retry-After": str(math.ceil(wait))})
        return found

    Annotator = Annotated[SignedIn, Depends(person)]  # noqa: N806 - a type
    ours = [Depends(_from_our_page)]

    @router.get("/join")
    def join() -> HTMLResponse:
        return page("join.html.j2", consent=settings.consent)

    @router.post("/annotate/sign-in", status_code=204, dependencies=ours)
    def new_session(body: LinkBody, request: Request) -> Response:
        if wait := sign_ins.wait(request.client.host if request.client else ""):
            raise HTTPException(429, "too many attempts", {"Retry-After": str(math.ceil(wait))})
        before = request.cookies.get(_cookie_name(request))
        made = retried(collection.engine, lambda connection: sign_in(connection, collection, body.token, before))
        if made is None:
            raise HTTPException(403, "this link was used before, has expired, or is incomplete; ask for a new one")
        response = Response(status_code=204)
        response.set_cookie(
            _cookie_name(request),
            made,
            max_age=int(SESSION_DAYS * DAY),
            path="/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="lax",
        )
        return response

    @router.post("/annotate/sign-out", status_code=204, dependencies=ours)
    def no_session(request: Request) -> Response:
        cookie = request.cookies.get(_cookie_name(request))
        if cookie is not None:
            retried(collection.engine, lambda connection: sign_out(connection, cookie))
        response = Response(status_code=204)
        response.delete_cookie(
            _cookie_name(request), path="/", secure=request.url.scheme == "https", httponly=True, samesite="lax"
        )
        return response

    @router.get("/annotate")
    def annotate(request: Request) -> HTMLResponse:
        who = _who(collection, request)
        if who is None:
            return page("message.html.j2", 401, about="signed-out", name=None, progress=None, undo=None)

        def looked(connection: Connection) -> dict[str, Any]:
            held = next_comparison(connection, collection, who.person_id)
            about = {"name": who.name, **_own_votes(connection, collection, who.person_id)}
            if held is None:
                state = connection.execute(select(campaign.c.state)).scalar()
                return about | {"about": state if state != "open" else "waiting"}
            return about | _texts(connection, held) | {"about": "pair", "id": held.id}

        context = retried(collection.engine, looked)
        if context["about"] != "pair":
            return page("message.html.j2", **context)
        campaign_settings = settings.campaign
        return page(
            "annotate.html.j2", question=campaign_settings.question, reasons=campaign_settings.reasons, **context
        )

    @router.put("/annotate/comparisons/{name}/vote", dependencies=ours)
    def new_vote(name: str, body: AnnotatorVote, who: Annotator) -> VoteState:
        unknown = [reason for reason in body.reasons if reason not in settings.campaign.reasons]
        if unknown:
            raise HTTPException(422, "reasons: not one of those that the page shows")
        given = body.given()
        state = retried(
            collection.engine,
            lambda connection: vote_on_lease(connection, collection, who.person_id, name, given),
        )
        return VoteState(state=state)

    @router.delete("/annotate/comparisons/{name}/vote", dependencies=ours)
    def no_vote(name: str, who: Annotator) -> VoteState:
        def undone(connection: Connection) -> None:
            if connection.execute(select(campaign.c.state)).scalar() == "closed":
                raise OutOfOrderError("the campaign is closed")
            undo_on_lease(connection, collection, who.person_id, name)

        retried(collection.engine, undone)
        return VoteState(state="shown")

    return router


def _from_our_page(request: Request) -> None:
    """Refuse what another site's page sends in the name of who is signed in."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        ours = site == "same-origin"
    else:
        # Browsers send Sec-Fetch-Site only over HTTPS and to this machine.
        ours = origin is not None and urlsplit(origin).netloc == request.headers.get("host")
    if not ours:
        raise HTTPException(403, "this comes from another site")
    if request.method != "DELETE" and int(request.headers.get("content-length", "0")):
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise HTTPException(415, "the body is not application/json")


def _cookie_name(request: Request) -> Literal["__Host-votewise", "votewise"]:
    # Browsers keep a cookie of this prefix only if it came over HTTPS from this very host.
    return "__Host-votewise" if request.url.scheme == "https" else "votewise"


def _who(collection: Collection, request: Request) -> SignedIn | None:
    cookie = request.cookies.get(_cookie_name(request))
    if cookie is None:
        return None
    with reading(collection.engine) as connection:
        return signed_in(connection, collection, cookie)


def _own_votes(connection: Connection, collection: Collection, person: int) -> dict[str, Any]:
    """How many pairs an annotator has judged, and the last vote as long as it can be undone."""
    product = select(campaign.c.product_id).scalar_subquery()
    mine = comparison.c.person_id == person, comparison.c.product_id == product
    judged = select(func.count()).where(*mine, comparison.c.state.in_(["voted", "final"]))
    left = collection.clock() - UNDO_SECONDS
    recent = select(comparison.c.id, comparison.c.voted_at).where(
        *mine, comparison.c.state.in_(["voted", "skipped"]), comparison.c.voted_at > left
    )
    last = connection.execute(recent.order_by(comparison.c.voted_at.desc()).limit(1)).first()
    undo = None if last is None else {"id": last.id, "seconds": max(1, math.floor(last.voted_at - left))}
    return {"progress": connection.execute(judged).scalar_one(), "undo": undo}


def _texts(connection: Connection, held: Row[Any]) -> dict[str, Any]:
    """What an annotator sees of a comparison; no model's name is among it."""
    asked = connection.execute(
        select(prompt).join(pair, pair.c.prompt_id == prompt.c.id).where(pair.c.id == held.pair_id)
    ).one()
    both = answer.c.id.in_([held.left_answer, held.right_answer])
    texts = {row.id: row.content for row in connection.execute(select(answer.c.id, answer.c.content).where(both))}
    return {
        "content": asked.content or "",
        "system": asked.system,
        "history": json.loads(asked.history) if asked.history else [],
        "left": texts[held.left_answer] or "",
        "right": texts[held.right_answer] or "",
    }
