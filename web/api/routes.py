"""The JSON interface under `/api`, and what machines ask: health, readiness, metrics."""

import socket
from datetime import UTC, datetime
from typing import Any

import bottle
import msgspec

from core.errors import ZkticketError
from core.store.availability import EventAvailability
from web.api.orders import basket_of, bought
from web.auth.operator import Guard
from web.context import Deps
from web.http import problems
from web.http.problems import Problem, problem
from web.http.replies import BEGAN, GONE, Gone, Reply, json_reply, text_reply
from web.http.routing import Outcome
from web.metrics.prometheus_text import CONTENT_TYPE
from web.metrics.scrape import exposition
from web.reads.catalog import Snapshot
from web.reads.live import RULE, Live
from web.reads.order_lookup import find_order
from web.requests.purchase import Basket


class Api:
    """Each method is a route: it parses, calls one function, maps the result to a status."""

    def __init__(self, deps: Deps, live: Live, guard: Guard) -> None:
        self._deps = deps
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

    def post_order(self) -> Any:
        environ = bottle.request.environ
        return self._buy(basket_of(environ), environ[BEGAN], environ[GONE])

    async def _buy(self, basket: Basket, began: float, gone: Gone) -> Outcome:
        return bought(await self._deps.buy(basket, began, gone), basket, self._deps.rng)

    async def get_order(self, order_id: str) -> Outcome:
        try:
            return json_reply(await find_order(self._deps.orders, order_id))
        except ZkticketError as error:
            return problems.of_read(error, self._deps.rng)

    # --- events ----------------------------------------------------------------------

    async def get_events(self) -> Outcome:
        snapshot = await self._deps.catalog.snapshot()
        if snapshot.as_of is None:
            return self._not_yet()
        events = [_event(event, snapshot) for event in snapshot.events]
        damaged = [{"name": name, "unavailable": True} for name in snapshot.damaged]
        return json_reply({"events": events + damaged, **_reading(snapshot)})

    async def get_event(self, name: str) -> Outcome:
        snapshot = await self._deps.catalog.snapshot()
        event = snapshot.event(name)
        if event is not None:
            return json_reply(_event(event, snapshot))
        if name in snapshot.damaged:
            return problem("damaged")
        return self._absent(snapshot)

    def get_availability(self, name: str) -> Any:
        """Where `Live` alone had no answer: before the first reading, and for no such event."""
        return self._availability(name, bottle.request.environ.get("HTTP_IF_NONE_MATCH"))

    async def _availability(self, name: str, known: str | None) -> Outcome:
        snapshot = await self._deps.catalog.snapshot()
        found = self._live.answer(snapshot, name, known)
        if found is not None:
            return found
        return problem("damaged") if name in snapshot.damaged else self._absent(snapshot)

    def _absent(self, snapshot: Snapshot) -> Problem:
        return self._not_yet() if snapshot.as_of is None else problem("no-such-event")

    def _not_yet(self) -> Problem:
        return problem("no-quorum", "detail.not-open", rng=self._deps.rng)

    # --- machines and operators ------------------------------------------------------

    def get_status(self) -> Any:
        return self._guard.refusal(bottle.request.environ) or self._status()

    async def _status(self) -> Outcome:
        try:
            return json_reply(await self._deps.status())
        except ZkticketError as error:
            return problem("no-quorum", "detail.as-told", rng=self._deps.rng, told=str(error))

    def get_health(self) -> Reply:
        return text_reply("alive\n")

    async def get_readiness(self) -> Reply:
        snapshot = await self._deps.catalog.snapshot()
        missing = [
            text
            for text, there in (
                ("ZooKeeper", self._deps.connected()),
                ("a ready worker", self._deps.dispatcher.ready > 0),
                ("an event", bool(snapshot.events)),
            )
            if not there
        ]
        if missing:
            return text_reply(f"waiting for {', '.join(missing)}\n", 503)
        return text_reply("ready\n")

    def get_metrics(self) -> Any:
        """For this machine's own programs, and for who brings the operators' token."""
        environ = bottle.request.environ
        if self._deps.front.is_local(environ):
            return self._metrics()
        return self._guard.refusal(environ) or self._metrics()

    async def _metrics(self) -> Reply:
        deps = self._deps
        text = await exposition(
            deps.metrics, deps.dispatcher, deps.catalog, deps.vitals, socket.gethostname()
        )
        return Reply(200, [("content-type", CONTENT_TYPE)], text.encode())


def _event(event: EventAvailability, snapshot: Snapshot) -> dict[str, Any]:
    return {**msgspec.structs.asdict(event), **_reading(snapshot)}


def _reading(snapshot: Snapshot) -> dict[str, Any]:
    as_of = datetime.fromtimestamp(snapshot.as_of or 0.0, UTC).isoformat(timespec="milliseconds")
    return {"as_of": as_of.replace("+00:00", "Z"), "stale": snapshot.stale}
