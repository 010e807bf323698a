"""Bottle on zkticket's own server, answering as zkticket does without selling anything.

`python -m tests.bench.contestants.apps.echo_app PORT`. It parses the purchase and answers
with an order of that type: no shop with this framework and this server can be faster.
"""

import asyncio
import sys
import time
from collections.abc import Coroutine
from typing import Any

import bottle
import msgspec
from granian.rsgi import Scope

from core.schema.records import Order, view
from core.transport.listen_socket import listen
from web.http.replies import Reply, json_reply, text_reply
from web.http.request import Request
from web.server.adapter import BODY_BYTES, Adapter, HttpProtocol
from web.server.granian_adapter import PublicSocket, serve
from web.server.request_head import Front

DRAIN_S = 2.0
ORDER_ID = "0123456789abcdef" * 2


def make_app() -> bottle.Bottle:
    app = bottle.Bottle()
    app.uninstall(True)
    app.route("/api/orders", "POST", post_order)
    return app


async def post_order(request: Request) -> Reply:
    wanted = msgspec.json.decode(request.body)
    order = Order(
        type=wanted["type"],
        quantity=wanted.get("quantity", 1),
        buyer=wanted["buyer"],
        status="sold",
        at=time.time(),
        batch="",
    )
    answer = view(ORDER_ID, wanted["event"], order, 1)
    return json_reply(answer, 201)


class Echo:
    """Stands in for `web.web_process.Service`, with nothing behind it."""

    def __rsgi_init__(self, _loop: asyncio.AbstractEventLoop) -> None:
        self._adapter = Adapter(
            make_app(),
            trouble=lambda _request, found: text_reply(found.code, found.status),
            observe=lambda _rule, _status: None,
            turn_away=lambda _head: None,
            clock=time.monotonic,
            live=lambda _path, _known: None,
            most_bytes=lambda _request: BODY_BYTES,
            front=Front((), ""),
        )

    def __rsgi__(self, scope: Scope, protocol: HttpProtocol) -> Coroutine[Any, Any, None]:
        return self._adapter(scope, protocol)


if __name__ == "__main__":
    sys.exit(serve(Echo, PublicSocket(listen("127.0.0.1", int(sys.argv[1]), "--port")), DRAIN_S))
