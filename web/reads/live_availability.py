"""Availability for the pages that watch a sale: rendered once per change, served from memory."""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from core.clock import Clock
from core.schema.json_types import Natural, Rfc3339, described
from core.schema.records import PlainName
from core.schema.sale_window import Sale, sale_ends_at, sale_state
from core.store.availability import EventAvailability
from core.text.timestamps import rfc3339
from web.http.replies import CachedReply, Reply, cached_json
from web.reads.catalog import Catalog, Snapshot
from web.reads.poll_interval import STEPS_S, PollInterval

RULE = "/api/events/<name>/availability"
# The metrics' name of the route, for replies that Bottle has no part in.
WATCHED = f"GET {RULE}"
# A cache between here and ten thousand watchers asks once a second.
CACHE = "public, max-age=1"
# Before a sale opens, the time until then is rendered again so often.
COUNTDOWN_S = 1.0

_BEFORE, _AFTER = RULE.split("<name>")


class Left(msgspec.Struct, frozen=True):
    """What is left of one ticket type."""

    name: PlainName
    remaining: Natural
    capacity: Natural


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """What a watching page needs."""

    event: PlainName
    sale: Annotated[Sale, described("How the sale stands.")]
    opens_in_ms: Annotated[
        Natural | UnsetType, described("Until the sale opens, by the server's clock.")
    ] = UNSET
    stale: Annotated[bool, described("ZooKeeper is out of reach: this is of `as_of`.")]
    as_of: Rfc3339 | UnsetType = UNSET
    poll_after_ms: Annotated[
        int,
        described(
            "When to ask again: later if more pages watch.",
            enum=[1000 * step_s for step_s in STEPS_S],
        ),
    ]
    types: tuple[Left, ...]


class Rendered(msgspec.Struct, frozen=True):
    """A reply and what it was made of; it is valid before `until`, in Unix seconds."""

    events: tuple[EventAvailability, ...]
    stale: bool
    step_s: int
    until: float
    reply: CachedReply


class Live:
    """The availability of each event as JSON."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._now = clock.now
        self._pace = PollInterval(clock.monotonic)
        self._rendered: dict[str, Rendered] = {}

    def find(self, path: str, known: str | None) -> Reply | None:
        """The reply at that path from memory, or `None`; `known` is the `If-None-Match`."""
        if not path.startswith(_BEFORE):
            return None
        snapshot = self._catalog.glance()
        if snapshot is None:
            return None
        return self.answer(snapshot, path[len(_BEFORE) : -len(_AFTER)], known)

    def answer(self, snapshot: Snapshot, name: str, known: str | None) -> Reply | None:
        """The availability of that event, or `None` if there is no such event."""
        self._pace.note()
        found = self._rendered.get(name)
        if found is None or not self._holds(found, snapshot):
            event = snapshot.event(name)
            if event is None or event.hidden:
                return None
            found = _render(event, snapshot, self._pace.step_s, self._now())
            self._keep(name, found, snapshot)
        return found.reply.to(known)

    def _keep(self, name: str, rendered: Rendered, snapshot: Snapshot) -> None:
        """Keeps the reply, and drops those of events that have gone."""
        self._rendered[name] = rendered
        if len(self._rendered) > len(snapshot.events):
            there = {event.name for event in snapshot.events}
            self._rendered = {key: each for key, each in self._rendered.items() if key in there}

    def _holds(self, found: Rendered, snapshot: Snapshot) -> bool:
        return (
            found.events is snapshot.events
            and found.stale == snapshot.stale
            and found.step_s == self._pace.step_s
            and self._now() < found.until
        )


def is_watched(path: str) -> bool:
    return path.endswith(_AFTER)


def opens_in_ms(event: EventAvailability, now: float) -> int:
    """Milliseconds until the sale opens, 0 if it has opened."""
    return max(0, round(1000 * ((event.opens_at or 0.0) - now)))


def _render(event: EventAvailability, snapshot: Snapshot, step_s: int, now: float) -> Rendered:
    sale = sale_state(event, now)
    body = msgspec.json.encode(
        Availability(
            event=event.name,
            sale=sale,
            opens_in_ms=opens_in_ms(event, now) if sale == "before" else UNSET,
            stale=snapshot.stale,
            as_of=rfc3339(snapshot.as_of) if snapshot.stale and snapshot.as_of else UNSET,
            poll_after_ms=1000 * step_s,
            types=tuple(Left(type_.name, type_.remaining, type_.capacity) for type_ in event.types),
        )
    )
    return Rendered(
        events=snapshot.events,
        stale=snapshot.stale,
        step_s=step_s,
        until=_until(event, sale, now),
        reply=cached_json(body, CACHE),
    )


def _until(event: EventAvailability, sale: Sale, now: float) -> float:
    if sale == "before":
        return min(now + COUNTDOWN_S, event.opens_at or now)
    ends = sale_ends_at(event)
    return ends if sale == "open" and ends is not None else float("inf")
