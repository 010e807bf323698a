"""The election, on a real ZooKeeper."""

import asyncio
from collections.abc import Iterator

import pytest

from core.schema.paths import JANITOR
from core.zookeeper.client import ZooKeeper
from core.zookeeper.election import Election
from tests.support.zookeeper_server import Server, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("zookeeper")) as server:
        server.wipe()
        yield server


async def test_what_a_broken_connection_left_of_a_candidacy_keeps_nobody_waiting(
    zk: ZooKeeper,
) -> None:
    lost = zk.election(JANITOR, "worker-1").lock
    assert await asyncio.to_thread(lost.acquire, timeout=5.0)
    elected = asyncio.Event()

    async def lead() -> None:
        elected.set()
        await asyncio.Event().wait()

    standing = asyncio.ensure_future(Election(zk, JANITOR, "worker-1").keep_running(lead))
    try:
        await asyncio.wait_for(elected.wait(), 8.0)
    finally:
        standing.cancel()
        await asyncio.gather(standing, return_exceptions=True)
