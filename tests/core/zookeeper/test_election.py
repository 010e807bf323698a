"""The election, on a real ZooKeeper."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from core.errors import Ambiguous
from core.schema.paths import JANITOR
from core.zookeeper.client import ZooKeeper
from core.zookeeper.election import Election
from tests.support.zookeeper_server import Server, serving

PATIENCE_S = 8.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("zookeeper")) as server:
        server.wipe()
        yield server


@asynccontextmanager
async def standing(zk: ZooKeeper, name: str) -> AsyncIterator[asyncio.Event]:
    """A candidate, and the event of its election."""
    elected = asyncio.Event()

    async def lead() -> None:
        elected.set()
        try:
            await asyncio.Event().wait()
        finally:
            elected.clear()

    task = asyncio.ensure_future(Election(zk, JANITOR, name).keep_running(lead))
    try:
        yield elected
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def is_set(event: asyncio.Event) -> bool:
    async with asyncio.timeout(PATIENCE_S):
        return await event.wait()


async def test_one_of_two_is_elected_and_the_other_one_once_its_session_has_ended(
    server: Server, zk: ZooKeeper
) -> None:
    async with server.connected() as first, standing(first, "worker-1") as one:
        assert await is_set(one)
        async with standing(zk, "worker-2") as two:
            await asyncio.sleep(1.5)
            assert not two.is_set()
            await first.close()
            assert await is_set(two)


async def test_a_candidate_whose_answer_was_lost_knows_its_own_znode(
    zk: ZooKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = zk.create

    async def lost(path: str, data: bytes = b"", *, ephemeral: bool = False) -> None:
        await create(path, data, ephemeral=ephemeral)
        raise Ambiguous("the answer is lost")

    monkeypatch.setattr(zk, "create", lost)
    async with standing(zk, "worker-1") as elected:
        assert await is_set(elected)


async def test_who_loses_the_connection_leads_no_more_and_is_elected_again(zk: ZooKeeper) -> None:
    async with standing(zk, "worker-1") as elected:
        assert await is_set(elected)
        zk._cut()
        async with asyncio.timeout(PATIENCE_S):
            while elected.is_set():
                await asyncio.sleep(0.01)
        assert await is_set(elected)
