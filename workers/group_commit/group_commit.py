"""The loops of group commit, for any kind of request; see `GroupCommit`."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Generic

from core.transport.link import Code
from workers.group_commit.request_queue import RequestQueue, RequestT

WATCH_S = 0.05
# How often a draining worker looks whether all requests have their answers.
END_S = 0.01


class GroupCommit(ABC, Generic[RequestT]):
    """Takes requests, serves batches of them, answers each once and in time.

    One batch of `most` requests is under way at a time; what arrives meanwhile is the next.
    """

    def __init__(
        self, queue: RequestQueue[RequestT], most: int, clock: Callable[[], float]
    ) -> None:
        self._queue = queue
        self._most = most
        self._clock = clock
        self._serving: list[RequestT] = []
        self._draining = False

    @property
    def in_flight(self) -> int:
        """The number of requests without an answer."""
        return sum(not request.is_answered for request in self._requests())

    def close(self) -> None:
        """Takes no more requests, and finishes those that it has."""
        self._draining = True
        self._queue.hurry()

    async def drain(self, timeout_s: float) -> None:
        """Takes no more and finishes; after `timeout_s` refuses what is left."""
        self.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.in_flight:  # noqa: ASYNC110 - polled for a moment, at the end of a life
                    await asyncio.sleep(END_S)
        self._answer_late(self._requests())

    async def run(self) -> None:
        """Serves batch after batch until it is cancelled."""
        while True:
            await self._queue.gather()
            self._serving = self._queue.take(self._most, self._refuse_late)
            if self._serving:
                await self._serve(self._serving)
                self._serving = []

    async def watch(self) -> None:
        """Answers what can't be served in time, while `run` waits for ZooKeeper."""
        while True:
            await asyncio.sleep(WATCH_S)
            self._answer_late(self._hopeless(self._clock()))

    def _requests(self) -> Iterable[RequestT]:
        """All requests that are under way; some may have their answers already."""
        return (*self._serving, *self._queue)

    def _submit(self, request: RequestT) -> None:
        """Takes a request, or refuses it at once."""
        code = self._closed() or self._full(request)
        if code is None:
            self._queue.put(request)
        else:
            self._answer(request, code)

    def _answer_late(self, requests: Iterable[RequestT]) -> None:
        for request in requests:
            if not request.is_answered:
                self._refuse_late(request)
        self._queue.drop_answered()

    def _refuse_late(self, request: RequestT) -> None:
        self._answer(request, self._code_of_late(request))

    def _code_of_late(self, request: RequestT) -> Code:
        if request.is_sent:
            return Code.OUTCOME_UNKNOWN
        return self._closed() or Code.OVERLOADED

    def _closed(self) -> Code | None:
        """Returns the reason why nothing can be taken now."""
        return Code.DRAINING if self._draining else self._trouble()

    def _hopeless(self, now: float) -> Iterable[RequestT]:
        """Returns the requests that can't be served in time, or aren't worth the wait."""
        return [request for request in self._requests() if request.deadline <= now]

    @abstractmethod
    def _trouble(self) -> Code | None:
        """Returns the reason why nothing can be committed now."""

    @abstractmethod
    def _full(self, request: RequestT) -> Code | None:
        """Returns the reason why that request can't wait behind the others."""

    @abstractmethod
    def _answer(self, request: RequestT, code: Code) -> None:
        """Answers it, unless it has its answer."""

    @abstractmethod
    async def _serve(self, requests: Sequence[RequestT]) -> None:
        """Commits until each of them is committed or answered."""
