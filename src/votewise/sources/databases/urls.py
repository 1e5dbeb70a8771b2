"""Connection URLs: what may be shown of them, and what a database is given."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlencode

SECRET = re.compile(
    r"pass|pwd|secret|token|key|credential|auth|sig|jwt|bearer|cookie|session|private|^(?:pw|sas|pin|otp)$",
    re.IGNORECASE,
)
"""Parts of the names of query parameters that hold secrets."""

_PARAMETER = re.compile(r"[?&]([^=&?#@/]*)=([^&]*)")

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
        written: the secrets as they stand in the URL.
        unclear: whether a parameter with the name of a secret stands before an at sign, so that it may as well be part of a
            password. Nothing of such a URL is shown.
    """

    scheme: str
    user: str | None
    password: str | None
    place: str
    query: tuple[tuple[str, str], ...]
    written: tuple[str, ...] = ()
    unclear: bool = False

    @classmethod
    def parse(cls, url: str) -> ConnectionUrl:
        """Take a URL apart."""
        scheme, _, rest = url.strip().partition("://")
        named = [m for m in _PARAMETER.finditer(rest) if m[1] == "table" or SECRET.search(m[1])]
        end = named[0].start() if named else len(rest)
        before, at, place = rest[:end].rpartition("@")
        place += rest[end:]
        user, colon, password = before.partition(":")
        place, _, query = place.partition("?")
        secrets = [m for m in _PARAMETER.finditer(rest) if SECRET.search(m[1])]
        last = rest.rfind("@")
        unclear = any(m.start() < last for m in secrets)
        passwords = ([password] if colon else []) + ([rest[:last].partition(":")[2]] if unclear else [])
        return cls(
            scheme,
            unquote(user) if at else None,
            unquote(password) if at and colon else None,
            place,
            tuple(parse_qsl(query, keep_blank_values=True)),
            (*(m[2] for m in secrets), *passwords),
            unclear,
        )

    @property
    def _user_shown(self) -> str:
        # The name of a user of a web address is often the secret itself.
        web = self.scheme.lower() in ("http", "https")
        return "" if self.user is None or web else f"{quote(self.user)}@"

    def shown(self) -> str:
        """The URL without its secrets."""
        if self.unclear:
            return f"{self.scheme}://***"
        query = [(name, value) for name, value in self.query if not SECRET.search(name)]
        return f"{self.scheme}://{self._user_shown}{self.place}" + (f"?{urlencode(query, safe='/:')}" if query else "")

    def address(self) -> str:
        """What a database is given: everything except the table."""
        who = "" if self.user is None else quote(self.user, safe="")
        who += "" if self.password is None else ":" + quote(self.password, safe="")
        query = [(name, value) for name, value in self.query if name != "table"]
        place = self.place + (f"?{urlencode(query)}" if query else "")
        return f"{self.scheme}://{who}{'' if self.user is None else '@'}{place}"

    def without_secrets(self, text: str) -> str:
        """A message with the secrets taken out, however they are written in it."""
        secrets = [self.password, *(value for name, value in self.query if SECRET.search(name)), *self.written]
        if not self._user_shown:
            secrets.append(self.user)
        spellings = {spelling for secret in secrets if secret for spelling in _spellings(secret)}
        for spelling in sorted(spellings, key=len, reverse=True):
            if len(spelling) >= SHORTEST:
                text = text.replace(spelling, "***")
        return text


def _spellings(secret: str) -> set[str]:
    """How a secret may be written in a message: as it is, percent-encoded, in quotes, on one line."""
    plain = {secret, unquote(secret), " ".join(secret.split())}
    encoded = {write(text) for text in plain for write in (lambda t: quote(t, safe=""), quote, quote_plus)}
    return plain | encoded | {quoted[1:-1] for text in plain for quoted in (repr(text), json.dumps(text))}


def is_url(text: str) -> bool:
    """Tell whether this is a URL, ``scheme://...``, rather than a path."""
    return re.match(r"\s*[A-Za-z][A-Za-z0-9+.-]+://", text) is not None


def shown_url(text: str) -> str:
    """An address without its secrets, so that it can be shown; a text that is not a URL as it is."""
    return ConnectionUrl.parse(text).shown() if is_url(text) else text


def without_secrets(text: str, url: str) -> str:
    """A message about a URL with the URL's secrets taken out."""
    return ConnectionUrl.parse(url).without_secrets(text) if is_url(url) else text
