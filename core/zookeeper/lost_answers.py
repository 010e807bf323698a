"""Resolves lost answers: the one place that sends again, reads again, and decides.

An answer is lost when the connection breaks or the deadline passes; what was sent may have
happened, and may happen yet. A read is asked again. A write is sent again unchanged: it can't
happen twice, because its versions have moved or what it creates is there. So a refusal that
follows a lost answer is either its own work, or its end.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

from core.errors import (
    Ambiguous,
    BadVersion,
    NodeExists,
    NoNode,
    Unavailable,
    ZkticketError,
    ZooKeeperError,
)
from core.schema import paths
from core.schema.records import RecordT, decode, encode
from core.zookeeper.client import Committed, Refused, ZooKeeper
from core.zookeeper.multi import Check, Create, Delete, Operation, SetData

NO_ANSWER = "ZooKeeper gives no definite answer; look at `status` before repeating"

# A command makes ten tries, and waits five seconds for a connection.
TRIES = 10
PAUSE_S = 0.2
RECONNECT_S = 5.0
# A worker's commit waits for a connection as long as it takes, and so long once it has one.
RESOLVE_S = 30.0
COMMIT_PAUSE_S = 0.02
COMMIT_RECONNECT_S = 0.5
# How often a record that others write as well is read and changed anew.
EDITS = 50

T = TypeVar("T")


async def read(zk: ZooKeeper, ask: Callable[[], Awaitable[T]]) -> T:
    """Returns what `ask` returns; repeats it while ZooKeeper is away, then raises `Unavailable`.

    Safe for reads: a session never sees an older state than before, on any server.
    """
    for _ in range(TRIES - 1):
        try:
            return await ask()
        except Unavailable:
            await asyncio.sleep(PAUSE_S)
            await zk.wait_connected(RECONNECT_S)
    return await ask()


async def check(zk: ZooKeeper, checks: Sequence[Check]) -> bool:
    """Whether all checks hold, by the word of the quorum. Raises `Unavailable`.

    What this session reads afterwards is no older.
    """
    try:
        return isinstance(await zk.multi(checks), Committed)
    except Ambiguous as error:  # a check changes nothing
        raise Unavailable(str(error)) from None


async def commit(
    zk: ZooKeeper, operations: Sequence[Operation], happened: Callable[[], Awaitable[bool]]
) -> Refused | None:
    """Commits a transaction. Returns why it was refused; None once it has happened.

    After a lost answer and a refusal, `happened` reads whether the transaction itself caused it.
    Raises `Unavailable` where nothing was sent, `Ambiguous` where nobody answers any more.
    """
    lost = False
    for _ in range(TRIES):
        try:
            outcome = await zk.multi(operations)
        except (Ambiguous, Unavailable) as error:
            lost = lost or isinstance(error, Ambiguous)
            await reconnect(zk, lost=lost)
            continue
        if not isinstance(outcome, Refused) or (lost and await read(zk, happened)):
            return None
        return outcome
    raise _no_answer(lost)


async def try_commit(
    zk: ZooKeeper,
    operations: Sequence[Operation],
    happened: Callable[[], Awaitable[bool]],
    *races: type[ZooKeeperError],
) -> bool:
    """Commits as `commit`; False where somebody else was faster, which such an error shows.

    Raises any other one.
    """
    refused = await commit(zk, operations, happened)
    if refused is not None and not isinstance(refused.error, races):
        raise refused.error
    return refused is None


async def resolve(zk: ZooKeeper, send_again: Callable[[], Awaitable[T | None]]) -> T:
    """Finds out what has become of a worker's commit whose answer was lost.

    `send_again` sends it once more and returns the outcome, None where that is still open.
    Raises `Ambiguous` where even `RESOLVE_S` with a connection did not tell.
    """
    now = asyncio.get_running_loop().time
    ends = now() + RESOLVE_S
    while now() < ends:
        await pause(zk)
        if not zk.connected:
            ends = now() + RESOLVE_S
        with suppress(ZkticketError):
            outcome = await send_again()
            if outcome is not None:
                return outcome
    raise Ambiguous("ZooKeeper gives no definite answer")


async def pause(zk: ZooKeeper) -> None:
    """Waits a moment, and a little longer where ZooKeeper is away."""
    await asyncio.sleep(COMMIT_PAUSE_S)
    with suppress(Unavailable):
        await zk.wait_connected(COMMIT_RECONNECT_S)


async def update(
    zk: ZooKeeper, path: str, kind: type[RecordT], edit: Callable[[RecordT], RecordT]
) -> RecordT:
    """Changes the record at `path` and returns the new one; it begins as `kind()`.

    `edit` done twice does the same as once. Raises `BadZnode`, and as `commit` does.
    """
    for _ in range(EDITS):
        znode = await read(zk, partial(zk.find, path))
        before = decode(kind, znode.data, path) if znode and znode.data else kind()
        after = edit(before)
        if after == before:
            return after
        if znode is None:
            await make(zk, Create(paths.parent(path)))
            write: Operation = Create(path, encode(after))
        else:
            write = SetData(path, encode(after), znode.version)
        if await try_commit(zk, [write], _unknown, BadVersion, NodeExists, NoNode):
            return after
    raise Unavailable(f"{path} changes faster than it can be edited; try again")


async def _unknown() -> bool:
    """Leaves it to the next read: an edit that has happened changes nothing."""
    return False


async def make(zk: ZooKeeper, *wanted: Create) -> None:
    """Creates the znodes that are missing; their parents exist or stand before them.

    Raises as `commit`.
    """
    for create in wanted:
        await try_commit(zk, [create], partial(is_there, zk, create.path), NodeExists)


async def remove(zk: ZooKeeper, *wanted: str) -> Refused | None:
    """Deletes these znodes together; returns why that was refused. Raises as `commit`."""
    return await commit(zk, [Delete(path) for path in wanted], partial(are_gone, zk, wanted))


async def reconnect(zk: ZooKeeper, *, lost: bool) -> None:
    """Waits for ZooKeeper.

    Where it stays away, raises `Ambiguous` if an answer was lost, else `Unavailable`.
    """
    await asyncio.sleep(PAUSE_S)
    try:
        await zk.wait_connected(RECONNECT_S)
    except Unavailable:
        raise _no_answer(lost) from None


def _no_answer(lost: bool) -> ZooKeeperError:
    return Ambiguous(NO_ANSWER) if lost else Unavailable("ZooKeeper does not answer")


async def are_gone(zk: ZooKeeper, wanted: Sequence[str]) -> bool:
    return not any(await zk.get_many(wanted))


async def is_there(zk: ZooKeeper, path: str) -> bool:
    return await zk.find(path) is not None


async def has_written(zk: ZooKeeper, witness: SetData) -> bool:
    """Whether the znode holds what was to be written, and nothing newer.

    Raises `Ambiguous` where it has been written more than once.
    """
    now = await zk.find(witness.path)
    if now is None:
        return False
    if now.version > witness.version + 1:
        raise Ambiguous("somebody else has changed it meanwhile; look at it before repeating")
    return (now.version, now.data) == (witness.version + 1, witness.data)
