"""Commits a batch, and resolves a lost answer before anything else is decided.

The identical transaction is sent again until the answer is definite. A failure then means that
the batch never happens, unless its first order carries its id: then all of it had happened.
"""

from collections.abc import Sequence
from functools import partial

from core.errors import Ambiguous
from core.store.batch import Batch, Failure
from core.store.store import Store
from core.zookeeper import lost_answers
from core.zookeeper.client import Committed, ZooKeeper
from core.zookeeper.multi import Operation


class Ledger:
    """A log that is written in the transaction of a batch, and hears of doubts; here, none."""

    def plan(self, _batch: Batch) -> Sequence[Operation]:
        """Returns what to write with the batch; replaces the plan before."""
        return ()

    def applied(self) -> None:
        """Notes that the last plan has been committed."""

    async def reload(self) -> None:
        """Reads the log again, which is not what it was thought to be. Raises `ZkticketError`."""

    def note_doubt(self, batch: Batch) -> None: ...

    def note_verdict(self, batch: Batch, outcome: Committed | Failure) -> None: ...


class Commitment:
    """Commits batches of one store, with a log."""

    def __init__(self, store: Store, zk: ZooKeeper, ledger: Ledger) -> None:
        self._store = store
        self._zk = zk
        self._ledger = ledger

    async def commit(self, batch: Batch) -> Committed | Failure:
        """Returns what became of the batch.

        Raises `Unavailable` where nothing was sent, and as `lost_answers.resolve`.
        """
        try:
            return await self._send(batch)
        except Ambiguous:
            return await self._resolve(batch)

    async def _send(self, batch: Batch) -> Committed | Failure:
        outcome = await self._store.commit(batch, self._ledger.plan(batch))
        if isinstance(outcome, Committed):
            self._ledger.applied()
        return outcome

    async def _resolve(self, batch: Batch) -> Committed | Failure:
        self._ledger.note_doubt(batch)
        send_again = partial(self._send_again, batch)
        outcome: Committed | Failure = await lost_answers.resolve(self._zk, send_again)
        self._ledger.note_verdict(batch, outcome)
        return outcome

    async def _send_again(self, batch: Batch) -> Committed | Failure | None:
        """Returns what became of a batch, or None where that is still open."""
        outcome = await self._send(batch)
        if isinstance(outcome, Committed):
            return outcome
        if outcome is Failure.LOG_LOST:
            await self._ledger.reload()
            return None
        if committed := await self._store.happened(batch):
            # The log says what the first attempt wrote.
            await self._ledger.reload()
            return committed
        return outcome
