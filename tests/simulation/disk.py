"""A machine's disk, which keeps what was flushed when a process dies, and may be full or slow."""

import errno
import re
from contextlib import suppress
from pathlib import Path

import msgspec

from core.receipts import Receipt, decoded, frames
from workers.journal import LATEST, Bounds

PLENTY_BYTES = 1 << 40
ORDER_ID = re.compile(rb"[0-9a-f]{32}")


class Disk:
    """Holds one worker's receipts. `flush_s` is the longest that a flush takes."""

    def __init__(self) -> None:
        self.full = False
        self.flush_s = 0.001
        self._data = b""
        self._orders: set[str] = set()

    def write(self, data: bytes) -> None:
        """Raises `OSError` where there is no room."""
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._data += data
        self._orders.update(found.decode() for found in ORDER_ID.findall(data))

    def holds(self, order_id: str) -> bool:
        return order_id in self._orders

    def receipts(self) -> list[Receipt]:
        found = []
        for payload in frames(self._data):
            if isinstance(payload, bytes):
                with suppress(msgspec.DecodeError):
                    found.append(decoded(payload))
        return found


class SimulatedJournal:
    """Stands in for `workers.journal.Journal`."""

    def __init__(self, disk: Disk, folder: Path, bounds: Bounds) -> None:
        self._disk = disk
        self.dropped = 0

    def open(self) -> list[Receipt]:
        return self._disk.receipts()[-LATEST:]

    def append(self, data: bytes) -> None:
        self._disk.write(data)

    def free_bytes(self) -> int:
        return 0 if self._disk.full else PLENTY_BYTES

    def close(self) -> None:
        """Nothing is left open."""
