"""Answers to the browser, and how a Bottle route gives one.

A route returns a `Reply`, or a coroutine that ends in one. The coroutine is awaited on
the event loop after Bottle has let go of the request: it must not use `bottle.request`.
"""

import inspect
from collections.abc import Callable
from typing import Any

import bottle
import msgspec

from core.errors import BadRequest

# Where a route's coroutine waits in the WSGI environment.
DEFERRED = "zkticket.deferred"

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


def json_reply(content: Any, status: int = 200) -> Reply:
    return Reply(status, JSON, msgspec.json.encode(content))


def html_reply(page: str, status: int = 200) -> Reply:
    return Reply(status, HTML, page.encode())


def text_reply(text: str, status: int = 200) -> Reply:
    return Reply(status, TEXT, text.encode())


class ReplyPlugin:
    """Lets Bottle's routes return replies and coroutines; `refuse` answers a `BadRequest`."""

    name = "replies"
    api = 2

    def __init__(self, refuse: Callable[[BadRequest], Reply]) -> None:
        self._refuse = refuse

    def apply(self, callback: Callable[..., Any], _route: bottle.Route) -> Callable[..., Any]:
        def answer(**arguments: str) -> Any:
            try:
                result = callback(**arguments)
            except BadRequest as error:
                result = self._refuse(error)
            if inspect.iscoroutine(result):
                bottle.request.environ[DEFERRED] = result
                return b""
            return as_response(result)

        return answer


def as_response(reply: Reply) -> bottle.HTTPResponse:
    """The reply in Bottle's terms."""
    return bottle.HTTPResponse(reply.body, reply.status, reply.headers)
