"""Tells operators and their machines the status, health, readiness and metrics."""

from core.cluster.status import Status
from core.errors import ZkticketError
from web.auth.operator import OperatorGuard
from web.auth.roles import Area
from web.handler_context import Context
from web.http.problems import problem
from web.http.replies import Reply, json_reply, text_reply
from web.http.request import Request
from web.http.route_description import OPERATOR, OPERATOR_TOKEN, TEXT, Response, Route
from web.http.routing import Outcome
from web.metrics.prometheus_text import CONTENT_TYPE
from web.metrics.scrape import exposition


class StatusApi:
    """Each method is a route: it parses, calls one function, maps the result to a status."""

    def __init__(self, context: Context, guard: OperatorGuard) -> None:
        self._context = context
        self._guard = guard

    @Route(
        "GET",
        "/api/status",
        "getStatus",
        "What `status --json` prints",
        answers=(Response(200, "The status of everything.", Status),),
        codes=(*OPERATOR, "no-quorum"),
        keys=(OPERATOR_TOKEN,),
    )
    async def get_status(self, request: Request) -> Outcome:
        if refusal := self._guard.refusal(request, Area.MACHINE):
            return refusal
        try:
            return json_reply(await self._context.status())
        except ZkticketError as error:
            return problem("no-quorum", "detail.as-told", rng=self._context.rng, told=str(error))

    @Route(
        "GET",
        "/healthz",
        "isAlive",
        "The web server is alive",
        answers=(Response(200, "The server is alive.", TEXT),),
    )
    async def get_health(self, _request: Request) -> Reply:
        return text_reply("alive\n")

    @Route(
        "GET",
        "/readyz",
        "isReady",
        "Tickets can be sold",
        answers=(
            Response(200, "Tickets can be sold.", TEXT),
            Response(503, "Tickets can't be sold now; the text says what is missing.", TEXT),
        ),
    )
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

    @Route(
        "GET",
        "/metrics",
        "getMetrics",
        "Metrics for Prometheus",
        "A program on this machine needs no token, unless a proxy passes its request on.",
        answers=(Response(200, "Prometheus' text format 0.0.4.", CONTENT_TYPE),),
        codes=OPERATOR,
        keys=({}, OPERATOR_TOKEN),
    )
    async def get_metrics(self, request: Request) -> Outcome:
        context = self._context
        if not context.front.is_local(request):
            refusal = self._guard.refusal(request, Area.MACHINE)
            if refusal is not None:
                return refusal
        metrics, dispatcher = context.metrics, context.dispatcher
        text = await exposition(metrics, dispatcher, context.catalog, context.vitals)
        return Reply(200, [("content-type", CONTENT_TYPE)], text.encode())
