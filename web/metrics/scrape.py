"""The text of `/metrics`: this web server's counters, and a recent reading of the instance.

The instance is read once in `FRESH_S`, for any number of scrapes. A scrape waits at most `WAIT_S`;
a reading that is older than `STALE_S` by then is left out.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

import msgspec

from core.cluster.status import Status
from core.errors import ZkticketError
from web.dispatch.dispatcher import Dispatcher
from web.metrics import instance_metrics
from web.metrics.counters import Metrics
from web.metrics.host_metrics import Machine
from web.metrics.prometheus_text import Family, text
from web.reads.catalog import Catalog

FRESH_S = 5.0
WAIT_S = 1.0
STALE_S = 15.0


class VitalsReading(msgspec.Struct, frozen=True):
    """A reading of the instance; `status` is `None` if it could not be gathered."""

    status: Status | None
    machine: Machine
    at: float


class InstanceVitals:
    """The last reading. `look` blocks, so it has a thread; `clock` is monotonic."""

    def __init__(
        self,
        status: Callable[[], Awaitable[Status]],
        look: Callable[[], Machine],
        clock: Callable[[], float],
    ) -> None:
        self._status = status
        self._look = look
        self._clock = clock
        self._last: VitalsReading | None = None
        self._reading: asyncio.Task[None] | None = None

    async def latest(self) -> VitalsReading | None:
        """The last reading, `None` if it is too old."""
        if self._age_s > FRESH_S:
            self._reading = self._reading or asyncio.ensure_future(self._read())
            await asyncio.wait({self._reading}, timeout=WAIT_S)
        return self._last if self._age_s <= STALE_S else None

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    @property
    def _age_s(self) -> float:
        return self._clock() - self._last.at if self._last else float("inf")

    async def _read(self) -> None:
        try:
            at = self._clock()
            machine = await asyncio.to_thread(self._look)
            self._last = VitalsReading(await self._told(), machine, at)
        finally:
            self._reading = None

    async def _told(self) -> Status | None:
        with suppress(ZkticketError):
            return await self._status()
        return None


async def exposition(
    metrics: Metrics, dispatcher: Dispatcher, catalog: Catalog, vitals: InstanceVitals
) -> str:
    """The whole text."""
    snapshot = await catalog.snapshot()
    reading = await vitals.latest()
    events = () if snapshot.stale else snapshot.events
    own = metrics.families(dispatcher.peers, dispatcher.stages.recent, stale=snapshot.stale)
    return text([*own, *instance_metrics.tickets(events), *_rest(reading)])


def _rest(reading: VitalsReading | None) -> Iterable[Family]:
    status = reading.status if reading else None
    yield instance_metrics.build(status)
    if status is not None:
        yield from instance_metrics.instance(status)
    if reading is not None:
        yield from instance_metrics.machine(reading.machine, socket.gethostname())
