"""A TCP proxy that can cut, delay and lose traffic, and ambush a transaction on its way."""

import asyncio
import enum
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

LOOPBACK = "127.0.0.1"
# A ZooKeeper request begins with its length, xid and type; 14 is a transaction.
TYPE_AT = slice(8, 12)
MULTI = (14).to_bytes(4, "big")
# A late request arrives within this time; its sender has moved on meanwhile.
LATE_S = 0.3
# A late request is handled before its connection is closed.
FAREWELL_S = 0.5


class Ambush(enum.Enum):
    """What becomes of one transaction; its connection breaks in each case.

    With SILENCE it breaks when the client loses patience, with the others at once.
    """

    LOSE_REQUEST = "it never arrives"
    LOSE_REPLY = "it happens, and nobody hears of it"
    LATE = "it arrives when its sender has gone"
    SILENCE = "it happens, and no answer ever comes"


@dataclass
class LineConditions:
    """How the proxies that share it treat their traffic; it may be changed at any time.

    While it is `cut`, nobody gets through; while it is `mute`, replies are lost. Each direction
    takes `delay_s`. Each of the `ambushes` waits for one transaction.
    """

    cut: bool = False
    mute: bool = False
    delay_s: float = 0.0
    ambushes: deque[Ambush] = field(default_factory=deque)


class Proxy:
    """Listens on a port of its own and passes traffic on to `target`, as `line` allows."""

    def __init__(self, target: tuple[str, int], line: LineConditions, rng: random.Random) -> None:
        self.target = target
        self.line = line
        self.rng = rng
        self._passages: set[ProxiedConnection] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, port: int = 0) -> int:
        """Listens, and returns the port; a free one where none is named."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._admit, LOOPBACK, port)
        return int(self._server.sockets[0].getsockname()[1])

    def sever(self) -> None:
        """Breaks every open connection; new ones are treated as `line` says."""
        for passage in tuple(self._passages):
            passage.end()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self.sever()
        await asyncio.sleep(0)

    def _admit(self) -> "ConnectionEnd":
        passage = ProxiedConnection(self, self._passages.discard)
        self._passages.add(passage)
        return passage.client


class ConnectionEnd(asyncio.Protocol):
    """One of the two connections of a `ProxiedConnection`."""

    def __init__(
        self,
        on_open: Callable[[], None],
        on_data: Callable[[bytes], None],
        on_end: Callable[[], None],
    ) -> None:
        self._on_open = on_open
        self._on_data = on_data
        self._on_end = on_end
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._ended:
            self._transport.abort()
            return
        self._transport.writelines(self._unsent)
        self._unsent.clear()
        self._on_open()

    def data_received(self, data: bytes) -> None:
        self._on_data(data)

    def connection_lost(self, _error: Exception | None) -> None:
        self._on_end()

    def send(self, data: bytes) -> None:
        """Sends now, or once it is connected."""
        if self._transport is None:
            self._unsent.append(data)
        elif not self._transport.is_closing():
            self._transport.write(data)

    def abort(self) -> None:
        self._ended = True
        if self._transport is not None:
            self._transport.abort()


class ProxiedConnection:
    """A client's connection to the proxy, and the proxy's to the server in its name."""

    def __init__(self, proxy: Proxy, on_end: Callable[["ProxiedConnection"], None]) -> None:
        self._proxy = proxy
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._muted = False
        self._ends_at_reply = False
        self._sent_at = {True: 0.0, False: 0.0}
        self.client = ConnectionEnd(self._open, self._request, self.end)
        self._server = ConnectionEnd(lambda: None, self._reply, self.end)
        self._opening: asyncio.Task[None] | None = None

    def end(self) -> None:
        """Breaks both connections."""
        self.client.abort()
        self._server.abort()
        self._on_end(self)

    def _open(self) -> None:
        if self._proxy.line.cut:
            self.end()
        else:
            self._opening = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        host, port = self._proxy.target
        try:
            await self._loop.create_connection(lambda: self._server, host, port)
        except OSError:
            self.end()

    def _request(self, data: bytes) -> None:
        line = self._proxy.line
        if line.cut:
            self.end()
        elif line.ambushes and data[TYPE_AT] == MULTI:
            self._ambush(line.ambushes.popleft(), data)
        else:
            self._pass(self._server, data)

    def _reply(self, data: bytes) -> None:
        line = self._proxy.line
        # A stream with a hole in it is useless: it stays mute to its end.
        self._muted |= line.mute
        if line.cut or self._ends_at_reply:
            self.end()
        elif not self._muted:
            self._pass(self.client, data)

    def _ambush(self, ambush: Ambush, data: bytes) -> None:
        match ambush:
            case Ambush.LOSE_REQUEST:
                self.end()
            case Ambush.LOSE_REPLY:
                self._ends_at_reply = True
                self._server.send(data)
            case Ambush.SILENCE:
                self._muted = True
                self._server.send(data)
            case Ambush.LATE:
                self._leave_late(data)

    def _leave_late(self, data: bytes) -> None:
        """Lets the client's last request reach the server after the client has gone."""
        late = self._server
        self._server = ConnectionEnd(lambda: None, self._reply, self.end)
        late_s = self._proxy.rng.uniform(0.0, LATE_S)
        self._loop.call_later(late_s, late.send, data)
        self._loop.call_later(late_s + FAREWELL_S, late.abort)
        self.end()

    def _pass(self, to: ConnectionEnd, data: bytes) -> None:
        delay_s = self._proxy.line.delay_s
        upward = to is self._server
        # It comes after what was sent before it, whatever the delay was then.
        due = max(self._sent_at[upward] + 1e-6, self._loop.time() + delay_s)
        if delay_s or self._sent_at[upward] > self._loop.time():
            self._sent_at[upward] = due
            self._loop.call_at(due, to.send, data)
        else:
            to.send(data)
