"""Notices when ZooKeeper has forgotten what this worker knows to have happened.

A counter's version only grows within its event's generation, and so does the zxid of its last
change; an order, once there, stays. A read at a lagging follower may be old, so nothing is
believed before a write has gone through the quorum: what the same session reads after that is
at least as new.
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
from core.store.stock import Counter, TypeRef
from core.store.store import Store
from core.zookeeper import retry
from core.zookeeper.client import ZooKeeper
from core.zookeeper.multi import Check

LOOK_S = 1.0
READS = 5


class Seen(NamedTuple):
    """A counter's newest version that is known, and the zxid that made it."""

    version: int
    zxid: int


class Guard:
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
        # Raised here; `_sounded` once it stands in ZooKeeper for everybody.
        self._own: Alarm | None = None
        self._sounded = False
        self.alarm = ""
        zk.on_change(self._doubt)

    # --- what is known ---------------------------------------------------------------

    def recall(self, receipts: Iterable[Receipt]) -> None:
        """What this worker's journal says, oldest first. Raises `ZkticketError`."""
        self._settled = settled(self._data_dir)
        for receipt in receipts:
            self.remember(receipt)
        self._doubt()

    def remember(self, receipt: Receipt) -> None:
        """A commit that has happened."""
        if receipt.marks:
            self._newest.update(dict.fromkeys(receipt.refs, receipt))
        if receipt.at > self._settled.at:
            for path, version in receipt.counters():
                if version > self._seen.get(path, Seen(0, 0)).version:
                    self._seen[path] = Seen(version, receipt.zxid)

    def _doubt(self) -> None:
        """A new connection may lead to servers that were set back."""
        self._unchecked = True

    # --- what is read ----------------------------------------------------------------

    async def contradicts(self, counters: Sequence[Counter]) -> bool:
        """Whether these are an old reading, to be read again; what they say is known now.

        Raises `Halted` where they are what ZooKeeper has, and `Unavailable`.
        """
        for counter in counters:
            seen = self._seen.get(counter.path, Seen(0, 0))
            if _fits(counter, seen):
                self._seen[counter.path] = Seen(counter.version, counter.zxid)
            elif await retry.check(self._zk, [Check(counter.path, counter.version)]):
                self._raise(
                    f"{paths.CHROOT}{counter.path} went back from version {seen.version} "
                    f"(zxid {seen.zxid}) to {counter.version} (zxid {counter.zxid})"
                )
                raise Halted(self.alarm)
            else:
                return True
        return False

    async def inspect(self) -> None:
        """After each connection: whether the latest sales are still there. Raises `Unavailable`."""
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
        if lost and await retry.check(self._zk, [Check("/")]):
            lost = await self._missing(lost)
        retired = await self._store.retired() if lost else frozenset()
        return [sale for sale in lost if sale.ref.generation not in retired]

    async def _missing(self, sales: Sequence[Sale]) -> list[Sale]:
        found = await self._store.orders.find_sales(sales)
        pairs = zip(sales, found, strict=True)
        return [sale for sale, there in pairs if not self._stands(sale, there)]

    def _stands(self, sale: Sale, there: StoredOrder | BadZnode | None) -> bool:
        """The very order, or a damaged one; or what an operator let pass when he mended it."""
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
        """Tells everybody of an alarm, and hears of others', until it is cancelled."""
        changed, watched = asyncio.Event(), False

        def fire() -> None:
            nonlocal watched
            watched = False
            changed.set()

        while True:
            changed.clear()
            with suppress(ZkticketError):
                if self._own is not None and not self._sounded:
                    await alarms.sound(self._zk, self._own)
                    self._sounded = True
                await self.inspect()
                if not watched:
                    await self._zk.children(paths.ALARMS, fire)
                    watched = True
                self._hear(await alarms.standing(self._zk))
            watched &= self._zk.connected  # a watch does not outlive its connection for certain
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await changed.wait()

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
    """A store whose counters are compared with what is known of them."""

    def __init__(self, zk: ZooKeeper, guard: Guard) -> None:
        super().__init__(zk)
        self._guard = guard

    async def counters(self, ref: TypeRef) -> tuple[Counter, ...]:
        """As `Store.counters`. Raises `Halted` where they have gone back."""
        for _ in range(READS):
            counters = await super().counters(ref)
            if not await self._guard.contradicts(counters):
                return counters
        raise Unavailable("ZooKeeper's server lags behind")


def _fits(counter: Counter, seen: Seen) -> bool:
    """Both grow, together."""
    if counter.version == seen.version:
        return counter.zxid == seen.zxid or not seen.zxid
    return counter.version > seen.version and counter.zxid > seen.zxid
