"""Commits a batch and never guesses: a lost answer is resolved before anything else is decided.

The identical transaction is sent again until the answer is definite. A failure then means
that the first attempt can never happen any more, unless the batch's first order carries its
id: then it had happened, whole.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from core.errors import Ambiguous, Unavailable, ZkticketError
from core.store.batch import Batch, Failure
from core.store.store import Store
from core.zookeeper.client import Committed, ZooKeeper
from core.zookeeper.multi import Operation

RESOLVE_S = 30.0
PAUSE_S = 0.02
RECONNECT_S = 0.5


class Ledger(Protocol):
    """What is written down in the same transaction, and where doubts are told."""

    def plan(self, batch: Batch) -> Sequence[Operation]:
        """What to write with the batch; it replaces what was planned before."""

    def applied(self) -> None:
        """What was planned last has been committed."""

    async def reload(self) -> None:
        """What stands written is not what was thought. Raises `ZkticketError`."""

    def note_doubt(self, batch: Batch) -> None: ...

    def note_verdict(self, batch: Batch, outcome: Committed | Failure) -> None: ...


class NoLedger:
    """Writes nothing down."""

    def plan(self, _batch: Batch) -> Sequence[Operation]:
        return ()

    def applied(self) -> None: ...

    async def reload(self) -> None: ...

    def note_doubt(self, _batch: Batch) -> None: ...

    def note_verdict(self, _batch: Batch, _outcome: Committed | Failure) -> None: ...


class Commitment:
    def __init__(
        self, store: Store, zk: ZooKeeper, ledger: Ledger, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._zk = zk
        self._ledger = ledger
        self._clock = clock

    async def commit(self, batch: Batch) -> Committed | Failure:
        """What became of the batch.

        Raises `Unavailable` where nothing was sent, and `Ambiguous` where even `RESOLVE_S`
        with a connection did not tell.
        """
        try:
            return await self._send(batch)
        except Ambiguous:
            return await self._resolve(batch)

    async def pause(self) -> None:
        """Until ZooKeeper is back, as far as one can tell; never no time at all."""
        await asyncio.sleep(PAUSE_S)
        with suppress(Unavailable):
            await self._zk.wait_connected(RECONNECT_S)

    async def _send(self, batch: Batch) -> Committed | Failure:
        outcome = await self._store.commit(batch, self._ledger.plan(batch))
        if isinstance(outcome, Committed):
            self._ledger.applied()
        return outcome

    async def _resolve(self, batch: Batch) -> Committed | Failure:
        self._ledger.note_doubt(batch)
        ends = self._clock() + RESOLVE_S
        while self._clock() < ends:
            await self.pause()
            if not self._zk.connected:
                ends = self._clock() + RESOLVE_S
            with suppress(ZkticketError):
                outcome = await self._send_again(batch)
                if outcome is not None:
                    self._ledger.note_verdict(batch, outcome)
                    return outcome
        raise Ambiguous("ZooKeeper gives no definite answer")

    async def _send_again(self, batch: Batch) -> Committed | Failure | None:
        """What became of a batch; None where that is still open."""
        outcome = await self._send(batch)
        if isinstance(outcome, Committed):
            return outcome
        if outcome is Failure.LOG_LOST:
            await self._ledger.reload()
            return None
        if committed := await self._store.happened(batch):
            # What stands written is what the first attempt wrote.
            await self._ledger.reload()
            return committed
        return outcome
