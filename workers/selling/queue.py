"""Where requests wait for the next batch: first come, first served."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator

from workers.selling.batching import Pace
from workers.selling.purchase_request import PurchaseRequest


class Queue:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._waiting: deque[PurchaseRequest] = deque()
        self._wake = asyncio.Event()
        self._full = asyncio.Event()
        self._enough = 1
        self._hurried = False

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[PurchaseRequest]:
        return iter(self._waiting)

    def put(self, request: PurchaseRequest) -> None:
        self._waiting.append(request)
        self._wake.set()
        if len(self._waiting) >= self._enough:
            self._full.set()

    def hurry(self) -> None:
        """From now on nobody waits for others."""
        self._hurried = True
        self._wake.set()
        self._full.set()

    async def gather(self, pace: Pace) -> None:
        """Waits for a request, and then a moment for a batch that is worth its commit."""
        await self._wake.wait()
        self._enough = pace.wanted
        if len(self._waiting) >= self._enough or self._hurried:
            return
        self._full.clear()
        timer = asyncio.get_running_loop().call_later(pace.linger_s, self._full.set)
        await self._full.wait()
        timer.cancel()

    def take(self, most: int, refuse: Callable[[PurchaseRequest], None]) -> list[PurchaseRequest]:
        """The next requests; repeats of a key behind their first, and `refuse` for who is late.

        Another purchase of the same key waits for the end of the first: it may be refused alone.
        """
        taken: dict[str, PurchaseRequest] = {}
        others: list[PurchaseRequest] = []
        while self._waiting and len(taken) < most:
            request = self._waiting.popleft()
            if request.deadline <= self._clock():
                refuse(request)
            if request.is_answered:
                continue
            first = taken.setdefault(request.order_id, request)
            if first is not request:
                (first.repeats if request.repeats_the(first) else others).append(request)
        self._waiting.extendleft(reversed(others))
        if not self._waiting:
            self._wake.clear()
        return list(taken.values())

    def drop_answered(self) -> None:
        self._waiting = deque(request for request in self._waiting if not request.is_answered)
