"""A request as its handler sees it."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Protocol, TypeAlias
from urllib.parse import quote, unquote_plus

import msgspec

from core.errors import BadRequest
from web.http import cookies

# Waits until the client has closed the connection.
Gone: TypeAlias = Callable[[], Awaitable[None]]


class HeaderFields(Protocol):
    """Headers by their lower-case names."""

    def get(self, key: str, /) -> str | None: ...


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request, made once, after its head was checked.

    `headers` have lower-case names, without those that proxies add. `client` is the client's
    address, `peer` is the connection's: a proxy's if `is_forwarded`. `scheme` and `host` are what
    the client asked for; `base` is our address as the client knows it. `began` is when the
    request was complete, by the web's monotonic clock.
    """

    method: str
    path: str
    query_string: str = ""
    headers: Mapping[str, str] = {}
    body: bytes = b""
    client: str = ""
    peer: str = ""
    scheme: str = ""
    host: str = ""
    base: str = ""
    is_forwarded: bool = False
    is_http_1_0: bool = False
    began: float = 0.0
    gone: Gone | None = None

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def idempotency_key(self) -> str | None:
        return self.headers.get("idempotency-key")

    def address(self, home: str) -> str:
        """The address to come back to; a post has none, so it is `home`."""
        if self.method == "POST":
            return home
        path = quote(self.path)
        return f"{path}?{self.query_string}" if self.query_string else path

    def cookies(self, name: str) -> Iterator[str]:
        """The value of each cookie of that name."""
        return cookies.values(self.headers.get("cookie", ""), name)

    def query_field(self, name: str) -> str:
        """A field of the address, "" if it is missing. Raises `BadRequest` if it stands twice."""
        found = [value for key, value in self._pairs() if key == name]
        if len(found) > 1:
            raise BadRequest("malformed", "detail.query-twice")
        return found[0] if found else ""

    def query(self) -> dict[str, str]:
        """All fields of the address. Raises `BadRequest` if one stands twice."""
        pairs = list(self._pairs())
        if len(fields := dict(pairs)) != len(pairs):
            raise BadRequest("malformed", "detail.query-twice")
        return fields

    def _pairs(self) -> Iterator[tuple[str, str]]:
        for pair in filter(None, self.query_string.split("&")):
            name, _, value = pair.partition("=")
            yield _unquoted(name), _unquoted(value)


def _unquoted(text: str) -> str:
    """The text, "" if its escapes are not UTF-8."""
    try:
        return unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        return ""
