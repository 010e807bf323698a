"""The fake site's status, history and log for the operators' pages, without ZooKeeper."""

import math
import time
from collections.abc import Collection, Mapping, Sequence

from core.cluster.status import (
    EnsembleStatus,
    ServerStatus,
    Status,
    SupervisorStatus,
    WebStatus,
    WorkerStatus,
)
from core.errors import BadRequest, EventExists, NoSuchEvent, NoSuchOrder, NotRunning
from core.eventlog.query import LogMatches, Query
from core.eventlog.ring import SourcedEntry
from core.events.terms import Terms, TypeTerms, changed
from core.events.terms_file import TypeSaid
from core.schema.records import (
    Disk,
    Event,
    LogEntry,
    ProcessRecord,
    Progress,
    Quantiles,
    SupervisorRecord,
    TicketType,
    copied,
)
from core.store.availability import EventAvailability, TypeAvailability, reported
from core.store.order_history import Timeline, of_order
from core.store.scan import OrderFilter
from core.store.takings import Takings, TakingsTally
from tests.support.fakes.fake_clerk import FakeClerk
from tests.support.fakes.fake_worker import TICKET_KEY
from web.metrics.history import HistorySample, SampleHistory
from web.metrics.host_metrics import Machine, ReceiptFiles
from web.operator_actions import FoundEvents, FoundOrders, Operations

AT = 1750000000.0
NAMES = ("worker-1", "worker-2", "worker-3")
ORDER = "fedcba9876543210" * 2


def status(state: str, event: EventAvailability) -> Status:
    """A status with one of three servers down, and without a quorum where ZooKeeper is away."""
    away = state != "open"
    problems = ("no quorum: 1 of 3 ZooKeeper servers serve, so nothing can be sold",) * away
    return Status(
        healthy=False,
        problems=(*problems, "ZooKeeper server 3 (127.0.0.1:2183) is down"),
        at=AT,
        ensemble=EnsembleStatus(quorum=not away, servers=tuple(map(_server, (1, 2, 3)))),
        supervisor=SupervisorStatus(
            pid=41,
            host="box",
            url="http://127.0.0.1:8000/",
            alive=True,
            requests=(Progress(id="0" * 16, state="running", text="worker-2 drains"),),
        ),
        workers=tuple(_worker(name) for name in NAMES),
        web=(_web(),),
        alarms=(),
        events=() if away else (reported(event, AT),),
    )


def _server(number: int) -> ServerStatus:
    return ServerStatus(
        id=number,
        address=f"127.0.0.1:{2180 + number}",
        role=("leader", "follower", "down")[number - 1],
        pid=None if number == 3 else 100 + number,
        version=None if number == 3 else "3.9.5",
    )


def _worker(name: str) -> WorkerStatus:
    return WorkerStatus(
        name=name,
        pid=201,
        state="draining" if name == "worker-2" else "ready",
        address="127.0.0.1:5",
        trouble="",
        restarts=2 if name == "worker-2" else 0,
        last_restart_reason="silent for 11 s <b>" if name == "worker-2" else None,
        cpu_percent=61.0,
        rss_bytes=64 << 20,
        in_flight=12,
        sold_total=81234,
        sold_per_second=812.4,
        p99_ms=41.5,
    )


def _web() -> WebStatus:
    return WebStatus(
        name="web-1",
        pid=301,
        state="running",
        url="http://127.0.0.1:8000/",
        restarts=0,
        last_restart_reason=None,
        cpu_percent=88.0,
        rss_bytes=96 << 20,
        stages={"web": Quantiles(p50_ms=1.0, p99_ms=2.0)},
    )


def machine(now: float) -> Machine:
    """A machine with two processes, a disk that is nearly full, and one worker's receipts."""
    processes = tuple(
        ProcessRecord(
            name=name,
            role=role,
            state="running",
            pid=7,
            restarts=2,
            restart_causes={"died": 2},
            cpu_percent=61.0,
            rss_bytes=64 << 20,
        )
        for name, role in (("worker-1", "worker"), ("web-1", "web"))
    )
    table = SupervisorRecord(
        host="box", pid=41, created=now, url="", zookeeper="", processes=processes, at=now
    )
    return Machine(
        table=table,
        supervised=True,
        disks=(Disk(directory="/srv", state="low", free_bytes=9 << 20, size_bytes=1 << 30),),
        journals=(ReceiptFiles("worker-1", now - 3.0, 4096, 2, 1),),
        connections=12,
    )


def history(now: float) -> SampleHistory:
    """A history of ten minutes, with a rush in the middle and a minute without sales."""
    found = SampleHistory()
    for second in range(-600, 0):
        found.add(_sample(now + second, second))
    return found


def _sample(at: float, second: int) -> HistorySample:
    rush = math.exp(-(((second + 150) / 60) ** 2))
    quiet = -80 < second < -40
    return HistorySample(
        at=at,
        sold=0.0 if quiet else round(300 + 2100 * rush + 60 * math.sin(second), 1),
        p50_ms=None if quiet else 8 + 12 * rush,
        p99_ms=None if quiet else 30 + 90 * rush + 9 * math.sin(second * 1.7),
        shed=round(900 * max(0.0, rush - 0.7), 1),
        failed=140.0 if quiet else 0.0,
        in_flight={name: int(20 + 180 * rush) + 9 * n for n, name in enumerate(NAMES)},
        cpu={name: 15 + 60 * rush + 6 * n for n, name in enumerate((*NAMES, "web-1"))},
    )


ENTRIES = (
    SourcedEntry("supervisor", LogEntry(at=AT, level="info", event="start", text="selling")),
    SourcedEntry(
        "worker-1", LogEntry(at=AT + 1, level="info", event="sold", text="2", orders=(ORDER,))
    ),
    SourcedEntry(
        "web-1", LogEntry(at=AT + 2, level="warning", event="link", text="worker-2: <i>lost</i>")
    ),
    SourcedEntry(
        "supervisor", LogEntry(at=AT + 3, level="error", event="fatal", text="worker-3 gave up")
    ),
)


class FakeOperations(Operations):
    """Notes in its log what it was asked for; it has no worker-3 to restart."""

    def __init__(self, events: Mapping[str, EventAvailability], clerk: FakeClerk) -> None:
        self._entries = list(ENTRIES)
        self._events = dict(events)
        self._clerk = clerk

    async def restart(self, id_: str, name: str) -> None:
        if name == "worker-3":
            raise NotRunning("no supervisor is at work; `up` starts one")
        self._note("restart", f"{name or 'all'} {id_}")

    async def scale(self, id_: str, workers: int) -> None:
        self._note("scale", f"{workers} {id_}")

    async def log(self, query: Query, most: int) -> tuple[LogMatches, Sequence[str]]:
        wanted = [entry for entry in self._entries if query.wants(entry)]
        found = LogMatches(tuple(wanted[::-1][:most]), whole=True)
        return found, sorted({entry.source for entry in self._entries})

    async def events(self) -> FoundEvents:
        return FoundEvents(tuple(self._events.values()), ("znode /events/broken is unreadable",))

    async def event(self, name: str) -> EventAvailability:
        if name not in self._events:
            raise NoSuchEvent(f"there is no event {name!r}")
        return self._events[name]

    async def create(self, name: str, terms: Terms, types: Mapping[str, TicketType]) -> None:
        if name in self._events:
            raise EventExists(f"event {name!r} exists")
        event = changed(Event(generation="0" * 8, title=name), terms, time.time())
        for_sale = tuple(_for_sale(each, type_) for each, type_ in types.items())
        self._events[name] = copied(EventAvailability, event, name=name, types=for_sale)
        self._note("create", f"{name} {terms.said} {sorted(types)}")

    async def edit(self, name: str, terms: Terms) -> None:
        before = await self.event(name)
        fields = {name: getattr(before, name) for name in Terms.__struct_fields__}
        event = changed(Event(generation="0" * 8, **fields), terms)
        self._events[name] = copied(EventAvailability, event, name=name, types=before.types)
        self._note("edit", f"{name} {terms.said}")

    async def edit_types(
        self,
        name: str,
        *,
        types: Mapping[str, TypeTerms] | None = None,
        added: Mapping[str, TypeSaid] | None = None,
        removed: Collection[str] = (),
    ) -> None:
        self._note("edit", f"{name} {types or {}} {added or {}} {removed}")

    async def delete(self, name: str) -> None:
        self._note("delete", name)

    async def open_sale(self, name: str) -> None:
        self._note("open", name)

    async def close_sale(self, name: str) -> None:
        self._note("close", name)

    async def find(self, wanted: OrderFilter) -> FoundOrders:
        if wanted.buyer == "busy":
            raise BadRequest("refused", "operators.orders.busy")
        views = [stored.view.coded(TICKET_KEY) for stored in self._clerk.all]
        found = tuple(filter(wanted.test(), views))
        return FoundOrders(found, whole=True, takings=await self.takings(wanted.event))

    async def export(self, wanted: OrderFilter) -> str:
        return "".join(f"{order.order}\n" for order in (await self.find(wanted)).orders)

    async def takings(self, event: str) -> Takings:
        tally = TakingsTally()
        for stored in self._clerk.all:
            if stored.event == event:
                tally.add(stored.view)
        return tally.takings()

    async def timeline(self, order_id: str) -> Timeline:
        stored = self._clerk.stored(order_id)
        if stored is None:
            raise NoSuchOrder(f"there is no order {order_id}")
        return Timeline(order=order_id, moments=tuple(of_order(stored)), whole=True)

    def _note(self, event: str, text: str) -> None:
        entry = LogEntry(at=AT + 9, level="info", event=event, text=text)
        self._entries.append(SourcedEntry("operator", entry))


def _for_sale(name: str, type_: TicketType) -> TypeAvailability:
    return TypeAvailability(
        name=name,
        label=type_.label,
        labels=type_.labels,
        colour=type_.colour,
        price=type_.price,
        capacity=type_.capacity,
        sold=0,
        held=0,
        remaining=type_.capacity,
    )
