"""Elects one of many candidates: whoever makes the ephemeral znode, until its session ends.

Whoever is elected may lose its session without knowing it yet. What it does must therefore be
safe when two do it at once; the election only spares the work.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress

from core.errors import ZooKeeperError
from core.zookeeper.client import ZooKeeper

LOOK_S = 0.5


class Election:
    """A candidate. `name` begins the znode's content, for people who look."""

    def __init__(self, zk: ZooKeeper, path: str, name: str) -> None:
        self._zk = zk
        self._path = f"{path}/elected"
        # Tells that the znode is our own where the answer to its creation was lost.
        self._own = f"{name} {secrets.token_hex(8)}".encode()

    async def keep_running(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Stands until it is cancelled; runs `lead`, which never ends, while it is elected."""
        while True:
            elected = False
            with suppress(ZooKeeperError):
                elected = await self._is_elected()
            if elected:
                await self._lead(lead)
            await asyncio.sleep(LOOK_S)

    async def _is_elected(self) -> bool:
        """Whether the znode is ours; makes it where nobody has. Raises `ZooKeeperError`."""
        found = await self._zk.find(self._path)
        if found is None:
            await self._zk.create(self._path, self._own, ephemeral=True)
        return found is None or found.data == self._own

    async def _lead(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Leads until the connection is lost: from then on another may have been elected."""
        gone = asyncio.Event()

        def look() -> None:
            if not self._zk.connected:
                gone.set()

        self._zk.on_change(look)
        look()
        work = asyncio.ensure_future(lead()), asyncio.ensure_future(gone.wait())
        try:
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
        finally:
            self._zk.off_change(look)
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
