"""The leader's host vanishes: no connection is refused there, and packets are lost."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from core.errors import ZooKeeperError
from core.zookeeper.client import ZooKeeper, connect
from core.zookeeper.probe import probe_all
from tests.faults.ensemble.partition import SERVERS, Islands
from tests.faults.test_storms import found
from tests.support.zookeeper_server import PASSWORD

CLIENTS = 6
PAUSE_S = 0.02
PROBE_S = 0.3
ELECTION_S = 20.0
# A client writes again within this time after the others have a leader: it has tried the vanished
# host twice at most.
BACK_S = 1.8


@pytest.fixture
async def islands(tmp_path: Path) -> AsyncIterator[Islands]:
    islands = Islands(tmp_path, random.Random())
    try:
        with islands.afloat():
            await found(islands.hosts)
            yield islands
    except OSError as error:
        pytest.skip(f"no network namespaces here: {error}")


class Writer:
    """Writes as a worker does; `wrote_at` is the time of its last success."""

    def __init__(self, zk: ZooKeeper, number: int) -> None:
        self._zk = zk
        self._path = f"/log/{number}"
        self.wrote_at = 0.0

    async def write(self) -> None:
        await self._zk.ensure(self._path)
        while True:
            try:
                await self._zk.set(self._path, b"x")
                self.wrote_at = time.monotonic()
            except ZooKeeperError:
                pass
            await asyncio.sleep(PAUSE_S)

    async def writes_since(self, moment: float) -> float:
        """Returns how long after that moment it could write."""
        while self.wrote_at <= moment:
            await asyncio.sleep(PAUSE_S)
        return self.wrote_at - moment


@asynccontextmanager
async def writers(hosts: str) -> AsyncIterator[list[Writer]]:
    sessions = [await connect(hosts, PASSWORD) for _ in range(CLIENTS)]
    writing = [Writer(zk, number) for number, zk in enumerate(sessions)]
    tasks = [asyncio.create_task(writer.write()) for writer in writing]
    try:
        yield writing
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(zk.close() for zk in sessions))


async def leader(islands: Islands, without: int = 0) -> int:
    """Returns the server that leads, once it is another than `without`."""
    async with asyncio.timeout(ELECTION_S):
        while True:
            states = await probe_all(islands.hosts, PROBE_S)
            for number, state in zip(SERVERS, states, strict=True):
                if state.role == "leader" and number != without:
                    return number


@pytest.mark.timeout(120)
async def test_clients_of_a_vanished_leader_write_again_soon_after_there_is_another(
    islands: Islands,
) -> None:
    async with writers(islands.hosts) as writing:
        await asyncio.gather(*(writer.writes_since(0.0) for writer in writing))
        lost = await leader(islands)
        islands.sink(lost)
        await leader(islands, without=lost)
        again = time.monotonic()
        async with asyncio.timeout(ELECTION_S):
            waited = await asyncio.gather(*(writer.writes_since(again) for writer in writing))
    assert max(waited) < BACK_S, waited
