"""Gathers the status at most once a second, for any number of readers."""

import asyncio
from collections.abc import Awaitable, Callable

from core.cluster.status import Status

FRESH_S = 0.9


class StatusCache:
    """Requests during a gathering wait for that one. `clock` is monotonic."""

    def __init__(self, gather: Callable[[], Awaitable[Status]], clock: Callable[[], float]) -> None:
        self._gather = gather
        self._clock = clock
        self._last: asyncio.Future[Status] | None = None
        self._began = 0.0

    async def status(self) -> Status:
        """The status. Raises what gathering raises."""
        last = self._last
        if last is None or (last.done() and self._clock() - self._began > FRESH_S):
            self._began = self._clock()
            last = self._last = asyncio.ensure_future(self._gather())
        return await asyncio.shield(last)
