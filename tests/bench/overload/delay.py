"""A TCP proxy whose answers take their time, as an ensemble's on slow disks do."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from tests.instance import free_port

START_S = 10.0


class _End(asyncio.Protocol):
    """One end of a relayed connection; what it receives goes to the other `delay_s` later."""

    def __init__(self, delay_s: float) -> None:
        self.other: _End | None = None
        self._delay_s = delay_s
        self._transport: asyncio.Transport | None = None
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.writelines(self._early)

    def data_received(self, data: bytes) -> None:
        assert self.other is not None
        asyncio.get_running_loop().call_later(self._delay_s, self.other.send, data)

    def connection_lost(self, _error: Exception | None) -> None:
        if self.other is not None and self.other._transport is not None:
            self.other._transport.close()

    def send(self, data: bytes) -> None:
        if self._transport is None:
            self._early.append(data)
        else:
            self._transport.write(data)


class _Front(_End):
    """The client's end: opens the server's."""

    def __init__(self, port: int, delay_s: float) -> None:
        super().__init__(0.0)
        self._port = port
        self.other = _End(delay_s)
        self.other.other = self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        back = self.other
        assert back is not None
        self._opening = asyncio.ensure_future(
            loop.create_connection(lambda: back, "127.0.0.1", self._port)
        )


@contextmanager
def delayed(port: int, delay_s: float) -> Iterator[int]:
    """The port of a proxy to `port`, for the block."""
    own, loop, ready = free_port(), asyncio.new_event_loop(), threading.Event()

    async def serve() -> None:
        await loop.create_server(lambda: _Front(port, delay_s), "127.0.0.1", own)
        ready.set()

    def run() -> None:
        loop.create_task(serve())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(START_S)
    try:
        yield own
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_S)
