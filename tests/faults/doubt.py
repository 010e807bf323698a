"""Sells through proxies that ambush transactions, so that commits become ambiguous by the hundred.

Several sellers run in this process, each with a session and proxies of its own, on a real
ensemble. The types are small and follow each other, so that last tickets are in doubt as well.
"""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from functools import partial

from admin.drill.books import read_books
from admin.drill.checker import Finding, Kind, check
from admin.drill.history import Attempt, History
from admin.verify import recount
from core.logs import EventLog
from core.models import TicketType, WorkerRecord, order_id
from core.paths import worker as worker_path
from core.registry import Registration
from core.store import Store
from core.wire import Answer, Code, Purchase
from core.zk import connect
from tests.fake_receipts import FakeReceipts
from tests.faults.proxy import Ambush, Line, Proxy
from tests.zookeeper_server import PASSWORD, SECRET
from workers.seller import Seller

EVENT = "doubted"
CAPACITY = 20
STRIPES = 3
CONNECT_S = 30.0
TIMEOUT_S = 2.8
BUYERS = 5
# An ambush is laid after a random pause of this length at most.
PAUSE_S = 0.08
LATEST_S = 5.0
TRIES = 60
RETRY_S = 0.05
LEFT_OPEN = frozenset({Code.OUTCOME_UNKNOWN, Code.OVERLOADED, Code.NO_QUORUM, Code.DRAINING})
# Waiting for a deadline takes longest.
ODDS = {Ambush.LOSE_REQUEST: 6, Ambush.LOSE_REPLY: 12, Ambush.LATE: 12, Ambush.SILENCE: 1}

STATUSES = {
    Code.SOLD: 201,
    Code.REPLAYED: 200,
    Code.SOLD_OUT: 409,
    **dict.fromkeys(LEFT_OPEN, 503),
}

SellerKind = Callable[..., Seller]


@dataclass
class Doubts:
    """What a run did: its attempts, what the sellers' logs counted, and what is wrong with it."""

    history: History = field(default_factory=History)
    events: Counter[str] = field(default_factory=Counter)
    findings: tuple[Finding, ...] = ()

    @property
    def resolved(self) -> int:
        return self.events["resolved"]

    @property
    def answers(self) -> Counter[str]:
        attempts = self.history.attempts
        return Counter(each.code or "sold" for each in attempts)


class CountedLog(EventLog):
    """Counts its entries by event."""

    def __init__(self, source: str, now: Callable[[], float], events: Counter[str]) -> None:
        super().__init__(source, now)
        self._events = events

    def add(self, level: int, event: str, text: str, orders: Sequence[str] = ()) -> None:
        self._events[event] += 1
        super().add(level, event, text, orders)


class Stand:
    """A seller with its registration, behind proxies to every server."""

    def __init__(
        self, name: str, kind: SellerKind, events: Counter[str], rng: random.Random
    ) -> None:
        self.line = Line()
        self._name = name
        self._kind = kind
        self._log = CountedLog(name, time.time, events)
        self._rng = rng

    async def open(self, hosts: str, stack: AsyncExitStack) -> None:
        """Sells from now on, until the stack is closed."""
        addresses = []
        for host in hosts.split(","):
            address, _, port = host.rpartition(":")
            proxy = Proxy((address, int(port)), self.line, self._rng)
            addresses.append(f"127.0.0.1:{await proxy.listen()}")
            stack.push_async_callback(proxy.close)
        zk = await connect(",".join(addresses), PASSWORD, timeout_s=CONNECT_S)
        stack.push_async_callback(zk.close)
        self.registration = Registration(zk, self._name, worker_path)
        self.seller = self._kind(
            Store(zk),
            zk,
            self._log,
            FakeReceipts(),
            order_key=SECRET.order_key,
            fence=lambda: self.registration.path,
            register=self._register,
            now=time.time,
            clock=time.monotonic,
            rng=self._rng,
        )
        await self._log.load(zk)
        await self._register()
        for work in (self.seller.run(), self.seller.watch()):
            task = asyncio.ensure_future(work)
            stack.push_async_callback(_cancelled, task)

    async def _register(self) -> None:
        await self.registration.publish(
            WorkerRecord(name=self._name, host="here", pid=1, address="", state="ready", at=0.0)
        )

    async def lay_ambushes(self) -> None:
        kinds, weights = list(ODDS), list(ODDS.values())
        while True:
            await asyncio.sleep(self._rng.uniform(0.0, PAUSE_S))
            if not self.line.ambushes:
                self.line.ambushes.extend(self._rng.choices(kinds, weights))


class Run:
    """One sale of many small types, at sellers of one kind."""

    def __init__(
        self,
        hosts: str,
        seed: int,
        *,
        kind: SellerKind = Seller,
        sellers: int = 6,
        types: int = 400,
        capacity: int = CAPACITY,
        event: str = EVENT,
    ) -> None:
        """`event` must not be there yet."""
        self._hosts = hosts
        self._rng = random.Random(seed)
        self._types = types
        self._capacity = capacity
        self._event = event
        self._oldest = 0
        self._numbers = itertools.count(1)
        self.doubts = Doubts()
        self._stands = [
            Stand(f"worker-{n}", kind, self.doubts.events, random.Random(seed * 1000 + n))
            for n in range(1, sellers + 1)
        ]

    async def until(self, resolved: int, timeout_s: float) -> Doubts:
        """Sells until so many doubts are resolved; then every purchase that is open is asked
        for again, without ambushes, so that each has its answer.
        """
        async with AsyncExitStack() as stack:
            await self._found()
            for stand in self._stands:
                await stand.open(self._hosts, stack)
            ambushes = [asyncio.ensure_future(stand.lay_ambushes()) for stand in self._stands]
            buyers = [asyncio.ensure_future(self._buy()) for _ in self._stands * BUYERS]
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    while self.doubts.resolved < resolved:
                        await asyncio.sleep(0.1)
                        _raise_failures(buyers)
            await asyncio.gather(*map(_cancelled, ambushes))
            for stand in self._stands:
                stand.line.ambushes.clear()
            self._oldest = self._types
            async with asyncio.timeout(TRIES * TIMEOUT_S):
                await asyncio.gather(*buyers)
            self.doubts.findings = await self._check(stack)
        return self.doubts

    async def _check(self, stack: AsyncExitStack) -> tuple[Finding, ...]:
        """What the checker finds, and `verify`, in one list."""
        zk = await connect(self._hosts, PASSWORD, timeout_s=CONNECT_S)
        stack.push_async_callback(zk.close)
        books = await read_books(zk, self._event)
        findings = check(self.doubts.history.attempts, books, partial(order_id, SECRET.order_key))
        breach = (await recount(zk)).breach
        if breach is not None:
            findings += (Finding(Kind.OVERSOLD, f"{breach.znode}: {breach.text}", self._event),)
        return findings

    async def _found(self) -> None:
        zk = await connect(self._hosts, PASSWORD, timeout_s=CONNECT_S)
        small = TicketType(capacity=self._capacity, stripes=STRIPES)
        types = {f"t{number}": small for number in range(self._types)}
        assert await Store(zk).create_event(self._event, "Doubts", types)
        await zk.close()

    async def _buy(self) -> None:
        """One buyer after another; those with a key ask until they have a final answer."""
        while self._oldest < self._types:
            number = next(self._numbers)
            place = min(self._oldest + self._rng.randrange(2), self._types - 1)
            wish = Purchase(
                id=number,
                event=self._event,
                type=f"t{place}",
                quantity=self._rng.choice((1, 1, 1, 2)),
                buyer=f"buyer-{number}",
                key=f"k{number}",
                keyed=self._rng.random() < 0.5,
                timeout_s=TIMEOUT_S,
            )
            if await self._pursue(wish) is Code.SOLD_OUT and place == self._oldest:
                self._oldest += 1

    async def _pursue(self, wish: Purchase) -> Code:
        for _ in range(TRIES):
            answer = await self._ask(wish)
            if answer.code not in LEFT_OPEN or not wish.keyed:
                return answer.code
            await asyncio.sleep(RETRY_S)
        raise AssertionError(f"no final answer to {wish.key}: {answer.code}")

    async def _ask(self, wish: Purchase) -> Answer:
        seller = self._rng.choice(self._stands).seller
        answers: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        asked_at = time.monotonic()
        seller.submit(wish, answers.set_result)
        async with asyncio.timeout(TIMEOUT_S + LATEST_S):
            answer = await answers
        self.doubts.history.add(_attempt(wish, answer, asked_at, time.monotonic()))
        return answer


def _attempt(wish: Purchase, answer: Answer, began_s: float, ended_s: float) -> Attempt:
    """As the web would have answered."""
    sold = answer.code in (Code.SOLD, Code.REPLAYED)
    return Attempt(
        key=wish.key,
        buyer=wish.buyer,
        type=wish.type,
        quantity=wish.quantity,
        event=wish.event,
        began_s=began_s,
        ended_s=ended_s,
        status=STATUSES[answer.code],
        code="" if sold else answer.code.value,
        order=answer.order,
        replayed=answer.code is Code.REPLAYED,
    )


async def _cancelled(task: asyncio.Future[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _raise_failures(tasks: Sequence[asyncio.Future[None]]) -> None:
    for task in tasks:
        if task.done():
            task.result()
