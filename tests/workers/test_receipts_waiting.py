"""A receipt that comes while the disk is measured is written as well."""

import asyncio
import threading
import time
from pathlib import Path
from typing import cast

from core.clock import Clock
from core.eventlog.ring import EventLog
from core.store.batch import Batch
from workers.receipts.journal import JournalBounds, ReceiptJournal
from workers.receipts.rollback_guard import RollbackGuard
from workers.receipts.writer import Receipts

PATIENCE_S = 10.0


class SlowlyMeasured(ReceiptJournal):
    """Tells its free space only when the test lets it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, JournalBounds(segment_bytes=1 << 20, segments=2))
        self.may_tell = threading.Event()
        self.may_tell.set()
        self.asked = threading.Event()

    def free_bytes(self) -> int:
        self.asked.set()
        self.may_tell.wait(PATIENCE_S)
        return super().free_bytes()


class Unsuspecting:
    """A guard that finds nothing wrong."""

    alarm = ""

    def recall(self, receipts: object) -> None:
        """Does nothing."""

    def remember(self, receipt: object) -> None:
        """Does nothing."""


async def test_a_receipt_that_comes_while_the_room_is_measured_waits_for_no_other(
    tmp_path: Path,
) -> None:
    """A mixture of faults, seed 20261125, found a worker that sold nothing any more."""
    journal = SlowlyMeasured(tmp_path / "receipts" / "worker-1")
    receipts = Receipts(
        journal,
        cast(RollbackGuard, Unsuspecting()),
        EventLog("worker-1", time.time),
        Clock(),
    )
    await receipts.open()
    journal.asked.clear()
    journal.may_tell.clear()
    looking_after = asyncio.create_task(receipts.run())
    await asyncio.get_running_loop().run_in_executor(None, journal.asked.wait, PATIENCE_S)
    keeping = asyncio.create_task(receipts.keep(Batch("b1", "/workers/w", (), ()), 7))
    await asyncio.sleep(0)
    assert not keeping.done()
    journal.may_tell.set()
    async with asyncio.timeout(PATIENCE_S):
        await keeping
    looking_after.cancel()
    receipts.close()
