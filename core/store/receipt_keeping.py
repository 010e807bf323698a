"""The interface to what writes receipts: `workers.receipts.writer`, or nothing."""

from core.store.batch import Batch
from core.store.orders import StoredOrder


class Bookkeeper:
    """Writes no receipts: for operators, whose changes are confirmed to no buyer."""

    @property
    def halted(self) -> str:
        """Why nothing may be sold now; empty when it may."""
        return ""

    async def ready(self) -> None:
        """Returns when it is safe to sell. Raises `Halted`, `Unavailable`."""

    async def keep(self, batch: Batch, zxid: int) -> None:
        """Returns when the receipt of a committed batch is on disk. Raises `Halted`."""

    async def keep_order(self, stored: StoredOrder) -> None:
        """As `keep`, for an order that was there already."""
