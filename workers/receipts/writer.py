"""Writes receipts: no buyer is told "sold" before one is on this worker's disk.

A thread of its own writes to the disk, with one flush for all waiting receipts, so that a slow
disk stops neither the heartbeat nor the links. A worker that can't write receipts sells nothing
until it can: the purchases go to other workers.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import TypeAlias

from core.clock import Clock
from core.errors import Halted, ZkticketError
from core.eventlog.ring import EventLog
from core.receipts.format import Receipt, framed, receipt_from_batch, receipt_from_order
from core.store.batch import Batch
from core.store.orders import StoredOrder
from core.store.receipt_keeping import Bookkeeper
from workers.receipts.journal import ReceiptJournal
from workers.receipts.rollback_guard import RollbackGuard

RETRY_S = 1.0
# A flush that takes longer stops the selling until it is done.
SLOW_S = 0.7
# Selling stops while there is still room for what is under way.
ROOM_BYTES = 4 << 20
# How many orders are remembered as on disk; to be asked for one of them again costs no flush.
RECENT = 4096

_Waiting: TypeAlias = tuple[Receipt, "asyncio.Future[None]"]


class Receipts(Bookkeeper):
    """Writes receipts and says whether the worker may sell; it begins with `open`."""

    def __init__(
        self,
        journal: ReceiptJournal,
        guard: RollbackGuard,
        log: EventLog,
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._guard = guard
        self._log = log
        self._clock = clock.monotonic
        self._now = clock.now
        self._thread = ThreadPoolExecutor(1, "receipts")
        self._waiting: list[_Waiting] = []
        # Committed, but not written yet.
        self._owed: list[Receipt] = []
        self._flushing_since: float | None = None
        self._trouble = "the receipts have not been opened"
        self._opened = False
        # How many changes of each order are on disk.
        self._recent: dict[str, int] = {}

    # --- what the seller asks --------------------------------------------------------

    @property
    def halted(self) -> str:
        """The reason why nothing may be sold now, or nothing."""
        return self._guard.alarm or self._trouble or self._slowness

    async def ready(self) -> None:
        """Returns when it is safe to sell. Raises `Halted`, `Unavailable`."""
        await self._guard.inspect()
        if self.halted:
            raise Halted(self.halted)

    async def keep(self, batch: Batch, zxid: int) -> None:
        """Returns when the receipt of a committed batch is on disk.

        Raises `Halted` where it can't be written now.
        """
        await self._keep(receipt_from_batch(batch, zxid, round(self._now(), 3)))

    async def keep_order(self, stored: StoredOrder) -> None:
        """Keeps a receipt of an order that was found: the last worker that made or changed it
        may have died before the flush.
        """
        if self._recent.get(stored.id, -1) < len(stored.order.changes):
            await self._keep(receipt_from_order(stored, round(self._now(), 3)))

    # --- its life --------------------------------------------------------------------

    async def open(self) -> None:
        """Opens the journal; where that fails, `run` tries again."""
        loop = asyncio.get_running_loop()
        try:
            latest = await loop.run_in_executor(self._thread, self._journal.open)
            self._guard.recall(latest)
        except (OSError, ZkticketError) as error:
            self._halt(error)
            return
        self._opened = True
        await self._retry()

    async def run(self) -> None:
        """Watches the free space and retries what failed, until it is cancelled."""
        while True:
            await asyncio.sleep(RETRY_S)
            if self._flushing_since is None:
                await (self._retry() if self._opened else self.open())

    def close(self) -> None:
        """Ends the thread, after the last answer."""
        self._thread.shutdown(wait=False)

    # --- the disk --------------------------------------------------------------------

    @property
    def _slowness(self) -> str:
        since = self._flushing_since
        slow = since is not None and self._clock() - since > SLOW_S
        return "the disk of the receipts does not answer" if slow else ""

    async def _keep(self, receipt: Receipt) -> None:
        self._guard.remember(receipt)
        if self._trouble:
            self._owed.append(receipt)
            raise Halted(self._trouble)
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((receipt, kept))
        if self._flushing_since is None:
            self._flush()
        await kept

    def _flush(self) -> None:
        """Writes all waiting receipts; what comes meanwhile goes with the next flush."""
        batch, self._waiting = self._waiting, []
        self._flushing_since = self._clock()
        job = asyncio.get_running_loop().run_in_executor(
            self._thread, self._append, [receipt for receipt, _ in batch]
        )
        job.add_done_callback(partial(self._flushed, batch))

    def _append(self, receipts: Sequence[Receipt]) -> None:
        self._journal.append(b"".join(map(framed, receipts)))

    def _flushed(self, batch: Sequence[_Waiting], job: "asyncio.Future[None]") -> None:
        self._flushing_since = None
        error = None if job.cancelled() else job.exception()
        if error is None:
            for receipt, kept in batch:
                self._note_kept(receipt)
                if not kept.done():
                    kept.set_result(None)
        else:
            self._halt(error)
            for receipt, kept in (*batch, *self._waiting):
                self._owed.append(receipt)
                if not kept.done():
                    kept.set_exception(Halted(self._trouble))
            self._waiting = []
        if self._waiting:
            self._flush()

    def _note_kept(self, receipt: Receipt) -> None:
        self._recent.update((line.order_id, len(line.order.changes)) for line in receipt.lines)
        for order_id in list(islice(self._recent, max(0, len(self._recent) - RECENT))):
            del self._recent[order_id]
        if self._journal.dropped:
            self._journal.dropped = 0
            self._log.warning(
                "receipts", "the oldest file was deleted: there are as many as may be"
            )

    def _halt(self, error: BaseException) -> None:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        self._stop(f"receipts can't be written: {reason}")

    def _stop(self, trouble: str) -> None:
        if self._trouble != trouble:
            self._log.error("halted", trouble)
        self._trouble = trouble

    async def _retry(self) -> None:
        """Writes what is owed, if there is room, and lets selling resume."""
        loop = asyncio.get_running_loop()
        self._flushing_since = self._clock()
        owed = list(self._owed)
        try:
            free = await loop.run_in_executor(self._thread, self._journal.free_bytes)
            if free < ROOM_BYTES:
                self._stop("receipts can't be written: the disk is full")
                return
            if owed:
                await loop.run_in_executor(self._thread, self._append, owed)
        except OSError as error:
            self._halt(error)
            return
        finally:
            self._flushing_since = None
            # What came meanwhile had to wait for the disk.
            if self._waiting:
                self._flush()
        del self._owed[: len(owed)]
        if self._trouble and self._opened:
            self._trouble = ""
            self._log.info("receipts", "receipts can be written")
