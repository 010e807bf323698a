"""The interface to what writes receipts: `workers.receipts.writer`, or nothing."""

from typing import Protocol

from core.store.batch import Batch
from core.store.orders import StoredOrder
from core.store.stock import TypeRef


class Bookkeeper(Protocol):
    @property
    def halted(self) -> str:
        """Why nothing may be sold now; empty when it may."""

    async def ready(self) -> None:
        """Returns when it is safe to sell. Raises `Halted`, `Unavailable`."""

    async def keep(self, batch: Batch, zxid: int) -> None:
        """Returns when the receipt of a committed batch is on disk. Raises `Halted`."""

    async def keep_order(self, stored: StoredOrder, ref: TypeRef) -> None:
        """As `keep`, for an order that was there already."""


class NoBooks:
    """Writes no receipts: for operators, whose changes are confirmed to no buyer."""

    halted = ""

    async def ready(self) -> None: ...

    async def keep(self, batch: Batch, zxid: int) -> None: ...

    async def keep_order(self, stored: StoredOrder, ref: TypeRef) -> None: ...
