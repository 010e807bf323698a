"""`python -m tests.bench.watchers.page PORT WATCHERS`: keeps pages open until its input ends.

Each asks as `web/static/polling.js` does, with its last ETag, when it was told to, on its open
connection. When the input ends, the process prints what they saw.
"""

import asyncio
import re
import sys
from dataclasses import dataclass, field
from random import Random
from typing import cast

import msgspec
import uvloop

from tests.bench.load import BenchError
from tests.bench.results import percentile

PATH = b"/api/events/default/availability"
FIRST_S = 2.0
# The pause after a connection that the other end closed or refused.
AGAIN_S = 0.5
ETAG = re.compile(rb'\r\netag: ("[^"]*")', re.IGNORECASE)
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
POLL_AFTER = re.compile(rb'"poll_after_ms":(\d+)')


class Seen(msgspec.Struct):
    """Counts of all pages together; `opened` counts connections."""

    answers: int = 0
    unchanged: int = 0
    refused: int = 0
    broken: int = 0
    opened: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0


@dataclass
class Crowd:
    port: int
    seen: Seen = field(default_factory=Seen)
    waits_s: list[float] = field(default_factory=list)
    rng: Random = field(default_factory=lambda: Random(1))


class Page(asyncio.Protocol):
    """One open page, and its connection while there is one."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._etag = b""
        self._poll_s = FIRST_S
        self._asked_at = 0.0
        self._received = b""
        # Whether the connection has served before.
        self._used = False
        self._ask_in(crowd.rng.random() * FIRST_S)

    def _ask_in(self, seconds: float) -> None:
        self._loop.call_later(seconds, self._ask)

    def _ask(self) -> None:
        if self._transport is None:
            self._opening = self._loop.create_task(self._open())
            return
        known = b"If-None-Match: %s\r\n" % self._etag if self._etag else b""
        self._asked_at = self._loop.time()
        self._transport.write(b"GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n" % (PATH, known))

    async def _open(self) -> None:
        try:
            await self._loop.create_connection(lambda: self, "127.0.0.1", self._crowd.port)
        except OSError:
            self._crowd.seen.broken += 1
            self._ask_in(AGAIN_S)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._crowd.seen.opened += 1
        self._used = False
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def connection_lost(self, _error: Exception | None) -> None:
        """Asks again at once if an idle connection has ended, as browsers do."""
        self._transport = None
        if self._asked_at:
            self._asked_at, self._received = 0.0, b""
            self._crowd.seen.broken += not self._used
            self._ask_in(0.0 if self._used else AGAIN_S)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if not found or (length and len(body) < int(length[1])):
            return
        self._received = b""
        self._answered(head, body)

    def _answered(self, head: bytes, body: bytes) -> None:
        seen, now = self._crowd.seen, self._loop.time()
        self._crowd.waits_s.append(now - self._asked_at)
        self._asked_at, self._used = 0.0, True
        seen.answers += 1
        status = head[9:12]
        if status == b"304":
            seen.unchanged += 1
        elif (
            status == b"200" and (etag := ETAG.search(head)) and (after := POLL_AFTER.search(body))
        ):
            self._etag, self._poll_s = etag[1], int(after[1]) / 1000
        else:
            seen.refused += 1
        self._ask_in(self._poll_s * (0.75 + self._crowd.rng.random() / 2))


async def watch(port: int, watchers: int) -> Seen:
    """Watches until the standard input ends."""
    crowd = Crowd(port)
    pages = [Page(crowd) for _ in range(watchers)]
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
    if not crowd.waits_s:
        raise BenchError(f"of {len(pages)} pages none was ever answered")
    crowd.seen.p50_ms = percentile(crowd.waits_s, 50) * 1000
    crowd.seen.p99_ms = percentile(crowd.waits_s, 99) * 1000
    return crowd.seen


if __name__ == "__main__":
    found = uvloop.run(watch(int(sys.argv[1]), int(sys.argv[2])))
    sys.stdout.write(msgspec.json.encode(found).decode())
