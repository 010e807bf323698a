"""Reads something of ZooKeeper again whenever it changes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from core.errors import NoNode, Unavailable
from core.zookeeper.client import ZooKeeper

T = TypeVar("T")
Watch = Callable[[], None]

RETRY_S = 0.1


async def whenever_changed(
    zk: ZooKeeper, read: Callable[[Watch | None], Awaitable[T]], refresh_s: float
) -> AsyncIterator[T]:
    """Yields what `read` finds, at each change and every `refresh_s`.

    `read` sets the watch that it is given, if any. Nothing is yielded while ZooKeeper is away,
    or the znode: the last answer stays good.
    """
    changed, watched = asyncio.Event(), asyncio.Event()
    watched.set()

    def fire() -> None:
        watched.set()
        changed.set()

    zk.on_change(changed.set)
    try:
        while True:
            watch: Watch | None = None
            if watched.is_set():
                watched.clear()
                watch = fire
            changed.clear()
            pause_s = refresh_s
            try:
                yield await read(watch)
            except (Unavailable, NoNode):
                watched.set()
                pause_s = RETRY_S
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await changed.wait()
            if not zk.connected:
                watched.set()  # a watch may not survive a lost connection
    finally:
        zk.off_change(changed.set)
