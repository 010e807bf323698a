"""Buyers that ignore `Retry-After`: each asks again as soon as it is answered."""

import asyncio
import time
from dataclasses import dataclass, field

PATIENCE_S = 20.0
BODY = b'{"type": "A", "buyer": "Ann"}'
REQUEST = (
    b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
)
LENGTH = b"content-length: "


@dataclass
class Stampede:
    """Seconds until the answers, for sales and for refusals; `broken` counts everything else."""

    sold_s: list[float] = field(default_factory=list)
    shed_s: list[float] = field(default_factory=list)
    broken: int = 0


async def stampede(port: int, connections: int, seconds: float) -> Stampede:
    """Runs that many buyers for so many seconds; each waits for its last answer."""
    found = Stampede()
    ends = time.monotonic() + seconds
    async with asyncio.timeout(seconds + PATIENCE_S):
        await asyncio.gather(*(_buy(port, ends, found) for _ in range(connections)))
    return found


async def _buy(port: int, ends: float, found: Stampede) -> None:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (began := time.monotonic()) < ends:
            writer.write(REQUEST)
            status = await _status(reader)
            taken = {201: found.sold_s, 503: found.shed_s}[status]
            taken.append(time.monotonic() - began)
        writer.close()
    except (OSError, EOFError, KeyError):
        found.broken += 1


async def _status(reader: asyncio.StreamReader) -> int:
    """Reads a whole answer, and returns its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    _, _, rest = head.partition(LENGTH)
    await reader.readexactly(int(rest.split(b"\r\n", 1)[0]))
    return int(head.split(b" ", 2)[1])
