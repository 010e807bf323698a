"""Availability from memory: read again twice a second while there are requests."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import msgspec

from core.clock import Clock
from core.errors import BadZnode, NoSuchEvent, NoSuchType, ZooKeeperError
from core.eventlog.ring import EventLog
from core.store.availability import EventAvailability

FRESH_S = 0.5
# Within this time the last reading is the answer, while the next one is made.
RECENT_S = 2.0
WAIT_S = 0.3
# The least time between two readings, so that a busy sale is not read over and over.
GAP_S = 0.05


class EventReader(Protocol):
    """A place to read events from; `core.store.store.Store` is one."""

    async def event_names(self) -> list[str]: ...

    async def availability(self, name: str) -> EventAvailability: ...


class Snapshot(msgspec.Struct, frozen=True):
    """A reading of all events. `as_of` is in Unix seconds, `None` before the first one.

    `damaged` events can't be read until their znodes are mended.
    """

    events: tuple[EventAvailability, ...] = ()
    damaged: tuple[str, ...] = ()
    as_of: float | None = None
    stale: bool = True

    @property
    def published(self) -> tuple[EventAvailability, ...]:
        """The events that buyers may know of."""
        return tuple(event for event in self.events if not event.hidden)

    def event(self, name: str) -> EventAvailability | None:
        """The event of that name, even a draft: somebody may have a ticket of it."""
        return next((event for event in self.events if event.name == name), None)

    def label(self, event: str, type_: str) -> str:
        """What buyers read of a ticket type."""
        found = self.event(event)
        return found.label(type_) if found else type_


class Catalog:
    """Reads all events, one reading at a time, for any number of requests."""

    def __init__(
        self,
        reader: EventReader,
        log: EventLog,
        *,
        connected: Callable[[], bool],
        clock: Clock,
    ) -> None:
        self._reader = reader
        self._log = log
        self._connected = connected
        self._now = clock.now
        self._clock = clock.monotonic
        self._last = Snapshot()
        self._read_at = float("-inf")
        self._failed = False
        self._sales = self._sales_read = 0
        self._reading: asyncio.Task[None] | None = None
        self._told: frozenset[str] = frozenset()

    def sold(self) -> None:
        """Notes a sale through this web: `snapshot` shows it from now on."""
        self._sales += 1

    async def snapshot(self) -> Snapshot:
        """The last reading, stale while ZooKeeper is away. Waits at most `WAIT_S`."""
        age_s = self._clock() - self._read_at
        if not self._connected() or (age_s <= FRESH_S and self._shows(self._sales)):
            return self.last
        reading = self._begin_reading()
        if age_s > RECENT_S or not self._shows(self._sales):
            await asyncio.wait({reading}, timeout=WAIT_S)
        return self.last

    def glance(self) -> Snapshot | None:
        """The last reading, without waiting; `None` if it is too old.

        Begins the next reading if that is due.
        """
        age_s = self._clock() - self._read_at
        if self._connected() and age_s > FRESH_S:
            self._begin_reading()
            if age_s > RECENT_S and not self._failed:
                return None
        return self.last

    def _shows(self, sales: int) -> bool:
        # Before there is any event, everybody waits for the first event.
        return self._sales_read >= sales and bool(self._last.events)

    def _begin_reading(self) -> asyncio.Task[None]:
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._read_all())
        return self._reading

    async def _read_all(self) -> None:
        """Reads once, and once more if something was sold meanwhile."""
        try:
            wanted = self._sales
            await self._read()
            if not self._failed and self._sales > wanted:
                await self._read()
        finally:
            self._reading = None

    @property
    def last(self) -> Snapshot:
        """The last reading, as it is."""
        last = self._last
        return Snapshot(last.events, last.damaged, last.as_of, self._stale())

    def _stale(self) -> bool:
        too_old = self._clock() - self._read_at > RECENT_S
        return self._failed or too_old or not self._connected()

    def lacks(self, event: str, type_: str) -> str | None:
        """`no-such-event` or `no-such-type` if a fresh reading proves it, else None."""
        if self._clock() - self._read_at > FRESH_S or self._stale():
            return None
        found = self._last.event(event)
        if found is None:
            return None if event in self._last.damaged else "no-such-event"
        return None if any(known.name == type_ for known in found.types) else "no-such-type"

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        await asyncio.sleep(max(0.0, self._read_at + GAP_S - self._clock()))
        sales = self._sales
        try:
            names = await self._reader.event_names()
            found = await asyncio.gather(*(self._event(name) for name in names))
        except ZooKeeperError:
            self._failed = True
        else:
            self._sales_read = sales
            self._note(names, found)

    def _note(self, names: list[str], found: list[EventAvailability | str | None]) -> None:
        self._failed = False
        self._read_at = self._clock()
        events = tuple(event for event in found if isinstance(event, EventAvailability))
        damage = {name: why for name, why in zip(names, found, strict=True) if isinstance(why, str)}
        self._last = Snapshot(events, tuple(damage), self._now(), stale=False)
        for why in frozenset(damage.values()) - self._told:
            self._log.error("damaged", why)
        self._told = frozenset(damage.values())

    async def _event(self, name: str) -> EventAvailability | str | None:
        """The event, or what is wrong with it, or None if it has just gone."""
        try:
            return await self._reader.availability(name)
        except (NoSuchEvent, NoSuchType):
            return None
        except BadZnode as error:
            return str(error)
