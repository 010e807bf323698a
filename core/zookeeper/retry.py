"""Writes that outlast a lost answer: sent again until ZooKeeper says what has become of them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from core.errors import Ambiguous, NodeExists, Unavailable, ZooKeeperError
from core.zookeeper.client import Refused, ZooKeeper
from core.zookeeper.multi import Create, Delete, Operation, SetData
from core.zookeeper.patient_read import PAUSE_S, RECONNECT_S, TRIES, insist

NO_ANSWER = "ZooKeeper gives no definite answer; look at `status` before repeating"


async def commit(
    zk: ZooKeeper, operations: Sequence[Operation], happened: Callable[[], Awaitable[bool]]
) -> Refused | None:
    """Why the transaction was refused; None once it has happened.

    The same one can't happen twice: its versions have moved, or what it creates is there. Where
    it is refused after an answer was lost, `happened` reads whether that is its own work.
    Raises `Unavailable` where nothing was sent, `Ambiguous` where nobody answers any more.
    """
    lost = False
    for _ in range(TRIES):
        try:
            outcome = await zk.multi(operations)
        except (Ambiguous, Unavailable) as error:
            lost = lost or isinstance(error, Ambiguous)
            await _pause(zk, lost)
            continue
        if not isinstance(outcome, Refused) or (lost and await insist(zk, happened)):
            return None
        return outcome
    raise _nobody_answers(lost)


async def make(zk: ZooKeeper, *wanted: str) -> None:
    """Creates the znodes that are missing; their parents exist or stand before them.

    Raises as `commit`.
    """
    for path in wanted:
        refused = await commit(zk, [Create(path)], partial(is_there, zk, path))
        if refused is not None and not isinstance(refused.error, NodeExists):
            raise refused.error


async def remove(zk: ZooKeeper, *wanted: str) -> Refused | None:
    """Deletes these znodes together; why that was refused. Raises as `commit`."""

    async def happened() -> bool:
        return not any(await zk.get_many(wanted))

    return await commit(zk, [Delete(path) for path in wanted], happened)


async def reconnected(zk: ZooKeeper) -> None:
    """Waits for ZooKeeper after an answer was lost. Raises `Ambiguous` where it stays away."""
    await _pause(zk, lost=True)


async def _pause(zk: ZooKeeper, lost: bool) -> None:
    await asyncio.sleep(PAUSE_S)
    try:
        await zk.wait_connected(RECONNECT_S)
    except Unavailable:
        raise _nobody_answers(lost) from None


def _nobody_answers(lost: bool) -> ZooKeeperError:
    return Ambiguous(NO_ANSWER) if lost else Unavailable("ZooKeeper does not answer")


async def is_there(zk: ZooKeeper, path: str) -> bool:
    return await zk.find(path) is not None


async def has_written(zk: ZooKeeper, witness: SetData) -> bool:
    """What stands at that path is what was to be written there, and nothing since.

    Raises `Ambiguous` where it has been written more than once: then nobody can tell.
    """
    now = await zk.find(witness.path)
    if now is None:
        return False
    if now.version > witness.version + 1:
        raise Ambiguous("somebody else has changed it meanwhile; look at it before repeating")
    return (now.version, now.data) == (witness.version + 1, witness.data)
