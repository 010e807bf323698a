"""Events, and what is left of them."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from core.schema.json_types import Rfc3339
from core.schema.records import PlainName
from core.store.availability import EventAvailability, EventReport, reported
from core.text.timestamps import rfc3339
from web.handler_context import Context
from web.http.problems import Problem, problem
from web.http.replies import json_reply
from web.http.request import Request
from web.http.route_description import READ, SCHEMAS, Response, Route
from web.http.routing import Outcome
from web.reads.catalog import Snapshot
from web.reads.live_availability import RULE, Availability, Live
from web.requests.parameters import EVENT, SEEN

AsOf = Annotated[Rfc3339, Meta(description="When this was true.")]
Stale = Annotated[bool, Meta(description="ZooKeeper is out of reach: this may have changed.")]


class EventJson(EventReport, frozen=True, kw_only=True):
    """An event with what is left of each type."""

    as_of: AsOf
    stale: Stale


class DamagedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event whose record in ZooKeeper can't be read."""

    name: PlainName
    unavailable: Literal[True] = True


# msgspec knows no choice between structs that no tag tells apart.
EITHER = Meta(
    extra_json_schema={
        "items": {"anyOf": [{"$ref": f"{SCHEMAS}EventJson"}, {"$ref": f"{SCHEMAS}DamagedEvent"}]}
    }
)


class EventsJson(msgspec.Struct, frozen=True, kw_only=True):
    """All published events, also those whose sale is yet to open."""

    events: Annotated[tuple[Any, ...], EITHER]
    as_of: AsOf
    stale: Stale


class EventApi:
    """Each method is a route: it parses, calls one function, maps the result to a status."""

    def __init__(self, context: Context, live: Live) -> None:
        self._context = context
        self._live = live

    @Route(
        "GET",
        "/api/events",
        "getEvents",
        "All events, and what is left",
        "While ZooKeeper is out of reach, they are shown as they were, with `stale`.",
        answers=(Response(200, "The events.", EventsJson),),
        codes=("no-quorum",),
    )
    async def get_events(self, _request: Request) -> Outcome:
        snapshot = await self._context.catalog.snapshot()
        if snapshot.as_of is None:
            return self._not_yet()
        events = [self._event(event, snapshot) for event in snapshot.published]
        damaged = [DamagedEvent(name=name) for name in snapshot.damaged]
        return json_reply(EventsJson(events=(*events, *damaged), **_reading(snapshot)))

    @Route(
        "GET",
        "/api/events/<name>",
        "getEvent",
        "An event, and what is left of it",
        parameters=(EVENT,),
        answers=(Response(200, "The event.", EventJson),),
        codes=("no-such-event", *READ),
    )
    async def get_event(self, _request: Request, name: str) -> Outcome:
        snapshot = await self._context.catalog.snapshot()
        event = snapshot.event(name)
        if event is None or event.hidden:
            return self._absent(name, snapshot)
        return json_reply(self._event(event, snapshot))

    @Route(
        "GET",
        RULE,
        "watchEvent",
        "What is left, for pages that keep watching",
        "A small answer, from memory, cacheable for a second. Ask again after `poll_after_ms`, "
        "with `If-None-Match`.",
        parameters=(EVENT, SEEN),
        answers=(
            Response(200, "What is left of each type.", Availability, ("ETag", "Cache-Control")),
            Response(304, "Nothing has changed.", headers=("ETag", "Cache-Control")),
        ),
        codes=("no-such-event", *READ),
    )
    async def get_availability(self, request: Request, name: str) -> Outcome:
        """Answers where `Live` alone can't: before the first reading, and for an unknown event."""
        snapshot = await self._context.catalog.snapshot()
        found = self._live.answer(snapshot, name, request.headers.get("if-none-match"))
        return self._absent(name, snapshot) if found is None else found

    def _absent(self, name: str, snapshot: Snapshot) -> Problem:
        if name in snapshot.damaged:
            return problem("damaged")
        return self._not_yet() if snapshot.as_of is None else problem("no-such-event")

    def _event(self, event: EventAvailability, snapshot: Snapshot) -> EventJson:
        report = reported(event, self._context.clock.now())
        return EventJson(**msgspec.structs.asdict(report), **_reading(snapshot))

    def _not_yet(self) -> Problem:
        return problem("no-quorum", "detail.not-open", rng=self._context.rng)


def _reading(snapshot: Snapshot) -> dict[str, Any]:
    return {"as_of": rfc3339(snapshot.as_of or 0.0), "stale": snapshot.stale}
