"""Fixtures that several test files share."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from core.zookeeper.client import ZooKeeper
from tests.support.instance import Instance, running
from tests.support.throwaway import thrown_away
from tests.support.zookeeper_server import Server, serving


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest file first: it computes in the background while other tests wait."""
    items.sort(key=lambda item: item.path.name != "test_simulation.py")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The library that runs coroutine tests, each on a loop of its own."""
    return "asyncio"


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance for tests that break nothing; each sets up what it sells."""
    data_dir = tmp_path_factory.mktemp("shop") / "data"
    data_dir.mkdir()  # open to others, as users make them
    with running(data_dir, "--quantity", "1000") as instance:
        yield instance


@pytest.fixture(scope="session", autouse=True)
def _nothing_outlives_the_tests() -> Iterator[None]:
    with thrown_away():
        yield


@pytest.fixture(autouse=True)
def lowered(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """By how much a command would have lowered its priority.

    It would stay lowered for all later tests, and for every shop that they start.
    """
    asked: list[int] = []
    monkeypatch.setattr("os.nice", asked.append)
    return asked


@pytest.fixture
def own_shop(tmp_path: Path) -> Iterator[Instance]:
    """An instance that a test may break."""
    with running(tmp_path / "data", "--quantity", "100000") as instance:
        yield instance


@pytest.fixture(scope="session")
def zookeeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One ZooKeeper server, for tests that leave it running."""
    with serving(tmp_path_factory.mktemp("zookeeper")) as server:
        yield server


@pytest.fixture
def server(zookeeper: Server) -> Server:
    """The same server with an empty tree."""
    zookeeper.wipe()
    return zookeeper


@pytest.fixture
async def zk(server: Server) -> AsyncIterator[ZooKeeper]:
    """A session on that server, for a coroutine test."""
    async with server.connected() as zk:
        yield zk
