"""Buyers: each asks for a ticket until it knows the outcome, thinks a moment, and asks again."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import msgspec

from admin.drill.proof.history import History, PurchaseAttempt, Wish, answered, unanswered
from admin.drill.sale_gauge import Gauge

# Longer than any answer should take, an honest "unknown" included.
PATIENCE_S = 5.0
# A buyer that is told 503 waits as Retry-After says, but no longer than this: the pause that is
# measured is to be the shop's, not the buyers'.
RETRY_MOST_S = 0.5
REDIAL_S = 0.05
# A purchase that has no definite answer by then is given up; it may have sold or not.
GIVE_UP_S = 45.0
THINK_S = 0.04
# This share of the purchases asks for some of the few tickets.
FEW_SHARE = 0.1
MANY, FEW = "A", "B"
MOST_TICKETS = 3


class BuyerConnection:
    """A connection that is kept open, and dialled again when it has broken."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, wish: Wish) -> tuple[int, Mapping[str, str], bytes]:
        """Sends it; returns status, headers and body.

        Raises `OSError`, `EOFError`, `ValueError`, `TimeoutError`.
        """
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._exchange(_request(wish))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self, request: bytes) -> tuple[int, Mapping[str, str], bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (x.partition(": ") for x in head[1:])}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection") == "close":
            self.close()
        return int(head[0].split(" ")[1]), headers, body


@dataclass
class Crowd:
    """Buyers of one event, whose every attempt is recorded and counted."""

    event: str
    port: int
    history: History
    gauge: Gauge
    rng: random.Random
    clock: Callable[[], float]
    waiting: int = 0
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _closing: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def buying(self, size: int) -> AsyncIterator[None]:
        """Lets so many buyers buy inside the block; at its end each waits for its last answer."""
        tasks = [asyncio.create_task(self._buy_on()) for _ in range(size)]
        try:
            yield
            self._closing.set()
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def buy_the_rest(self, most: int) -> None:
        """Buys single tickets of the few, until they are sold out, or `most` times."""
        line = BuyerConnection(self.port)
        try:
            for _ in range(most):
                attempt = await self._buy(line, self._wish(FEW, 1))
                if attempt is None or not attempt.sold:
                    return
        finally:
            line.close()

    async def _buy_on(self) -> None:
        line = BuyerConnection(self.port)
        try:
            while not self._closing.is_set():
                await self._buy(line, self._any_wish())
                await asyncio.sleep(self.rng.expovariate(1 / THINK_S))
        finally:
            line.close()

    async def _buy(self, line: BuyerConnection, wish: Wish) -> PurchaseAttempt | None:
        """Asks until the answer is definite; returns None if it never is."""
        since = self.clock()
        self.waiting += 1
        try:
            while self.clock() - since < GIVE_UP_S:
                attempt, retry_s = await self._ask(line, wish)
                self.history.add(attempt)
                self.gauge.note(attempt, attempt.ended_s - since)
                if attempt.served:
                    return attempt
                await asyncio.sleep(retry_s * self.rng.uniform(0.5, 1.0))
        finally:
            self.waiting -= 1
        return None

    async def _ask(self, line: BuyerConnection, wish: Wish) -> tuple[PurchaseAttempt, float]:
        """Makes one attempt; returns it, and how long to wait before the next one."""
        began = self.clock()
        try:
            status, headers, body = await line.post(wish)
        except (OSError, EOFError, ValueError, TimeoutError):
            return unanswered(wish, began, self.clock()), REDIAL_S
        attempt = answered(wish, began, self.clock(), status, headers, body)
        return attempt, _retry_s(headers)

    def _any_wish(self) -> Wish:
        if self.rng.random() < FEW_SHARE:
            return self._wish(FEW, self.rng.randint(1, MOST_TICKETS))
        return self._wish(MANY, 1)

    def _wish(self, type_: str, quantity: int) -> Wish:
        number = next(self._numbers)
        return Wish(
            key=f"{self.event}-{number}-{self.rng.getrandbits(32):08x}",
            buyer=f"Buyer {number}",
            event=self.event,
            type=type_,
            quantity=quantity,
        )


def _request(wish: Wish) -> bytes:
    asked = msgspec.structs.asdict(wish)
    key = asked.pop("key")
    body = msgspec.json.encode(asked)
    head = (
        "POST /api/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _retry_s(headers: Mapping[str, str]) -> float:
    with suppress(ValueError):
        return min(RETRY_MOST_S, float(headers.get("retry-after", REDIAL_S)))
    return RETRY_MOST_S
