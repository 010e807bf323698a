"""The real site behind a real Granian, with fake workers, a fake catalog and no ZooKeeper.

`python -m tests.support.fakes.fake_site PORT STATE [SETTING=VALUE …]`: `open` sells; `away` has
lost ZooKeeper after a reading; `new` has never had it. The event `codes` has a type for each code
of the link, and the workers answer with the code that is asked for.
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any

import msgspec
from granian.rsgi import Scope

from core.clock import Clock
from core.cluster.ended_sessions import EndedSessionsZnode, merged
from core.cluster.status import Status
from core.errors import BadZnode, Unavailable
from core.eventlog.ring import EventLog
from core.schema.order_number import TypedNumber
from core.schema.records import EndedSessions, OrderView
from core.settings import Settings, read_settings
from core.store.availability import EventAvailability, TypeAvailability
from core.transport.link import Code
from core.transport.listen_socket import listen
from tests.support.fakes import fake_board, fake_tokens
from tests.support.fakes.fake_board import FakeOperations
from tests.support.fakes.fake_clerk import FakeClerk
from tests.support.fakes.fake_orders import FakeOrders
from tests.support.fakes.fake_worker import KEY, TICKET_KEY, FakeWorker
from web.app import Site
from web.auth.ended_sessions import Ended
from web.auth.known_tokens import KnownTokens
from web.checkout import Checkout
from web.dispatch.dispatcher import Dispatcher
from web.handler_context import Context
from web.http.replies import Reply, text_reply
from web.http.request import Request
from web.metrics.counters import Metrics
from web.metrics.scrape import InstanceVitals
from web.reads.catalog import Catalog
from web.server import connections
from web.server.adapter import HttpProtocol
from web.server.granian_adapter import PublicSocket, serve
from web.web_process import adapt, connections_of, end_with_parent, front_of, open_holds_of

TOKEN = "0123456789abcdef" * 2
OPENS_IN_S = 3600.0
SOLD = ("A", 4800, 412, 1000), ("B", 3200, 7, 200), ("C", 0, 0, 50)


def _type(name: str, price: int = 0, remaining: int = 100, capacity: int = 100) -> TypeAvailability:
    return TypeAvailability(
        name=name,
        price=price,
        capacity=capacity,
        sold=capacity - remaining,
        held=0,
        remaining=remaining,
    )


def _event(name: str, title: str, types: tuple[TypeAvailability, ...]) -> EventAvailability:
    return EventAvailability(
        name=name, title=title, currency="EUR", opens_at=None, closes_at=None, types=types
    )


GALA = EventAvailability(
    name="gala",
    title="Summer gala; music, wine\\dance",
    currency="TWD",
    opens_at=None,
    closes_at=None,
    types=(
        TypeAvailability(
            name="front",
            label="Front row",
            colour="#7a3fa0",
            price=120000,
            capacity=40,
            sold=3,
            held=0,
            remaining=37,
        ),
        _type("C", 0, 0, 50),
    ),
    place="National Concert Hall, 台北市中正區中山南路21-1號",
    timezone="Asia/Taipei",
    # 1 June 2096: past events are not sold any more.
    starts_at=3989376000.0,
    ends_at=3989386800.0,
    limit=4,
    cancellable=True,
)


# As many types as an ordinary concert has, with labels of ordinary length.
CONCERT = EventAvailability(
    name="concert",
    title="New Year’s Gala",
    currency="EUR",
    opens_at=None,
    closes_at=None,
    types=tuple(
        msgspec.structs.replace(_type(name, price, remaining, capacity), label=label, colour=colour)
        for name, label, colour, price, remaining, capacity in (
            ("stalls", "Stalls", "#b3261e", 4850, 1162, 2000),
            ("circle", "Circle", "#1f5fbf", 3600, 9, 400),
            ("wheelchair", "Wheelchair + companion", "#2e7d32", 2400, 6, 12),
            ("students", "Students, at the box office only", "", 0, 0, 40),
        )
    ),
    place="Opera House",
    starts_at=3989376000.0,
    timezone="Europe/Berlin",
    limit=6,
)
CLOSED_AT = 1_700_000_000.0
# 2 January 2096, 10:00 in Berlin.
OPENS_AT = 3976333200.0


class FakeShelf:
    """The events of the fake site.

    One is on sale, one has a type for each code, one is sold out, one has every field, one opens
    soon, and one znode holds rubbish.
    """

    def __init__(self, state: str, clerk: FakeClerk) -> None:
        self._state = state
        self.events = {
            "default": _event("default", "Opening night", tuple(_type(*sold) for sold in SOLD)),
            "codes": _event("codes", "Codes", tuple(_type(name) for name in self._names())),
            "gone": _event("gone", "Last chance", (_type("A", 4800, 0), _type("B", 3200, 0))),
            "gala": GALA,
            "concert": CONCERT,
            "abroad": msgspec.structs.replace(CONCERT, name="abroad", opens_at=OPENS_AT),
            "closed": msgspec.structs.replace(CONCERT, name="closed", closes_at=CLOSED_AT),
            "soon": msgspec.structs.replace(GALA, name="soon", opens_at=time.time() + OPENS_IN_S),
        }
        self.orders = FakeOrders(self.events, clerk)

    @staticmethod
    def _names() -> list[str]:
        return [*Code, "silent", "few", "nearly"]

    async def event_names(self) -> list[str]:
        return [*self.events, "broken"]

    async def availability(self, name: str) -> EventAvailability:
        if name == "broken":
            raise BadZnode("/events/broken", "not JSON")
        return self.events[name]

    async def order(self, order_id: str) -> OrderView:
        if self._state != "open" or order_id == "f" * 32:
            raise Unavailable("no connection to ZooKeeper")
        if order_id == "e" * 32:
            raise BadZnode("/events/default/orders/ee", "not JSON")
        return self.orders.find(order_id).view.coded(TICKET_KEY)

    async def numbered(self, typed: TypedNumber) -> Sequence[OrderView]:
        if self._state != "open":
            raise Unavailable("no connection to ZooKeeper")
        fitting = [order.view for order in self.orders.all if typed.fits(TICKET_KEY, order.id)]
        return [order.coded(TICKET_KEY) for order in fitting]


class FakeRegister(EndedSessionsZnode):
    """Knows the sessions that were ended elsewhere, except while ZooKeeper is out of reach."""

    def __init__(self, state: str) -> None:
        self._state = state
        self._ended = EndedSessions()

    async def load(self) -> EndedSessions:
        if self._state != "open":
            raise Unavailable("no connection to ZooKeeper")
        return self._ended

    async def add(self, ended: EndedSessions, now: float) -> EndedSessions:
        self._ended = merged(await self.load(), ended, now)
        return self._ended


class FakeService:
    """Stands in for `web.web_process.Service`, without ZooKeeper."""

    def __init__(self, state: str, parent: int, settings: Settings, public: PublicSocket) -> None:
        self._public = public
        self._state = state
        self._parent = parent
        self._settings = settings
        self._connected = state != "new"

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.run_until_complete(self._start())

    def __rsgi__(self, scope: Scope, protocol: HttpProtocol) -> Coroutine[Any, Any, None]:
        return self._adapter(scope, protocol)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._guard.cancel()
        self._looking.cancel()
        loop.run_until_complete(self._dispatcher.close())

    async def _start(self) -> None:
        # Real networks need more patience than a test has with a client that reads nothing.
        connections.SLOW_S = float(os.environ.get("SLOW_S", connections.SLOW_S))
        self._guard = asyncio.ensure_future(end_with_parent(self._parent))
        log = EventLog("web-1", time.time)
        clerk = FakeClerk(time.time)
        shelf = self._shelf = FakeShelf(self._state, clerk)
        rng = random.Random(1)

        def connected() -> bool:
            return self._connected

        clock = time.monotonic
        self._dispatcher = Dispatcher(KEY, log, rng=rng, connected=connected, clock=clock)
        catalog = Catalog(shelf, log, connected=connected, clock=Clock())
        await self._open(catalog)
        metrics, open_holds = Metrics(clock), open_holds_of(self._settings, time.time)
        known = KnownTokens(clock)
        known.note(fake_tokens.KEPT)
        context = Context(
            checkout=Checkout(self._dispatcher, catalog, open_holds, metrics, clock, TICKET_KEY),
            dispatcher=self._dispatcher,
            catalog=catalog,
            orders=shelf,
            status=self._status,
            operator_token=TOKEN,
            payment_key=b"k" * 32,
            operations=FakeOperations(shelf.events, clerk),
            ended=Ended(FakeRegister(self._state), time.time),
            known_tokens=known,
            history=fake_board.history(time.time()),
            metrics=metrics,
            front=front_of(self._settings),
            vitals=InstanceVitals(self._status, partial(fake_board.machine, time.time()), clock),
            rng=rng,
            connected=connected,
            clock=Clock(),
        )
        await context.ended.renew()
        context.metrics.alarms = 0 if self._state == "open" else None
        app = Site(context)
        app.route("/broken", "GET", self._broken)
        app.route("/expire/<order_id>", "POST", self._expire)
        self._adapter = adapt(app, context)
        # Tests come from this machine, so it gets no exemption here.
        watched = connections_of(self._settings, self._public.listener, context.front.trusts, log)
        self._looking = asyncio.ensure_future(watched.keep_looking())

    async def _open(self, catalog: Catalog) -> None:
        if self._state == "new":
            return
        await catalog.snapshot()
        self._connected = self._state == "open"
        orders = self._shelf.orders
        self._workers = [
            await FakeWorker(name, orders.answer, orders.amend).listen() for name in ("w-1", "w-2")
        ]
        for worker in self._workers:
            worker.state = "ready" if self._connected else "suspended"
        self._dispatcher.update(worker.live(state=worker.state) for worker in self._workers)
        while sum(peer.linked for peer in self._dispatcher.peers) < 2:
            await asyncio.sleep(0.005)

    async def _status(self) -> Status:
        return fake_board.status(self._state, await self._shelf.availability("default"))

    async def _expire(self, _request: Request, order_id: str) -> Reply:
        """Ends a hold, to test what buyers see then."""
        self._shelf.orders.expire(order_id)
        return text_reply("expired")

    async def _broken(self, _request: Request) -> Reply:
        raise RuntimeError("a bug, to test what buyers see of one")


def settings_of(options: Sequence[str]) -> Settings:
    """Reads the settings; the tests' only address may hold any number of tickets."""
    given = {"holds_per_address": "0", "held_per_address": "0"}
    given |= dict(option.split("=", 1) for option in options)
    return read_settings({f"ZKTICKET_{name.upper()}": value for name, value in given.items()}, {})


if __name__ == "__main__":
    port, state, *options = sys.argv[1:]
    settings = settings_of(options)
    public = PublicSocket(listen(settings.host, int(port), "--port"))
    service = partial(FakeService, state, os.getpid(), settings, public)
    sys.exit(serve(service, public, 5.0))
