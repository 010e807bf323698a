"""Does what operators' pages ask for, over the web's own connection to ZooKeeper."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from copy import copy
from heapq import heappush, heappushpop
from io import StringIO
from operator import attrgetter
from typing import Self

import msgspec

from core.cluster import operator_requests
from core.errors import BadRequest, BadZnode, NoSuchEvent, NoSuchType
from core.eventlog import query, ring
from core.eventlog.audit import SOURCE
from core.eventlog.query import LogMatches, Query
from core.events import event_manager
from core.events.deletion import delete_event
from core.events.terms import Terms, TypeTerms
from core.events.terms_file import TypeSaid
from core.schema.records import Event, OrderView, TicketType
from core.settings import Settings
from core.store import order_history, scan
from core.store.availability import EventAvailability
from core.store.order_history import Timeline
from core.store.orders import Haste
from core.store.scan import OrderFilter
from core.store.store import Store
from core.store.takings import Takings, TakingsTally
from core.text.export import csv_rows
from core.zookeeper.client import ZooKeeper

# The supervisor gives up a request that takes longer.
TIMEOUT_S = 120.0
# A search for a buyer's orders ends after this, and pauses between pages: buyers need this web.
FIND_S = 8.0
PATIENTLY = Haste(pages_ahead=0, pause_s=0.005)
MOST_FOUND = 100
# An export is made in memory; more than that is for `order export`.
MOST_EXPORTED = 50_000
EXPORT_S = 30.0


class FoundEvents(msgspec.Struct, frozen=True):
    """All readable events; `trouble` has a line for each of the others."""

    events: tuple[EventAvailability, ...]
    trouble: tuple[str, ...] = ()


class FoundOrders(msgspec.Struct, frozen=True):
    """Orders, the latest first. `whole` says whether these are all; `takings` are those of the one
    event that was searched, if it was searched in time.
    """

    orders: tuple[OrderView, ...]
    whole: bool
    takings: Takings | None = None


class Latest:
    """Keeps the latest orders of all that are added, as many as a page shows."""

    def __init__(self) -> None:
        self.seen = 0
        # A heap, the oldest first; of equally old orders, the one added last comes first.
        self._kept: list[tuple[str, int, OrderView]] = []

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, order: OrderView) -> None:
        self.seen += 1
        put = heappush if self.seen <= MOST_FOUND else heappushpop
        put(self._kept, (order.created_at, -self.seen, order))

    def found(self, *, whole: bool, takings: Takings | None = None) -> FoundOrders:
        """`whole` says that no other order is left to add."""
        orders = tuple(order for *_age, order in sorted(self._kept, reverse=True))
        return FoundOrders(orders, whole and self.seen <= MOST_FOUND, takings)


class Operations:
    """What operators can do. Each method raises `ZkticketError`: one line, and what to do.

    `id_` names a request to the supervisor: a form that is sent twice acts once.
    """

    def __init__(self, zk: ZooKeeper, settings: Settings, ticket_key: bytes) -> None:
        self._zk = zk
        self._settings = settings
        self._ticket_key = ticket_key
        self._by = SOURCE
        # One search at a time; another one is refused meanwhile.
        self._finding = asyncio.Lock()

    def acting(self, by: str) -> Self:
        """The same in the name of whoever acts, for the log."""
        named = copy(self)
        named._by = by
        return named

    async def restart(self, id_: str, name: str) -> None:
        """Restarts one process, or all workers in turn for no name; returns before that is done."""
        table = await operator_requests.supervisor_of(self._zk, self._settings)
        await operator_requests.ask_restart(self._zk, table, id_, name or None, TIMEOUT_S, self._by)

    async def scale(self, id_: str, workers: int) -> None:
        """Changes the number of workers; returns before that is done."""
        table = await operator_requests.supervisor_of(self._zk, self._settings)
        await operator_requests.ask_scale(self._zk, table, id_, workers, TIMEOUT_S, self._by)

    async def log(self, wanted: Query, most: int) -> tuple[LogMatches, Sequence[str]]:
        """The latest entries, and the names of all processes that have any."""
        found = await query.latest(self._zk, wanted, most)
        return found, sorted(await ring.sources(self._zk))

    async def events(self) -> FoundEvents:
        found: list[EventAvailability] = []
        trouble: list[str] = []
        for name in await Store(self._zk).event_names():
            try:
                found.append(await self.event(name))
            except (BadZnode, NoSuchEvent, NoSuchType) as error:
                trouble.append(str(error))
        return FoundEvents(tuple(found), tuple(trouble))

    async def event(self, name: str) -> EventAvailability:
        return await Store(self._zk).availability(name)

    async def create(self, name: str, terms: Terms, types: Mapping[str, TicketType]) -> None:
        await event_manager.create(self._zk, name, terms, types, time.time(), by=self._by)

    async def edit(self, name: str, terms: Terms) -> None:
        if terms.said:
            await event_manager.edit(self._zk, name, terms, now=time.time(), by=self._by)
        else:  # nothing to write; raises `NoSuchEvent` all the same
            await Store(self._zk).event(name)

    async def edit_types(
        self,
        name: str,
        *,
        types: Mapping[str, TypeTerms] | None = None,
        added: Mapping[str, TypeSaid] | None = None,
        removed: Collection[str] = (),
    ) -> None:
        await event_manager.edit(
            self._zk, name, Terms(), types, added=added, removed=removed, by=self._by
        )

    async def delete(self, name: str) -> None:
        """Deletes a draft with all its orders, for good; others are to be hidden first.

        Whoever holds tickets may still pay for them: that end is to be waited for.
        """
        if not (await Store(self._zk).event(name)).hidden:
            raise BadRequest("refused", "operators.delete.published")
        with suppress(BadZnode, NoSuchType):  # some of it was deleted before
            if any(each.held for each in (await self.event(name)).types):
                raise BadRequest("refused", "operators.delete.held")
        await delete_event(self._zk, name, _agreed, with_orders=True, by=self._by)

    async def open_sale(self, name: str) -> None:
        await event_manager.open_sale(self._zk, name, time.time(), self._by)

    async def close_sale(self, name: str) -> None:
        await event_manager.close_sale(self._zk, name, time.time(), self._by)

    async def find(self, wanted: OrderFilter) -> FoundOrders:
        """The latest of the wanted orders, and the takings of their event where one is wanted.

        Raises `BadRequest` while another search is under way, `NoSuchEvent`.
        """
        fits, latest, tally, whole = wanted.test(), Latest(), TakingsTally(), False
        with suppress(TimeoutError):
            async with self._searching(FIND_S, wanted.event) as orders:
                async for order in orders:
                    tally.add(order)
                    if fits(order):
                        latest.add(order)
                whole = True
        takings = tally.takings() if wanted.event and whole else None
        found = latest.found(whole=whole, takings=takings)
        coded = tuple(order.coded(self._ticket_key) for order in found.orders)
        return msgspec.structs.replace(found, orders=coded)

    async def export(self, wanted: OrderFilter) -> str:
        """The wanted orders as `order export` writes them, the latest last.

        Raises `BadRequest` for too many, and while another search is under way; `NoSuchEvent`.
        """
        fits, found = wanted.test(), list[OrderView]()
        try:
            async with self._searching(EXPORT_S, wanted.event) as orders:
                async for order in orders:
                    if fits(order):
                        found.append(order.coded(self._ticket_key))
                    if len(found) > MOST_EXPORTED:
                        raise BadRequest("refused", "operators.orders.too-many")
        except TimeoutError:
            raise BadRequest("refused", "operators.orders.too-many") from None
        return await asyncio.to_thread(_as_csv, found)

    async def takings(self, event: str) -> Takings:
        """What was sold of an event. Raises `NoSuchEvent`, `BadZnode`, `Unavailable`."""
        tally = TakingsTally()
        async with aclosing(self._every_order(await scan.existing(self._zk, (event,)))) as orders:
            async for order in orders:
                tally.add(order)
        return tally.takings()

    @asynccontextmanager
    async def _searching(
        self, most_s: float, event: str
    ) -> AsyncIterator[AsyncGenerator[OrderView, None]]:
        """All orders of the event, or of every event for "".

        Raises `BadRequest` while others are searched, and `TimeoutError` after `most_s`.
        """
        if self._finding.locked():
            raise BadRequest("refused", "operators.orders.busy")
        events = [event] if event else []
        async with (
            self._finding,
            asyncio.timeout(most_s),
            aclosing(self._every_order(await scan.existing(self._zk, events))) as orders,
        ):
            yield orders

    def _every_order(self, events: Mapping[str, Event]) -> AsyncGenerator[OrderView, None]:
        return scan.every_order(self._zk, events, _unheard, PATIENTLY)

    async def timeline(self, order_id: str) -> Timeline:
        return await order_history.timeline(self._zk, order_id)


def _as_csv(orders: list[OrderView]) -> str:
    """Takes seconds for very many orders, so it is done beside those who buy."""
    out = StringIO()
    write = csv_rows(out, OrderView)
    for order in sorted(orders, key=attrgetter("created_at")):
        write(order)
    return out.getvalue()


def _unheard(_part: float) -> None:
    """Ignores progress: no bar is shown."""


def _agreed(_question: str) -> None:
    """Agrees at once: the page has asked already."""
