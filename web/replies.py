"""Answers to the browser, and how a Bottle route gives one.

A route returns a `Reply`, or a coroutine that ends in one. The coroutine is awaited on
the event loop after Bottle has let go of the request: it must not use `bottle.request`.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import bottle
import msgspec

from core.errors import BadRequest

# When a request was there, body and all, in its WSGI environment: by the web's clock.
BEGAN = "zkticket.began"
# What waits until the buyer has closed the connection, in the same place.
GONE = "zkticket.gone"

Gone = Callable[[], Awaitable[None]]

Headers = list[tuple[str, str]]

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
GUARDS: Headers = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("cross-origin-opener-policy", "same-origin"),
]
JSON: Headers = [
    ("content-type", "application/json"),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
]
HTML: Headers = [
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "no-store"),
    *GUARDS,
]
TEXT: Headers = [
    ("content-type", "text/plain; charset=utf-8"),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
]


class Reply(msgspec.Struct, frozen=True):
    """A whole answer. The header list may be shared: it is never changed."""

    status: int
    headers: Headers
    body: bytes = b""


class Waiting(Exception):
    """Leaves Bottle at once: the answer is not there yet, and none of Bottle's own is sent."""

    def __init__(self, reply: Awaitable[Reply]) -> None:
        super().__init__()
        self.reply = reply


def json_reply(content: Any, status: int = 200) -> Reply:
    return Reply(status, JSON, msgspec.json.encode(content))


def html_reply(page: str, status: int = 200) -> Reply:
    return Reply(status, HTML, page.encode())


def text_reply(text: str, status: int = 200) -> Reply:
    return Reply(status, TEXT, text.encode())


class ReplyPlugin:
    """Lets Bottle's routes return replies and coroutines.

    `admit` may refuse a request by its environment; `refuse` answers a `BadRequest`.
    """

    name = "replies"
    api = 2

    def __init__(
        self,
        admit: Callable[[Mapping[str, Any]], Reply | None],
        refuse: Callable[[BadRequest], Reply],
    ) -> None:
        self._admit = admit
        self._refuse = refuse

    def apply(self, callback: Callable[..., Any], _route: bottle.Route) -> Callable[..., Any]:
        def answer(**arguments: str) -> Any:
            result = self._admit(bottle.request.environ)
            try:
                result = result or callback(**arguments)
            except BadRequest as error:
                result = self._refuse(error)
            if isinstance(result, Reply):
                return as_response(result)
            raise Waiting(result)

        return answer


def as_response(reply: Reply) -> bottle.HTTPResponse:
    """The reply in Bottle's terms."""
    return bottle.HTTPResponse(reply.body, reply.status, reply.headers)
