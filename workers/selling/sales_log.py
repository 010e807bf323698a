"""Logs a worker's sales in the transactions that make them."""

import logging
from collections.abc import Sequence

from core.eventlog.ring import EventLog
from core.schema.records import LogEntry
from core.store.batch import Batch, Failure
from core.store.commit import Ledger
from core.zookeeper.client import Committed, ZooKeeper
from core.zookeeper.multi import Operation


class SalesLedger(Ledger):
    """Writes to the log of a worker; the caller holds the log's lock."""

    def __init__(self, log: EventLog, zk: ZooKeeper) -> None:
        self._log = log
        self._zk = zk

    def plan(self, batch: Batch) -> Sequence[Operation]:
        return self._log.plan([self._entry(batch)])

    def applied(self) -> None:
        self._log.applied()

    async def reload(self) -> None:
        await self._log.load(self._zk)

    def note_doubt(self, batch: Batch) -> None:
        self._log.warning("ambiguous", f"batch {batch.id}: the answer was lost")

    def note_verdict(self, batch: Batch, outcome: Committed | Failure) -> None:
        verdict = "committed" if isinstance(outcome, Committed) else "not committed"
        self._log.info("resolved", f"batch {batch.id}: {verdict}")

    def _entry(self, batch: Batch) -> LogEntry:
        tickets = sum(sale.order.quantity for sale in batch.sales)
        types = ", ".join(sorted({sale.ref.type for sale in batch.sales}))
        text = f"{tickets} of {types} in {len(batch.sales)} orders"
        return self._log.entry(logging.INFO, "sold", text, [sale.order_id for sale in batch.sales])
