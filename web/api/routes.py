"""The JSON interface under `/api`, and what machines ask: health, readiness, metrics."""

import socket
from typing import Any

import bottle
import msgspec

from core.errors import ZkticketError
from core.store.availability import EventAvailability
from core.text.timestamps import rfc3339
from web.api.orders import basket_of, bought
from web.auth.operator import Guard
from web.context import Context
from web.http import problems
from web.http.problems import Problem, problem
from web.http.replies import Reply, json_reply, text_reply
from web.http.request import Request
from web.http.routing import Outcome
from web.metrics.prometheus_text import CONTENT_TYPE
from web.metrics.scrape import exposition
from web.reads.catalog import Snapshot
from web.reads.live import RULE, Live
from web.reads.order_lookup import find_order


class Api:
    """Each method is a route: it parses, calls one function, maps the result to a status."""

    def __init__(self, context: Context, live: Live, guard: Guard) -> None:
        self._context = context
        self._live = live
        self._guard = guard

    def mount(self, app: bottle.Bottle) -> None:
        app.route("/api/orders", "POST", self.post_order)
        app.route("/api/orders/<order_id>", "GET", self.get_order)
        app.route("/api/holds/<order_id>", "GET", self.get_order)
        app.route("/api/events", "GET", self.get_events)
        app.route("/api/events/<name>", "GET", self.get_event)
        app.route(RULE, "GET", self.get_availability)
        app.route("/api/status", "GET", self.get_status)
        app.route("/healthz", "GET", self.get_health)
        app.route("/readyz", "GET", self.get_readiness)
        app.route("/metrics", "GET", self.get_metrics)

    # --- orders ----------------------------------------------------------------------

    async def post_order(self, request: Request) -> Outcome:
        basket = basket_of(request)
        answer = await self._context.checkout.buy(basket, request.began, request.gone)
        return bought(answer, basket, self._context.rng)

    async def get_order(self, _request: Request, order_id: str) -> Outcome:
        try:
            return json_reply(await find_order(self._context.orders, order_id))
        except ZkticketError as error:
            return problems.of_read(error, self._context.rng)

    # --- events ----------------------------------------------------------------------

    async def get_events(self, _request: Request) -> Outcome:
        snapshot = await self._context.catalog.snapshot()
        if snapshot.as_of is None:
            return self._not_yet()
        events = [_event(event, snapshot) for event in snapshot.events]
        damaged = [{"name": name, "unavailable": True} for name in snapshot.damaged]
        return json_reply({"events": events + damaged, **_reading(snapshot)})

    async def get_event(self, _request: Request, name: str) -> Outcome:
        snapshot = await self._context.catalog.snapshot()
        event = snapshot.event(name)
        if event is not None:
            return json_reply(_event(event, snapshot))
        if name in snapshot.damaged:
            return problem("damaged")
        return self._absent(snapshot)

    async def get_availability(self, request: Request, name: str) -> Outcome:
        """Where `Live` alone had no answer: before the first reading, and for no such event."""
        snapshot = await self._context.catalog.snapshot()
        found = self._live.answer(snapshot, name, request.headers.get("if-none-match"))
        if found is not None:
            return found
        return problem("damaged") if name in snapshot.damaged else self._absent(snapshot)

    def _absent(self, snapshot: Snapshot) -> Problem:
        return self._not_yet() if snapshot.as_of is None else problem("no-such-event")

    def _not_yet(self) -> Problem:
        return problem("no-quorum", "detail.not-open", rng=self._context.rng)

    # --- machines and operators ------------------------------------------------------

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
        """For this machine's own programs, and for who brings the operators' token."""
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


def _event(event: EventAvailability, snapshot: Snapshot) -> dict[str, Any]:
    return {**msgspec.structs.asdict(event), **_reading(snapshot)}


def _reading(snapshot: Snapshot) -> dict[str, Any]:
    return {"as_of": rfc3339(snapshot.as_of or 0.0), "stale": snapshot.stale}
