"""Receipts in memory, on a disk that does what the test tells it to."""

import asyncio

from core.errors import Halted
from core.store.batch import Batch
from core.store.orders import StoredOrder
from core.store.stock import TypeRef


class FakeReceipts:
    """A disk that is never full, unless `halted` says so, and as slow as `disk` lets it be."""

    def __init__(self) -> None:
        self.halted = ""
        self.disk = asyncio.Event()
        self.disk.set()
        self.kept: list[str] = []

    async def ready(self) -> None:
        if self.halted:
            raise Halted(self.halted)

    async def keep(self, batch: Batch, zxid: int) -> None:
        await self._write([sale.order_id for sale in batch.sales])

    async def keep_order(self, stored: StoredOrder, ref: TypeRef) -> None:
        await self._write([stored.id])

    async def _write(self, order_ids: list[str]) -> None:
        await self.disk.wait()
        if self.halted:
            raise Halted(self.halted)
        self.kept += order_ids
