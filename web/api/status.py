"""Status, health, readiness and metrics, for machines and operators."""

import socket

import bottle

from core.errors import ZkticketError
from web.auth.operator import OperatorGuard
from web.context import Context
from web.http.problems import problem
from web.http.replies import Reply, json_reply, text_reply
from web.http.request import Request
from web.http.routing import Outcome
from web.metrics.prometheus_text import CONTENT_TYPE
from web.metrics.scrape import exposition


class StatusApi:
    """Each method is a route."""

    def __init__(self, context: Context, guard: OperatorGuard) -> None:
        self._context = context
        self._guard = guard

    def mount(self, app: bottle.Bottle) -> None:
        app.route("/api/status", "GET", self.get_status)
        app.route("/healthz", "GET", self.get_health)
        app.route("/readyz", "GET", self.get_readiness)
        app.route("/metrics", "GET", self.get_metrics)

    async def get_status(self, request: Request) -> Outcome:
        if refusal := self._guard.refusal(request):
            return refusal
        try:
            return json_reply(await self._context.status())
        except ZkticketError as error:
            return problem("no-quorum", "detail.as-told", rng=self._context.rng, told=str(error))

    async def get_health(self, _request: Request) -> Reply:
        return text_reply("alive\n")

    async def get_readiness(self, _request: Request) -> Reply:
        snapshot = await self._context.catalog.snapshot()
        missing = [
            text
            for text, there in (
                ("ZooKeeper", self._context.connected()),
                ("a ready worker", self._context.dispatcher.ready > 0),
                ("an event", bool(snapshot.events)),
            )
            if not there
        ]
        if missing:
            return text_reply(f"waiting for {', '.join(missing)}\n", 503)
        return text_reply("ready\n")

    async def get_metrics(self, request: Request) -> Outcome:
        """Prometheus text, for programs on this machine and for the operators' token."""
        context = self._context
        if not context.front.is_local(request) and (refusal := self._guard.refusal(request)):
            return refusal
        text = await exposition(
            context.metrics,
            context.dispatcher,
            context.catalog,
            context.vitals,
            socket.gethostname(),
        )
        return Reply(200, [("content-type", CONTENT_TYPE)], text.encode())
