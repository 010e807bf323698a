"""Notices when ZooKeeper has forgotten what this worker knows to have happened.

A counter's version only grows within its event's generation, and so does the zxid of its last
change; an order, once there, stays. A lagging follower may answer with old data, so a loss is
only believed after a write has gone through the quorum: what the same session reads after that
is at least as new.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from core.cluster import alarms
from core.errors import BadZnode, Halted, Unavailable, ZkticketError
from core.eventlog.ring import EventLog
from core.receipts.format import Receipt, Settled, is_preserved, settled
from core.schema import paths
from core.schema.records import Alarm
from core.store.batch import Sale
from core.store.orders import StoredOrder
from core.store.stock import StripeCounter, TypeRef
from core.store.store import Store
from core.zookeeper import lost_answers
from core.zookeeper.client import ZooKeeper
from core.zookeeper.multi import Check
from core.zookeeper.watch import Watch, whenever_changed

LOOK_S = 1.0
READS = 5


class Seen(NamedTuple):
    """The newest known version of a counter, and the zxid that made it."""

    version: int
    zxid: int


class RollbackGuard:
    """Compares what is read with what was known, and raises the alarm where they differ."""

    def __init__(
        self, zk: ZooKeeper, log: EventLog, data_dir: Path, now: Callable[[], float]
    ) -> None:
        self._zk = zk
        self._store = Store(zk)
        self._log = log
        self._data_dir = data_dir
        self._now = now
        self._seen: dict[str, Seen] = {}
        self._newest: dict[TypeRef, Receipt] = {}
        self._settled = Settled()
        self._unchecked = True
        self._inspecting = asyncio.Lock()
        # The alarm of this worker; `_sounded` once it stands in ZooKeeper for everybody.
        self._own: Alarm | None = None
        self._sounded = False
        self.alarm = ""
        zk.on_change(self._doubt)

    # --- what is known ---------------------------------------------------------------

    def recall(self, receipts: Iterable[Receipt]) -> None:
        """Learns what this worker's journal says, oldest first. Raises `ZkticketError`."""
        self._settled = settled(self._data_dir)
        for receipt in receipts:
            self.remember(receipt)
        self._doubt()

    def remember(self, receipt: Receipt) -> None:
        """Learns of a commit that has happened."""
        if receipt.marks:
            self._newest.update(dict.fromkeys(receipt.refs, receipt))
        if receipt.at > self._settled.at:
            for path, version in receipt.counters():
                if version > self._seen.get(path, Seen(0, 0)).version:
                    self._seen[path] = Seen(version, receipt.zxid)

    def _doubt(self) -> None:
        """Asks for an inspection: a new connection may lead to servers that were set back."""
        self._unchecked = True

    # --- what is read ----------------------------------------------------------------

    async def contradicts(self, counters: Sequence[StripeCounter]) -> bool:
        """Whether these counters are an old reading, to be read again; remembers newer ones.

        Raises `Halted` where ZooKeeper itself has gone back, and `Unavailable`.
        """
        for counter in counters:
            seen = self._seen.get(counter.path, Seen(0, 0))
            if _fits(counter, seen):
                self._seen[counter.path] = Seen(counter.version, counter.zxid)
            elif await lost_answers.check(self._zk, [Check(counter.path, counter.version)]):
                self._raise(
                    f"{paths.CHROOT}{counter.path} went back from version {seen.version} "
                    f"(zxid {seen.zxid}) to {counter.version} (zxid {counter.zxid})"
                )
                raise Halted(self.alarm)
            else:
                return True
        return False

    async def inspect(self) -> None:
        """Looks after each new connection for the latest sales. Raises `Unavailable`."""
        async with self._inspecting:
            if self.alarm or not self._unchecked:
                return
            self._unchecked = False
            try:
                lost = await self._lost()
            except BaseException:
                self._unchecked = True
                raise
            if lost:
                order = paths.CHROOT + lost[0].path
                self._raise(f"{len(lost)} of the latest confirmed orders are gone, {order} first")

    async def _lost(self) -> list[Sale]:
        receipts = {receipt.batch: receipt for receipt in self._newest.values()}
        sales = [sale for receipt in receipts.values() for sale in receipt.sales()]
        lost = await self._missing(sales)
        if lost and await lost_answers.check(self._zk, [Check("/")]):
            lost = await self._missing(lost)
        retired = await self._store.retired() if lost else frozenset()
        return [sale for sale in lost if sale.ref.generation not in retired]

    async def _missing(self, sales: Sequence[Sale]) -> list[Sale]:
        found = await self._store.orders.find_sales(sales)
        pairs = zip(sales, found, strict=True)
        return [sale for sale, there in pairs if not self._stands(sale, there)]

    def _stands(self, sale: Sale, there: StoredOrder | BadZnode | None) -> bool:
        """Whether the order is there, or damaged, or was given up by an operator in a repair."""
        if self._settled.lets_pass(sale) or isinstance(there, BadZnode):
            return True
        if not is_preserved(sale.order, there):
            return False
        assert isinstance(there, StoredOrder)
        return there.order.batch == sale.order.batch or sale.order.at <= self._settled.at

    # --- the alarm -------------------------------------------------------------------

    def _raise(self, text: str) -> None:
        self.alarm = f"ZooKeeper has lost sales: {text}"
        self._own = Alarm(source=self._log.source, text=self.alarm, at=round(self._now(), 3))
        self._sounded = False
        self._log.error("alarm", self.alarm)

    async def watch(self) -> None:
        """Publishes this worker's alarm and hears those of others, until it is cancelled."""
        while True:
            with suppress(ZkticketError):
                async for standing in whenever_changed(self._zk, self._look, LOOK_S):
                    self._hear(standing)
            await asyncio.sleep(LOOK_S)

    async def _look(self, watch: Watch | None) -> list[Alarm]:
        if self._own is not None and not self._sounded:
            await alarms.sound(self._zk, self._own)
            self._sounded = True
        await self.inspect()
        if watch is not None:
            await self._zk.children(paths.ALARMS, watch)
        return await alarms.standing(self._zk)

    def _hear(self, standing: Sequence[Alarm]) -> None:
        if standing:
            if not self.alarm:
                self._log.error("alarm", f"raised by {standing[0].source}: {standing[0].text}")
            self.alarm = self.alarm or standing[0].text
        elif self.alarm and (self._own is None or self._sounded):
            self._settled = settled(self._data_dir)
            self._seen.clear()
            self._doubt()
            self.alarm, self._own = "", None
            self._log.info("alarm", "an operator has taken the alarm back")


class GuardedStore(Store):
    """A store that compares each counter that it reads with what is known."""

    def __init__(self, zk: ZooKeeper, guard: RollbackGuard) -> None:
        super().__init__(zk)
        self._guard = guard

    async def counters(self, ref: TypeRef) -> tuple[StripeCounter, ...]:
        """Reads counters as `Store` does. Raises `Halted` where they have gone back."""
        for _ in range(READS):
            counters = await super().counters(ref)
            if not await self._guard.contradicts(counters):
                return counters
        raise Unavailable("ZooKeeper's server lags behind")


def _fits(counter: StripeCounter, seen: Seen) -> bool:
    """Whether version and zxid have grown together, or both stayed."""
    if counter.version == seen.version:
        return counter.zxid == seen.zxid or not seen.zxid
    return counter.version > seen.version and counter.zxid > seen.zxid
