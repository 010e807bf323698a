"""A machine's disk: it keeps what a process flushed before it died, and may be full or slow."""

import errno
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from core.receipts.format import Receipt, decoded, frames
from core.schema.records import Order
from workers.receipts.journal import LATEST, JournalBounds

PLENTY_BYTES = 1 << 40


class Disk:
    """Holds one worker's receipts. `flush_s` is the longest time of a flush."""

    def __init__(self) -> None:
        self.full = False
        self.flush_s = 0.001
        self._data = b""
        # By order: the commits that changed it, as far as they are on this disk.
        self._orders: dict[str, set[str]] = {}

    def write(self, data: bytes) -> None:
        """Raises `OSError` where there is no room."""
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._data += data
        for receipt in _receipts(data):
            for line in receipt.lines:
                known = self._orders.setdefault(line.order_id, set())
                known.update(change.batch for change in line.order.changes)

    def holds(self, order_id: str, order: Order) -> bool:
        """Whether its receipts prove that the order was once in that state."""
        known = self._orders.get(order_id)
        return known is not None and known.issuperset(change.batch for change in order.changes)

    def receipts(self) -> list[Receipt]:
        return list(_receipts(self._data))


class SimulatedJournal:
    """Stands in for `workers.receipts.journal.ReceiptJournal`."""

    def __init__(self, disk: Disk, folder: Path, bounds: JournalBounds) -> None:
        self._disk = disk
        self.dropped = 0

    def open(self) -> list[Receipt]:
        return self._disk.receipts()[-LATEST:]

    def append(self, data: bytes) -> None:
        self._disk.write(data)

    def free_bytes(self) -> int:
        return 0 if self._disk.full else PLENTY_BYTES

    def close(self) -> None:
        """Does nothing: no file is open."""


def _receipts(data: bytes) -> Iterator[Receipt]:
    for payload in frames(data):
        if isinstance(payload, bytes):
            with suppress(msgspec.DecodeError):
                yield decoded(payload)
