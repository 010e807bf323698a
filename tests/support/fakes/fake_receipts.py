"""Receipts in memory, on a disk that a test controls."""

import asyncio

from core.errors import Halted
from core.store.batch import Batch
from core.store.orders import StoredOrder
from core.store.receipt_keeping import Bookkeeper


class FakeReceipts(Bookkeeper):
    """Keeps receipts at once, unless `halted` is set, and once `disk` lets it."""

    def __init__(self) -> None:
        self._halted = ""
        self.disk = asyncio.Event()
        self.disk.set()
        self.kept: list[str] = []

    @property
    def halted(self) -> str:
        return self._halted

    @halted.setter
    def halted(self, trouble: str) -> None:
        self._halted = trouble

    async def ready(self) -> None:
        if self.halted:
            raise Halted(self.halted)

    async def keep(self, batch: Batch, zxid: int) -> None:
        await self._write([sale.order_id for sale in batch.sales])

    async def keep_order(self, stored: StoredOrder) -> None:
        await self._write([stored.id])

    async def _write(self, order_ids: list[str]) -> None:
        await self.disk.wait()
        if self.halted:
            raise Halted(self.halted)
        self.kept += order_ids
