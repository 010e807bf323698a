"""A read that outlasts a hiccup: for work of many reads that one lost answer must not end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from core.errors import Unavailable
from core.zookeeper.client import ZooKeeper

TRIES = 10
PAUSE_S = 0.2
RECONNECT_S = 5.0

T = TypeVar("T")


async def insist(zk: ZooKeeper, read: Callable[[], Awaitable[T]]) -> T:
    """What `read` returns, tried again while ZooKeeper is away. Raises `Unavailable` in the end.

    Safe for what only reads: a session never sees less than it has seen, also elsewhere.
    """
    for _ in range(TRIES - 1):
        try:
            return await read()
        except Unavailable:
            await asyncio.sleep(PAUSE_S)
            await zk.wait_connected(RECONNECT_S)
    return await read()
