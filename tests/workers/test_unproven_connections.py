"""A worker's link port among strangers: they keep out nobody that knows the secret."""

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from core.schema.records import Load
from core.transport.link import Answer, Channel, Link, Ping
from tests.support.fakes.fake_worker import KEY
from workers.link_server import LinkServer
from workers.unproven_connections import UnprovenConnections

MOST = 128
CROWD = 3 * MOST
# A web has its links this long after its start, whatever strangers do.
SOON_S = 1.5

pytestmark = pytest.mark.timeout(30)


class Door:
    """A worker's link port, and a crowd of connections to it."""

    def __init__(self) -> None:
        self.server = LinkServer(KEY, _never, _nothing, lambda: ("ready", Load()), MOST)
        self.crowd: list[socket.socket] = []

    async def __aenter__(self) -> "Door":
        self.address = await self.server.listen("127.0.0.1")
        return self

    async def __aexit__(self, *_error: object) -> None:
        for stranger in self.crowd:
            stranger.close()
        await self.server.close()

    async def knock(self) -> socket.socket:
        host, _, port = self.address.rpartition(":")
        stranger = socket.socket()
        stranger.setblocking(False)
        self.crowd.append(stranger)
        await asyncio.get_running_loop().sock_connect(stranger, (host, int(port)))
        return stranger

    def left(self) -> int:
        """Counts how many of the crowd are still connected."""
        return sum(_is_open(stranger) for stranger in self.crowd)


def _never(_request: object, _reply: Callable[[Answer], None]) -> None:
    raise AssertionError("a stranger was served")


def _nothing(_reply: object, _ids: object) -> None:
    """Does nothing: nobody asks."""


def _is_open(stranger: socket.socket) -> bool:
    with suppress(BlockingIOError):
        try:
            while stranger.recv(64):
                pass
        except ConnectionError:
            pass
        return False
    return True


async def _ping(link: Link) -> None:
    await link.ask(Ping(id=link.next_id()), 1.0)


async def test_of_a_crowd_of_strangers_only_so_many_stay_connected() -> None:
    async with Door() as door:
        for _ in range(CROWD):
            await door.knock()
        deadline = time.monotonic() + SOON_S
        while door.left() > MOST:
            assert time.monotonic() < deadline, "the crowd does not leave"
            await asyncio.sleep(0.01)
        assert door.server.take_turned_away() == CROWD - MOST
        assert door.server.take_turned_away() == 0


async def test_a_web_that_knows_the_secret_is_linked_at_once_while_strangers_pour_in() -> None:
    async with Door() as door:

        async def pour() -> None:
            while True:
                await door.knock()
                if len(door.crowd) > CROWD:
                    door.crowd.pop(0).close()

        flood = [asyncio.ensure_future(pour()) for _ in range(4)]
        await asyncio.sleep(0)
        began = time.monotonic()
        links = [Link() for _ in range(5)]
        for link in links:
            await link.open(door.address, KEY)
            await _ping(link)
        assert time.monotonic() - began < SOON_S
        for task in flood:
            task.cancel()
        for link in links:  # nobody pushes out a connection that has proved itself
            await _ping(link)
            link.close()


async def test_a_crowd_from_one_address_pushes_out_nobody_from_another_one() -> None:
    strangers, gone = UnprovenConnections(most=4), list[str]()

    def enter(host: str) -> None:
        strangers.enter(FakeChannel(host, gone))

    enter("10.0.0.1")
    for _ in range(10):
        enter("10.0.0.2")
    assert gone == ["10.0.0.2"] * 7
    assert strangers.take_turned_away() == 7


class FakeChannel(Channel):
    """A connection from any host, which proves nothing."""

    def __init__(self, host: str, gone: list[str]) -> None:
        super().__init__(KEY, b"server", lambda *_: None, lambda *_: None)
        self._host = host
        self._gone = gone

    @property
    def peer(self) -> str:
        return self._host

    def abort(self) -> None:
        self._gone.append(self._host)
