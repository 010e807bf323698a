"""Serves a WSGI application (PEP 3333) over Granian's RSGI, on the event loop.

The application runs inline and must not block. A route that has to wait raises
`routing.Waiting` with a coroutine, which is awaited here without a thread: a waiting
buyer and a slow sender cost one coroutine each.
"""

import io
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

from core.errors import BadRequest
from web.http.problems import of_request, problem
from web.http.replies import BEGAN, GONE, Headers, Reply
from web.http.routing import Outcome, Trouble, Waiting
from web.reads.live import WATCHED, is_watched
from web.server.head import Front, Scope, bare_environment, checked
from web.server.timeouts import Patience

BODY_BYTES = 16 * 1024
BODY_S = 10.0
# A body that is too large is read up to here and dropped, so that its sender hears why.
DROPPED_BYTES = 1024 * 1024
# To read a chunk takes as long as so many bytes, however few it has: it counts for them.
CHUNK_BYTES = 128
BODILESS = frozenset({"GET", "HEAD"})

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class HttpProtocol(Protocol):
    """A request's body and the way to answer it."""

    def __call__(self) -> Awaitable[bytes]: ...
    def __aiter__(self) -> AsyncIterator[bytes]: ...
    def client_disconnect(self) -> Awaitable[None]: ...
    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None: ...
    def response_empty(self, status: int, headers: Headers) -> None: ...


def body_bytes(_environ: Mapping[str, Any]) -> int:
    """How large a body may be."""
    return BODY_BYTES


class Adapter:
    """An RSGI application around a WSGI one.

    `trouble` answers a problem; `observe` is told of each answer's environment and status.
    `turn_away` may refuse a request by its head alone; `most_bytes` says how large its body
    may be, from its environment.
    What watching pages ask for is answered by `live`, from a path and its `If-None-Match`,
    before anything else, unless that has no answer.
    `front` knows who stands before the web.
    """

    def __init__(
        self,
        app: WsgiApp,
        trouble: Trouble,
        observe: Callable[[Mapping[str, Any], int], None],
        clock: Callable[[], float],
        turn_away: Callable[[Scope], Reply | None],
        live: Callable[[str, str | None], Reply | None],
        most_bytes: Callable[[Mapping[str, Any]], int] = body_bytes,
        front: Front | None = None,
    ) -> None:
        self._front = front or Front((), "")
        self._turn_away = turn_away
        self._most_bytes = most_bytes
        self._app = app
        self._live = live
        self._trouble = trouble
        self._observe = observe
        self._clock = clock
        self._bodies = Patience(BODY_S, clock)
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
        environ: dict[str, Any] = {}
        try:
            environ = self._front.environment(scope, checked(scope))
            body = await read_body(scope, protocol, self._bodies, self._most_bytes(environ))
            environ["wsgi.input"] = io.BytesIO(body)
            environ[BEGAN] = self._clock()
            environ[GONE] = protocol.client_disconnect
            answer = call(self._app, environ)
            outcome = answer if isinstance(answer, Reply) else await answer
            reply = outcome if isinstance(outcome, Reply) else self._trouble(environ, outcome)
        except BadRequest as error:
            environ = environ or bare_environment(scope)
            reply = self._trouble(environ, of_request(error))
        except Exception:
            self._logger.exception("%s %r failed", scope.method, scope.path)
            environ = environ or bare_environment(scope)
            reply = self._trouble(environ, problem("internal"))
        self._observe(environ, reply.status)
        self._send(scope.method, protocol, self._front.secured(environ, reply))

    def _watched(self, scope: Scope, protocol: HttpProtocol) -> bool:
        """Whether that could be answered at once."""
        if scope.method != "GET":
            return False
        reply = self._live(scope.path, scope.headers.get("if-none-match"))
        if reply is None:
            return False
        self._observe(WATCHED, reply.status)
        self._send(scope.method, protocol, reply)
        return True

    def dismiss(self) -> None:
        """From now on each answer is the last one on its connection."""
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


def call(app: WsgiApp, environ: dict[str, Any]) -> Reply | Awaitable[Outcome]:
    """What the application answers, at once or later."""
    status = ""
    headers: Headers = []
    parts: list[bytes] = []

    def start_response(line: str, pairs: Headers, _exc_info: Any = None) -> Any:
        nonlocal status, headers
        status, headers = line, pairs
        return parts.append

    try:
        answer = app(environ, start_response)
    except Waiting as waiting:
        return waiting.outcome
    try:
        parts.extend(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()
    return Reply(int(status[:3]), headers, b"".join(parts))


# --- the body ------------------------------------------------------------------------


async def read_body(
    scope: Scope, protocol: HttpProtocol, patience: Patience, most: int = BODY_BYTES
) -> bytes:
    """The whole body. Raises `BadRequest`: over `most` bytes, too slow, or broken off."""
    length = scope.headers.get("content-length")
    if length is None and "transfer-encoding" not in scope.headers:
        return b""
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
