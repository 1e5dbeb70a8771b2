"""Connection URLs: what may be shown of them, and what a database is given."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode

SECRET = re.compile(r"pass|pwd|secret|token|key|credential|auth|sig", re.IGNORECASE)
"""Parts of the names of query parameters that hold secrets."""

SHORTEST = 3
"""Characters of the shortest secret that is taken out of messages; a shorter one would take words apart."""


@dataclass(frozen=True)
class ConnectionUrl:
    """A connection URL in its parts. The password may hold any characters, also those that end a URL's parts.

    Attributes:
        scheme: the backend.
        user, password: as they are to be sent, not percent-encoded; None where there is none.
        place: host, port and path.
        query: parameters, decoded.
    """

    scheme: str
    user: str | None
    password: str | None
    place: str
    query: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, url: str) -> ConnectionUrl:
        """Take a URL apart."""
        scheme, _, rest = url.partition("://")
        table = re.search(r"[?&]table=", rest)
        before, at, place = rest[: table.start() if table else len(rest)].rpartition("@")
        place += rest[table.start() :] if table else ""
        user, colon, password = before.partition(":")
        place, _, query = place.partition("?")
        return cls(
            scheme,
            unquote(user) if at else None,
            unquote(password) if at and colon else None,
            place,
            tuple(parse_qsl(query, keep_blank_values=True)),
        )

    def shown(self) -> str:
        """The URL without its secrets."""
        query = [(name, value) for name, value in self.query if not SECRET.search(name)]
        user = "" if self.user is None else f"{quote(self.user)}@"
        return f"{self.scheme}://{user}{self.place}" + (f"?{urlencode(query, safe='/:')}" if query else "")

    def address(self) -> str:
        """What a database is given: everything except the table."""
        who = "" if self.user is None else quote(self.user, safe="")
        who += "" if self.password is None else ":" + quote(self.password, safe="")
        query = [(name, value) for name, value in self.query if name != "table"]
        place = self.place + (f"?{urlencode(query)}" if query else "")
        return f"{self.scheme}://{who}{'' if self.user is None else '@'}{place}"

    def without_secrets(self, text: str) -> str:
        """A message with the secrets taken out, however they are written in it."""
        secrets = [self.password, *(value for name, value in self.query if SECRET.search(name))]
        for secret in secrets:
            for spelling in {secret or "", quote(secret or "", safe=""), quote(secret or "")}:
                if len(spelling) >= SHORTEST:
                    text = text.replace(spelling, "***")
        return text


def is_url(text: str) -> bool:
    """Tell whether this is a URL, ``scheme://...``, rather than a path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text) is not None


def shown_url(text: str) -> str:
    """An address without its secrets, so that it can be shown; a text that is not a URL as it is."""
    return ConnectionUrl.parse(text).shown() if is_url(text) else text


def without_secrets(text: str, url: str) -> str:
    """A message about a URL with the URL's secrets taken out."""
    return ConnectionUrl.parse(url).without_secrets(text) if is_url(url) else text
