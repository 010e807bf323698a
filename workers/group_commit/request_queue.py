"""The queue in which requests wait for the next batch, first come, first served."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Generic, TypeVar

from workers.group_commit.batching import Pace
from workers.group_commit.pending_request import PendingRequest

RequestT = TypeVar("RequestT", bound=PendingRequest)


class RequestQueue(Generic[RequestT]):
    """A queue of requests; `pace` says how many of them a batch waits for, and how long."""

    def __init__(self, clock: Callable[[], float], pace: Pace) -> None:
        self._clock = clock
        self._pace = pace
        self._waiting: deque[RequestT] = deque()
        self._wake = asyncio.Event()
        self._full = asyncio.Event()
        self._enough = 1
        self._hurried = False

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[RequestT]:
        return iter(self._waiting)

    def put(self, request: RequestT) -> None:
        self._waiting.append(request)
        self._wake.set()
        if len(self._waiting) >= self._enough:
            self._full.set()

    def hurry(self) -> None:
        """Ends all waiting for a larger batch, now and from now on."""
        self._hurried = True
        self._wake.set()
        self._full.set()

    async def gather(self) -> None:
        """Waits for a request, and then a moment for a batch that is worth its commit."""
        await self._wake.wait()
        self._enough = self._pace.wanted
        if len(self._waiting) >= self._enough or self._hurried:
            return
        self._full.clear()
        timer = asyncio.get_running_loop().call_later(self._pace.linger_s, self._full.set)
        await self._full.wait()
        timer.cancel()

    def take(self, most: int, refuse: Callable[[RequestT], None]) -> list[RequestT]:
        """Returns the next requests; calls `refuse` for those whose deadline has passed."""
        batch = self._batch(most, self._open(refuse))
        if not self._waiting:
            self._wake.clear()
        return batch

    def drop_answered(self) -> None:
        self._waiting = deque(each for each in self._waiting if not each.is_answered)

    def _batch(self, most: int, requests: Iterator[RequestT]) -> list[RequestT]:
        return list(islice(requests, most))

    def _open(self, refuse: Callable[[RequestT], None]) -> Iterator[RequestT]:
        """Takes requests out in order; yields those that are still to be served."""
        while self._waiting:
            request = self._waiting.popleft()
            if request.deadline <= self._clock():
                refuse(request)
            if not request.is_answered:
                yield request
