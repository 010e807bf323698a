"""How much of the tree the receipts cover: of an order without one they prove nothing."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from functools import partial

import msgspec

from core.errors import BadZnode
from core.schema.records import Event
from core.store.batch import Sale
from core.store.orders import StoredOrder
from core.store.store import Store
from core.zookeeper import lost_answers
from core.zookeeper.client import ZooKeeper

ID_BYTES = 16
# A worker writes a receipt a moment after the commit that made the order.
YOUNG_S = 5.0
CATCH_UP_TRIES = 10
POLL_S = 0.1


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """Orders in the tree, those with a receipt, and those that are older than every receipt."""

    orders: int
    covered: int
    older: int
    notes: tuple[str, ...]

    @property
    def newer(self) -> int:
        """Orders that might have a receipt here, and have none."""
        return self.orders - self.covered - self.older


class Receipted:
    """The orders that have a receipt, in sixteen bytes each: millions of them fit into memory."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str], bytearray] = {}

    def add(self, sales: Iterable[Sale]) -> None:
        for sale in sales:
            bucket = (sale.ref.generation, sale.order_id[:2])
            self._ids.setdefault(bucket, bytearray()).extend(bytes.fromhex(sale.order_id))

    def lacks(self, generation: str, ids: Sequence[str]) -> list[str]:
        """Those of a bucket's orders that have no receipt."""
        packed = bytes(self._ids.get((generation, ids[0][:2]), b"")) if ids else b""
        known = {packed[at : at + ID_BYTES] for at in range(0, len(packed), ID_BYTES)}
        return [each for each in ids if bytes.fromhex(each) not in known]


class Coverer:
    """Counts the tree's orders against the receipts that were read.

    `since` is the oldest receipt's time; the journals were read from `began` on: Unix seconds.
    """

    def __init__(self, zk: ZooKeeper, receipted: Receipted, *, since: float, began: float) -> None:
        self._zk = zk
        self._store = Store(zk)
        self._receipted = receipted
        self._since = since
        self._began = began
        self._orders = self._bare = self._older = 0
        self._young: list[StoredOrder] = []
        self._notes: list[str] = []

    async def count(self, newest: Callable[[], Iterable[Sale]]) -> Coverage:
        """`newest` reads the newest receipts again. Raises `Unavailable`, `ZkticketError`."""
        for name, event in (await lost_answers.read(self._zk, self._store.events)).items():
            try:
                await self._count_event(name, event)
            except BadZnode as error:
                self._notes.append(f"not all orders of {name} were counted: {error}")
        await self._catch_up(newest)
        return Coverage(
            orders=self._orders,
            covered=self._orders - self._bare,
            older=self._older,
            notes=tuple(self._notes),
        )

    async def _count_event(self, name: str, event: Event | BadZnode) -> None:
        if isinstance(event, BadZnode):
            raise event
        async with aclosing(self._store.orders.ids(name, event.generation)) as pages:
            async for ids in pages:
                self._orders += len(ids)
                if bare := self._receipted.lacks(event.generation, ids):
                    self._bare += len(bare)
                    await self._date(name, event.generation, bare)

    async def _date(self, name: str, generation: str, ids: Sequence[str]) -> None:
        """Sorts orders without a receipt by their age."""
        read = partial(self._store.orders.find_many, name, generation, ids)
        for order in (await lost_answers.read(self._zk, read)).values():
            if order.order.at < self._since:
                self._older += 1
            elif order.order.at > self._began - YOUNG_S:
                self._young.append(order)

    async def _catch_up(self, newest: Callable[[], Iterable[Sale]]) -> None:
        """What was sold while the journals were read has its receipt in a moment."""
        for _ in range(CATCH_UP_TRIES):
            if not self._young:
                return
            late = Receipted()
            late.add(newest())
            bare = [each for each in self._young if late.lacks(each.generation, [each.id])]
            self._bare -= len(self._young) - len(bare)
            self._young = bare
            await asyncio.sleep(POLL_S)
