"""Receipts in memory, on a disk that a test controls."""

import asyncio

from core.errors import Halted
from core.store.batch import Batch
from core.store.orders import StoredOrder
from core.store.stock import TypeRef


class FakeReceipts:
    """Keeps receipts at once, unless `halted` is set, and once `disk` lets it."""

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
