"""The election as `core.zookeeper.election` uses it, over the simulated session."""

import asyncio
from contextlib import suppress

from core.errors import NodeExists, NoNode
from core.zookeeper.client import ZooKeeper

LOOK_S = 0.3


class SimulatedLock:
    """One ephemeral znode; after a lost answer its data tells whose it is.

    A process whose session has ended may believe that it is still elected; then there are two.
    """

    def __init__(self, zk: ZooKeeper, path: str, owner: str) -> None:
        self._zk = zk
        self._path = f"{path}/lock"
        self._owner = owner.encode()

    async def acquire(self, timeout: float) -> bool:
        """Waits for the znode. Raises `TimeoutError`, and what the session raises."""
        async with asyncio.timeout(timeout):
            while not await self._take():
                await asyncio.sleep(LOOK_S)
        return True

    async def release(self) -> None:
        with suppress(NoNode):
            await self._zk.delete(self._path)

    async def _take(self) -> bool:
        try:
            await self._zk.create(self._path, self._owner, ephemeral=True)
        except NodeExists:
            found = await self._zk.find(self._path)
            return found is not None and found.data == self._owner
        return True


class SimulatedElection:
    """A candidate, as `core.zookeeper.client.ZooKeeper.election` returns it."""

    def __init__(self, zk: ZooKeeper, path: str, owner: str) -> None:
        self.lock = SimulatedLock(zk, path, owner)

    def cancel(self) -> None:
        """Does nothing: the session ends next, which resigns."""
