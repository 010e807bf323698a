"""What is for sale, over the JSON interface."""

from typing import Any

import bottle
import msgspec

from core.store.availability import EventAvailability
from core.text.timestamps import rfc3339
from web.context import Context
from web.http.problems import Problem, problem
from web.http.replies import json_reply
from web.http.request import Request
from web.http.routing import Outcome
from web.reads.catalog import Snapshot
from web.reads.live import RULE, Live


class EventApi:
    """Each public method is a route."""

    def __init__(self, context: Context, live: Live) -> None:
        self._context = context
        self._live = live

    def mount(self, app: bottle.Bottle) -> None:
        app.route("/api/events", "GET", self.get_events)
        app.route("/api/events/<name>", "GET", self.get_event)
        app.route(RULE, "GET", self.get_availability)

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
        """Answers where `Live` could not: before the first reading, or for an unknown event."""
        snapshot = await self._context.catalog.snapshot()
        found = self._live.answer(snapshot, name, request.headers.get("if-none-match"))
        if found is not None:
            return found
        return problem("damaged") if name in snapshot.damaged else self._absent(snapshot)

    def _absent(self, snapshot: Snapshot) -> Problem:
        return self._not_yet() if snapshot.as_of is None else problem("no-such-event")

    def _not_yet(self) -> Problem:
        return problem("no-quorum", "detail.not-open", rng=self._context.rng)


def _event(event: EventAvailability, snapshot: Snapshot) -> dict[str, Any]:
    return {**msgspec.structs.asdict(event), **_reading(snapshot)}


def _reading(snapshot: Snapshot) -> dict[str, Any]:
    return {"as_of": rfc3339(snapshot.as_of or 0.0), "stale": snapshot.stale}
