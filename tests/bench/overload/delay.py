"""A TCP proxy that delays answers, like an ensemble on slow disks."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

from tests.support.instance import Instance, free_port, running
from tests.support.zookeeper_server import SECRET, serving

START_S = 10.0


@dataclass
class Proxy:
    """Listens on `port`, and delays answers by `delay_s`."""

    port: int
    delay_s: float = 0.0


class _End(asyncio.Protocol):
    """One end of a relayed connection; it passes everything on to the other."""

    def __init__(self, delay_s: Callable[[], float]) -> None:
        self.other: _End | None = None
        self._delay_s = delay_s
        self._transport: asyncio.Transport | None = None
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.writelines(self._early)

    def data_received(self, data: bytes) -> None:
        assert self.other is not None
        asyncio.get_running_loop().call_later(self._delay_s(), self.other.send, data)

    def connection_lost(self, _error: Exception | None) -> None:
        if self.other is not None and self.other._transport is not None:
            self.other._transport.close()

    def send(self, data: bytes) -> None:
        if self._transport is None:
            self._early.append(data)
        else:
            self._transport.write(data)


class _Front(_End):
    """The client's end, which opens the server's."""

    def __init__(self, port: int, proxy: Proxy) -> None:
        super().__init__(lambda: 0.0)
        self._port = port
        self.other = _End(lambda: proxy.delay_s)
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
def proxying(port: int) -> Iterator[Proxy]:
    """Runs a proxy to `port` for the block, without a delay at first."""
    proxy, ready, stop = Proxy(free_port()), threading.Event(), threading.Event()

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        front = partial(_Front, port, proxy)
        async with await loop.create_server(front, "127.0.0.1", proxy.port):
            ready.set()
            await loop.run_in_executor(None, stop.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(START_S)
    try:
        yield proxy
    finally:
        stop.set()
        thread.join(START_S)


@contextmanager
def slow_shop(scratch: Path, delay_s: float, *options: str) -> Iterator[Instance]:
    """Runs a shop on one server, whose answers are delayed while the shop is open."""
    data_dir = scratch / "shop"
    data_dir.mkdir()
    # The server's tree has a secret of its own.
    (data_dir / "secret").write_text(SECRET.value.hex() + "\n", encoding="ascii")
    with (
        serving(scratch) as server,
        proxying(int(server.hosts.rpartition(":")[2])) as proxy,
        running(data_dir, "--zookeeper", f"127.0.0.1:{proxy.port}", *options) as shop,
    ):
        proxy.delay_s = delay_s
        yield shop
        proxy.delay_s = 0.0
        shop.verify()
        shop.down()
