"""Timeouts for many waits with one timer: a timer for each costs more than the wait itself."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")

# How often the waits are checked within the longest one.
LOOKS = 10


class SharedTimeout:
    """Bounds waits at `seconds` each, or up to a tenth more."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        # When each wait began, the oldest first.
        self._waits: dict[asyncio.Task[Any], float] = {}
        self._expired: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def wait_for(self, what: Awaitable[T]) -> T:
        """The result of `what`; a task has one wait at a time. Raises `TimeoutError`."""
        task = asyncio.current_task()
        assert task is not None
        self._waits[task] = self._clock()
        if self._timer is None:
            self._look_later()
        try:
            return await what
        except asyncio.CancelledError:
            if task in self._expired and task.uncancel() == 0:
                raise TimeoutError from None
            raise
        finally:
            del self._waits[task]
            self._expired.discard(task)

    def _look_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._seconds / LOOKS, self._look)

    def _look(self) -> None:
        self._timer = None
        latest = self._clock() - self._seconds
        for task, since in self._waits.items():
            if since > latest:
                break
            if task not in self._expired:
                self._expired.add(task)
                task.cancel()
        if self._waits:
            self._look_later()
