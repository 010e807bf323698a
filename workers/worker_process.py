"""A worker process from start to drain."""

import asyncio
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import uvloop

from core import gc_tuning
from core.clock import Clock
from core.cluster import instance_id
from core.cluster.node import Identity, Node, make_session
from core.cluster_secret import Secret, load_secret
from core.errors import AccessDenied, ZooKeeperError
from core.machine import diagnostics, open_files
from core.receipts.format import folder
from core.schema.paths import JANITOR
from core.schema.paths import worker as worker_path
from core.schema.records import Load, WorkerRecord
from core.settings import Settings
from core.store.order_changes import OrderChanger
from core.transport.link import Answer, ChangeRequest, Purchase
from core.zookeeper.election import Election
from workers.janitor import Janitor
from workers.link_server import LinkServer
from workers.order_changes import OrderChangeQueue
from workers.receipts.journal import JournalBounds, ReceiptJournal
from workers.receipts.rollback_guard import GuardedStore, RollbackGuard
from workers.receipts.writer import Receipts
from workers.selling.seller import Seller

REPORT_S = 1.0
STRANGERS_S = 60.0
CONNECT_S = 0.05
LINK_HOST = "127.0.0.1"


def run(settings: Settings, name: str) -> None:
    """Sells until SIGTERM, then drains."""
    diagnostics.begin(time.monotonic)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_sell(settings, name))


async def _sell(settings: Settings, name: str) -> None:
    await WorkerProcess(settings, name, load_secret(settings.data_dir), Clock()).run()


class WorkerProcess:
    """One worker: a session, a registration, a seller, and the links that feed it."""

    def __init__(self, settings: Settings, name: str, secret: Secret, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._address = ""
        self._identity = Identity.from_instance(name, instance_id.load(settings.data_dir))
        self._draining = False
        self._stop = asyncio.Event()
        self._zk = make_session(settings, secret)
        self._log = self._identity.make_log(clock.now)
        self._node = Node(self._zk, self._log, name, worker_path)
        self._guard = RollbackGuard(self._zk, self._log, settings.data_dir, clock.now)
        bounds = JournalBounds(settings.receipts_mb << 20, settings.receipts_files)
        journal = ReceiptJournal(folder(settings.data_dir, name), bounds)
        self._receipts = Receipts(journal, self._guard, self._log, clock)
        store, rng = GuardedStore(self._zk, self._guard), random.Random()  # noqa: S311 - jitter
        self._seller = Seller(
            store,
            self._zk,
            self._log,
            self._receipts,
            order_key=secret.order_key,
            fence=self._node.registration.fence,
            register=self._publish,
            clock=clock,
            rng=rng,
        )
        changer = OrderChanger(
            store,
            self._zk,
            name=name,
            order_key=secret.order_key,
            fence=self._node.registration.fence,
            books=self._receipts,
            now=clock.now,
            rng=rng,
        )
        self._changes = OrderChangeQueue(
            changer,
            self._log,
            clock=clock.monotonic,
            connected=lambda: self._zk.connected,
            sold=self._seller.meter.sold,
        )
        self._janitor = Janitor(store, self._changes, self._log, clock.now)
        self._election = Election(self._zk, JANITOR, name)
        self._server = LinkServer(
            secret.link_key,
            self._submit,
            self._seller.forget,
            self._health,
            open_files.strangers(open_files.raise_limit()),
        )

    def _submit(self, request: Purchase | ChangeRequest, reply: Callable[[Answer], None]) -> None:
        if isinstance(request, Purchase):
            self._seller.submit(request, reply)
        else:
            self._changes.submit(request, reply)

    async def run(self) -> None:
        """Registers, sells until a signal, drains."""
        for signum in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(signum, self._stop.set)
        self._zk.start()
        try:
            async with asyncio.TaskGroup() as group:
                work = group.create_task(self._work())
                await self._stop.wait()
                await self._drain()
                work.cancel()
        finally:
            await self._zk.close()

    async def _work(self) -> None:
        await self._enter()
        async with asyncio.TaskGroup() as group:
            for work in (
                self._seller.run(),
                self._seller.watch(),
                self._receipts.run(),
                self._guard.watch(),
                self._changes.run(),
                self._changes.watch(),
                self._election.keep_running(self._janitor.work),
                self._node.keep(self._record),
                self._report_refusals(),
                self._report_strangers(),
                self._zk.watch_over(),
            ):
                group.create_task(work)

    async def _enter(self) -> None:
        """Waits for ZooKeeper and for the tree, listens, registers."""
        self._address = await self._server.listen(LINK_HOST)
        await self._receipts.open()
        while not await self._registers():  # noqa: ASYNC110 - it waits by itself as well
            await asyncio.sleep(CONNECT_S)
        gc_tuning.settle()
        self._log.info("started", f"pid {self._identity.pid}, sells at {self._address}")

    async def _registers(self) -> bool:
        """Registers; returns False without ZooKeeper or the tree. Raises `AccessDenied`."""
        try:
            await self._zk.wait_connected(REPORT_S)
            await self._zk.get("/")
            await self._log.load(self._zk)
            await self._guard.inspect()
            await self._publish()
        except AccessDenied:
            raise
        except ZooKeeperError:
            return False
        return True

    async def _drain(self) -> None:
        """Takes no more requests, finishes those that it has, and leaves the registry."""
        self._draining = True
        if not self._node.is_registered:
            return
        self._log.info("draining", f"{self._in_flight} purchases to finish")
        with suppress(ZooKeeperError):
            await self._publish()
        self._changes.close()
        await self._seller.drain(self._settings.drain_s * 0.6)
        await self._changes.drain(self._settings.drain_s * 0.2)
        self._log.info("stopped", f"{self._seller.meter.load(0).sold_total} tickets sold")
        await self._node.leave()
        await self._server.close()
        self._receipts.close()

    async def _report_refusals(self) -> None:
        while True:
            await asyncio.sleep(REPORT_S)
            refusals = self._seller.meter.take_refusals()
            if refusals:
                text = ", ".join(f"{count} {code}" for code, count in refusals.items())
                self._log.info("refused", text)

    async def _report_strangers(self) -> None:
        while True:
            await asyncio.sleep(STRANGERS_S)
            count = self._server.take_turned_away()
            if count:
                text = f"{count} connections to {self._address} closed: too many without a proof"
                self._log.warning("strangers", text)

    async def _publish(self) -> None:
        await self._node.registration.publish(self._record())

    def _record(self) -> WorkerRecord:
        state, load = self._health()
        return WorkerRecord(
            name=self._identity.name,
            host=self._identity.host,
            pid=self._identity.pid,
            birth=self._identity.birth,
            instance=self._identity.instance,
            address=self._address,
            state=state,
            trouble=self._receipts.halted,
            load=load,
            at=round(self._clock.now(), 3),
        )

    @property
    def _in_flight(self) -> int:
        return self._seller.in_flight + self._changes.in_flight

    def _health(self) -> tuple[str, Load]:
        if self._draining:
            state = "draining"
        elif self._receipts.halted:
            state = "halted"
        else:
            state = "suspended" if self._seller.stalled else "ready"
        return state, self._seller.meter.load(self._in_flight)
