"""Who writes receipts of what was committed: `workers.receipts.writer`, or nobody."""

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
        """The receipt of a committed batch is on disk when it returns. Raises `Halted`."""

    async def keep_order(self, stored: StoredOrder, ref: TypeRef) -> None:
        """As `keep`, for an order that was there already."""


class NoBooks:
    """For operators: whoever buys hears nothing of what they do."""

    halted = ""

    async def ready(self) -> None: ...

    async def keep(self, batch: Batch, zxid: int) -> None: ...

    async def keep_order(self, stored: StoredOrder, ref: TypeRef) -> None: ...
