"""The worker's end of the links: decodes requests, hands them on, sends the answers."""

import asyncio
from collections.abc import Callable, Collection

import msgspec

from core.schema.records import Load
from core.transport.link import (
    SERVER,
    Answer,
    ChangeRequest,
    Channel,
    Forget,
    Ping,
    Pong,
    Purchase,
    requests,
)
from core.transport.listen_socket import BACKLOG
from workers.unproven_connections import UnprovenConnections


class LinkServer:
    """Listens for links. Pings skip the queue, so that a busy worker does not look dead."""

    def __init__(
        self,
        key: bytes,
        submit: Callable[[Purchase | ChangeRequest, Callable[[Answer], None]], None],
        forget: Callable[[Callable[[Answer], None], Collection[int] | None], None],
        health: Callable[[], tuple[str, Load]],
        strangers: int,
    ) -> None:
        """At most `strangers` connections may be open that have not proved the key yet."""
        self._key = key
        self._submit = submit
        self._forget = forget
        self._health = health
        self._channels: set[Channel] = set()
        self._strangers = UnprovenConnections(strangers)
        self._server: asyncio.Server | None = None

    async def listen(self, host: str) -> str:
        """Opens a free port; returns `host:port`."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._channel, host, 0, backlog=BACKLOG)
        port = self._server.sockets[0].getsockname()[1]
        return f"{host}:{port}"

    def take_turned_away(self) -> int:
        """Returns how many unproven connections were closed for others since the last call."""
        return self._strangers.take_turned_away()

    async def close(self) -> None:
        """Sends what is queued and closes every link."""
        if self._server is not None:
            self._server.close()
        for channel in tuple(self._channels):
            channel.close()
        await asyncio.sleep(0)

    def _channel(self) -> Channel:
        channel = Channel(self._key, SERVER, self._take, self._lose, self._strangers.enter)
        self._channels.add(channel)
        return channel

    def _lose(self, channel: Channel) -> None:
        """Forgets the requests of a lost link: the web asks elsewhere, or the buyers have gone."""
        self._channels.discard(channel)
        self._forget(channel.send, None)

    def _take(self, channel: Channel, frame: bytes) -> None:
        try:
            request = requests.decode(frame)
        except msgspec.DecodeError:
            channel.abort()
            return
        match request:
            case Ping(id=id_):
                state, load = self._health()
                channel.send(Pong(id=id_, state=state, load=load))
            case Purchase() | ChangeRequest():
                self._submit(request, channel.send)
            case Forget(ids=ids):
                self._forget(channel.send, frozenset(ids))
