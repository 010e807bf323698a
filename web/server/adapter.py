"""Serves a Bottle application over Granian's RSGI, on the event loop.

Bottle's router chooses the handler; WSGI is not used. Handlers are coroutines: a waiting buyer
or a slow sender costs one coroutine and no thread.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

import bottle
from granian.rsgi import Scope
from msgspec.structs import replace

from core.errors import BadRequest
from web.http.problems import from_bad_request, problem
from web.http.replies import Headers, Reply
from web.http.request import Request
from web.http.routing import Outcome, Trouble, find_route
from web.reads.live_availability import WATCHED, is_watched
from web.server.request_head import Front, bare_request
from web.server.timeouts import SharedTimeout

BODY_BYTES = 16 * 1024
BODY_S = 10.0
# A body that is too large is read up to here and dropped, so that its sender gets the answer.
DROPPED_BYTES = 1024 * 1024
# The bytes that each chunk counts for at least: to read a chunk takes as long as to read these.
CHUNK_BYTES = 128
# What the metrics call the route of a request that has none.
NO_ROUTE = "none"


class HttpProtocol(Protocol):
    """A request's body and the way to answer it, as Granian has them."""

    def __call__(self) -> Awaitable[bytes]: ...
    def __aiter__(self) -> AsyncIterator[bytes]: ...
    def client_disconnect(self) -> Awaitable[None]: ...
    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None: ...
    def response_empty(self, status: int, headers: Headers) -> None: ...


class Adapter:
    """An RSGI application around the routes of a Bottle one.

    `trouble` makes the reply to a problem; `observe` hears the route and the status of each
    reply; `turn_away` may refuse a request by its head alone; `most_bytes` bounds its body.
    `live` answers the pages that watch a sale, from a path and its `If-None-Match`, before
    anything else is done; where it has no answer, the route has one. `front` knows the proxies.
    """

    def __init__(
        self,
        app: bottle.Bottle,
        trouble: Trouble,
        observe: Callable[[str, int], None],
        clock: Callable[[], float],
        turn_away: Callable[[Scope], Reply | None],
        live: Callable[[str, str | None], Reply | None],
        most_bytes: Callable[[Request], int],
        front: Front,
    ) -> None:
        self._front = front
        self._turn_away = turn_away
        self._most_bytes = most_bytes
        self._app = app
        self._live = live
        self._trouble = trouble
        self._observe = observe
        self._clock = clock
        self._bodies = SharedTimeout(BODY_S, clock)
        self._logger = logging.getLogger("zkticket.web")
        self._send = send

    async def __call__(self, scope: Scope, protocol: HttpProtocol) -> None:
        """Answers one request."""
        refusal = self._turn_away(scope)
        if refusal is not None:
            protocol.response_bytes(refusal.status, refusal.headers, refusal.body)
            return
        if is_watched(scope.path) and self._watched(scope, protocol):
            return
        request, rule = None, NO_ROUTE
        try:
            request = self._front.request(scope, self._clock(), protocol.client_disconnect)
            if "content-length" in request.headers or "transfer-encoding" in request.headers:
                request = await self._with_body(request, protocol)
            route, parts = find_route(self._app, request)
            rule = f"{route.method} {route.rule}"
            reply = self._as_reply(request, await route.call(request, **parts))
        except BadRequest as error:
            request = request or bare_request(scope)
            reply = self._trouble(request, from_bad_request(error))
        except Exception:
            self._logger.exception("%s %r failed", scope.method, scope.path)
            request = request or bare_request(scope)
            reply = self._trouble(request, problem("internal"))
        self._observe(rule, reply.status)
        self._send(scope.method, protocol, self._front.secured(request, reply))

    async def _with_body(self, request: Request, protocol: HttpProtocol) -> Request:
        length = request.headers.get("content-length")
        body = await read_body(length, protocol, self._bodies, self._most_bytes(request))
        return replace(request, body=body, began=self._clock())

    def _as_reply(self, request: Request, outcome: Outcome) -> Reply:
        return outcome if isinstance(outcome, Reply) else self._trouble(request, outcome)

    def _watched(self, scope: Scope, protocol: HttpProtocol) -> bool:
        """Answers a watching page from memory; False where that is not possible."""
        if scope.method != "GET":
            return False
        reply = self._live(scope.path, scope.headers.get("if-none-match"))
        if reply is None:
            return False
        self._observe(WATCHED, reply.status)
        self._send(scope.method, protocol, reply)
        return True

    def dismiss(self) -> None:
        """Makes each answer from now on the last one on its connection."""
        self._send = send_last


def send_last(method: str, protocol: HttpProtocol, reply: Reply) -> None:
    last = Reply(reply.status, [*reply.headers, ("connection", "close")], reply.body)
    send(method, protocol, last)


def send(method: str, protocol: HttpProtocol, reply: Reply) -> None:
    if method == "HEAD":
        length = ("content-length", str(len(reply.body)))
        headers = [pair for pair in reply.headers if pair[0].lower() != "content-length"]
        protocol.response_empty(reply.status, [*headers, length])
    else:
        protocol.response_bytes(reply.status, reply.headers, reply.body)


# --- the body ------------------------------------------------------------------------


async def read_body(
    length: str | None, protocol: HttpProtocol, patience: SharedTimeout, most: int
) -> bytes:
    """The whole body. Raises `BadRequest` if it is over `most` bytes, too slow, or incomplete."""
    try:
        if length is None or int(length) > most:
            return await patience.wait_for(_bounded(protocol, most))
        body = await patience.wait_for(protocol())
    except TimeoutError:
        raise BadRequest("too-slow", "problem.too-slow") from None
    if len(body) != int(length):
        raise BadRequest("malformed", "detail.broken-off")
    return body


async def _bounded(protocol: HttpProtocol, most: int) -> bytes:
    body = bytearray()
    received = 0
    async for chunk in protocol:
        received += max(len(chunk), CHUNK_BYTES)
        if received <= most:
            body += chunk
        elif received > DROPPED_BYTES:
            break
    if received > most:
        raise BadRequest("too-large", "detail.larger", most=most // 1024)
    return bytes(body)
