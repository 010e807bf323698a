"""A worker in this process: a seller with a session and a link server, each behind proxies."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from core.clock import Clock
from core.cluster.registry import LiveWorker, Registration
from core.eventlog.ring import EventLog
from core.machine.open_files import STRANGERS
from core.receipts.format import folder
from core.schema.paths import worker as worker_path
from core.schema.records import Load, WorkerRecord
from core.transport.link import Answer, ChangeRequest, Purchase
from core.zookeeper.client import connect
from tests.faults.ambiguity.clocks import Clocks
from tests.faults.ambiguity.proxy import LOOPBACK, Ambush, LineConditions, Proxy
from tests.support.zookeeper_server import PASSWORD, SECRET
from workers.link_server import LinkServer
from workers.receipts.journal import JournalBounds, ReceiptJournal
from workers.receipts.rollback_guard import GuardedStore, RollbackGuard
from workers.receipts.writer import Receipts
from workers.selling.seller import Seller

CONNECT_S = 30.0
RECEIPTS = JournalBounds(segment_bytes=1 << 20, segments=8)
# The longest random pause before an ambush is laid.
PAUSE_S = 0.08
# An ambush that waits for a deadline takes longest.
ODDS = {Ambush.LOSE_REQUEST: 6, Ambush.LOSE_REPLY: 12, Ambush.LATE: 12, Ambush.SILENCE: 1}
# A link to the web works for a while, then fails for a while.
LINK_CALM_S = (0.2, 2.0)
LINK_TROUBLE_S = (0.1, 1.5)
LINK_DELAY_S = (0.01, 0.3)

SellerKind = Callable[..., Seller]


class CountedLog(EventLog):
    """Counts its entries by event."""

    def __init__(self, source: str, now: Callable[[], float], events: Counter[str]) -> None:
        super().__init__(source, now)
        self._events = events

    def add(self, level: int, event: str, text: str, orders: Sequence[str] = ()) -> None:
        self._events[event] += 1
        super().add(level, event, text, orders)


class ProxiedWorker:
    """A worker with its proxies: `line` to ZooKeeper, `link` from the web."""

    def __init__(
        self,
        name: str,
        kind: SellerKind,
        events: Counter[str],
        rng: random.Random,
        clocks: Clocks,
    ) -> None:
        self.line = LineConditions()
        self.link = LineConditions()
        self._name = name
        self._kind = kind
        self._clocks = clocks
        self._log = CountedLog(name, clocks.now, events)
        self._rng = rng

    async def open(self, hosts: str, data_dir: Path, stack: AsyncExitStack) -> None:
        """Sells until the stack is closed; receipts go into the data directory."""
        proxied = [await self._proxied(host, self.line, stack) for host in hosts.split(",")]
        zk = await connect(",".join(proxied), PASSWORD, timeout_s=CONNECT_S)
        stack.push_async_callback(zk.close)
        self.registration = Registration(zk, self._name, worker_path)
        guard = RollbackGuard(zk, self._log, data_dir, self._clocks.now)
        receipts = Receipts(
            ReceiptJournal(folder(data_dir, self._name), RECEIPTS),
            guard,
            self._log,
            Clock(self._clocks.now, self._clocks.monotonic),
        )
        self.seller = self._kind(
            GuardedStore(zk, guard),
            zk,
            self._log,
            receipts,
            order_key=SECRET.order_key,
            fence=self.registration.fence,
            register=self._register,
            clock=Clock(self._clocks.now, self._clocks.monotonic),
            rng=self._rng,
        )
        stack.callback(receipts.close)
        await receipts.open()
        await self._log.load(zk)
        await self._open_link(stack)
        await self._register()
        for work in (self.seller.run(), self.seller.watch(), receipts.run(), guard.watch()):
            stack.push_async_callback(cancelled, asyncio.ensure_future(work))

    @property
    def live(self) -> LiveWorker:
        """Returns what the registry would tell the web, with an address behind a proxy."""
        return LiveWorker(self._name, self._record)

    async def _open_link(self, stack: AsyncExitStack) -> None:
        server = LinkServer(
            SECRET.link_key, self._submit, self.seller.forget, self._health, STRANGERS
        )
        address = await server.listen(LOOPBACK)
        stack.push_async_callback(server.close)
        door = await self._proxied(address, self.link, stack)
        self._record = WorkerRecord(
            name=self._name, host="here", pid=1, address=door, state="ready", at=0.0
        )

    def _submit(self, request: Purchase | ChangeRequest, reply: Callable[[Answer], None]) -> None:
        assert isinstance(request, Purchase), "orders are only made here, and never changed"
        self.seller.submit(request, reply)

    async def _proxied(self, address: str, line: LineConditions, stack: AsyncExitStack) -> str:
        host, _, port = address.rpartition(":")
        proxy = Proxy((host, int(port)), line, self._rng)
        stack.push_async_callback(proxy.close)
        return f"{LOOPBACK}:{await proxy.listen()}"

    async def _register(self) -> None:
        await self.registration.publish(self._record)

    def _health(self) -> tuple[str, Load]:
        state = "suspended" if self.seller.stalled else "ready"
        return state, self.seller.meter.load(self.seller.in_flight)

    # --- trouble ---------------------------------------------------------------------

    async def lay_ambushes(self) -> None:
        """Lays ambushes until it is cancelled; then the session works again."""
        kinds, weights = list(ODDS), list(ODDS.values())
        try:
            while True:
                await asyncio.sleep(self._rng.uniform(0.0, PAUSE_S))
                if not self.line.ambushes:
                    self.line.ambushes.extend(self._rng.choices(kinds, weights))
        finally:
            self.line.ambushes.clear()

    async def trouble_link(self) -> None:
        """Cuts, mutes or delays the web's link now and then, until it is cancelled."""
        while True:
            await asyncio.sleep(self._rng.uniform(*LINK_CALM_S))
            trouble = self._rng.choice(("cut", "mute", "delay"))
            try:
                self.link.cut = trouble == "cut"
                self.link.mute = trouble == "mute"
                self.link.delay_s = self._rng.uniform(*LINK_DELAY_S) if trouble == "delay" else 0.0
                await asyncio.sleep(self._rng.uniform(*LINK_TROUBLE_S))
            finally:
                self.link.cut = self.link.mute = False
                self.link.delay_s = 0.0


async def cancelled(task: asyncio.Future[None]) -> None:
    """Cancels the task and waits for its end, whatever that is."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def real_clocks(_number: int) -> Clocks:
    return Clocks()
