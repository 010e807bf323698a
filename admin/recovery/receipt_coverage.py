"""Counts how much of the tree the receipts cover: they prove nothing of the other orders."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial

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


class Receipted:
    """The orders that have a receipt, at sixteen bytes each: millions of them fit into memory."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str], bytearray] = {}

    def add(self, sales: Iterable[Sale]) -> None:
        for sale in sales:
            bucket = (sale.ref.generation, sale.order_id[:2])
            self._ids.setdefault(bucket, bytearray()).extend(bytes.fromhex(sale.order_id))

    def lacks(self, generation: str, ids: Sequence[str]) -> list[str]:
        """Returns those of a bucket's orders that have no receipt."""
        packed = bytes(self._ids.get((generation, ids[0][:2]), b"")) if ids else b""
        known = {packed[at : at + ID_BYTES] for at in range(0, len(packed), ID_BYTES)}
        return [each for each in ids if bytes.fromhex(each) not in known]


@dataclass
class Coverage:
    """Counts the tree's orders against the receipts that were read.

    The oldest receipt is of `since`, and the journals were read from `began` on: Unix seconds.
    Of the `orders`, `bare` have no receipt, and `older` of these are older than every receipt.
    """

    zk: ZooKeeper
    receipted: Receipted
    since: float
    began: float
    orders: int = 0
    bare: int = 0
    older: int = 0
    notes: list[str] = field(default_factory=list)
    _young: list[StoredOrder] = field(default_factory=list)

    @property
    def covered(self) -> int:
        return self.orders - self.bare

    async def count(self, newest: Callable[[], Iterable[Sale]]) -> None:
        """`newest` reads the newest receipts again. Raises `Unavailable`, `ZkticketError`."""
        store = Store(self.zk)
        for name, event in (await lost_answers.read(self.zk, store.events)).items():
            try:
                await self._count_event(store, name, event)
            except BadZnode as error:
                self.notes.append(f"not all orders of {name} were counted: {error}")
        await self._catch_up(newest)

    async def _count_event(self, store: Store, name: str, event: Event | BadZnode) -> None:
        if isinstance(event, BadZnode):
            raise event
        async with aclosing(store.orders.ids(name, event.generation)) as pages:
            async for ids in pages:
                self.orders += len(ids)
                if bare := self.receipted.lacks(event.generation, ids):
                    self.bare += len(bare)
                    await self._date(store, name, event.generation, bare)

    async def _date(self, store: Store, name: str, generation: str, ids: Sequence[str]) -> None:
        """Sorts orders without a receipt by their age."""
        read = partial(store.orders.find_many, name, generation, ids)
        for order in (await lost_answers.read(self.zk, read)).values():
            if order.order.at < self.since:
                self.older += 1
            elif order.order.at > self.began - YOUNG_S:
                self._young.append(order)

    async def _catch_up(self, newest: Callable[[], Iterable[Sale]]) -> None:
        """Waits for the receipts of what was sold while the journals were read."""
        for _ in range(CATCH_UP_TRIES):
            if not self._young:
                return
            late = Receipted()
            late.add(newest())
            bare = [each for each in self._young if late.lacks(each.generation, [each.id])]
            self.bare -= len(self._young) - len(bare)
            self._young = bare
            await asyncio.sleep(POLL_S)
