"""Commits a batch and never guesses: a lost answer is resolved before anything else is decided.

The identical transaction is sent again until the answer is definite. A failure then means
that the first attempt can never happen any more, unless the batch's first order carries its
id: then it had happened, whole.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from core.errors import Ambiguous, Unavailable, ZkticketError
from core.store import Batch, Failure, Store
from core.zk import Committed, ZooKeeper

RESOLVE_S = 30.0
PAUSE_S = 0.02
RECONNECT_S = 0.5


async def commit_surely(
    store: Store, zk: ZooKeeper, batch: Batch, clock: Callable[[], float]
) -> Committed | Failure:
    """What became of the batch.

    Raises `Unavailable` where nothing was sent, and `Ambiguous` where even `RESOLVE_S` with
    a connection did not tell.
    """
    try:
        return await store.commit(batch)
    except Ambiguous:
        return await _resolve(store, zk, batch, clock)


async def _resolve(
    store: Store, zk: ZooKeeper, batch: Batch, clock: Callable[[], float]
) -> Committed | Failure:
    ends = clock() + RESOLVE_S
    while clock() < ends:
        await asyncio.sleep(PAUSE_S)
        with suppress(Unavailable):
            await zk.wait_connected(RECONNECT_S)
        if not zk.connected:
            ends = clock() + RESOLVE_S
        with suppress(ZkticketError):
            outcome = await store.commit(batch)
            if isinstance(outcome, Committed):
                return outcome
            zxid = await store.happened(batch)
            return Committed(zxid) if zxid else outcome
    raise Ambiguous("ZooKeeper gives no definite answer")
