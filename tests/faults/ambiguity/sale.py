"""A sale on a real ensemble whose transactions are ambushed, for hundreds of ambiguous commits.

Several sellers run in this process, each with a session and proxies of its own. There are many
small types, one after the other, so that last tickets are in doubt as well. With `web`, buyers ask
through the web's dispatcher, over links that fail too.
"""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

from admin.drill.proof.checker import Finding, Kind, check
from admin.drill.proof.history import History, PurchaseAttempt
from admin.drill.proof.tree_books import read_books
from admin.recovery.recount import recount
from core.eventlog.ring import EventLog
from core.events.edit import EventManager
from core.schema.records import TicketType, order_id
from core.transport.link import Answer, Code, Purchase
from core.zookeeper.client import connect
from tests.faults.ambiguity.clocks import Clocks
from tests.faults.ambiguity.worker import (
    CONNECT_S,
    ProxiedWorker,
    SellerKind,
    cancelled,
    real_clocks,
)
from tests.support.zookeeper_server import PASSWORD, SECRET
from web.dispatch.dispatcher import Dispatcher
from web.requests.purchase import Basket
from workers.selling.seller import Seller

EVENT = "doubted"
CAPACITY = 20
STRIPES = 3
TIMEOUT_S = 2.8
BUYERS = 5
LATEST_S = 5.0
# There is one election after the other while servers are parted or die.
PATIENCE_S = 60.0
RETRY_S = 0.1
LEFT_OPEN = frozenset(
    {
        Code.OUTCOME_UNKNOWN,
        Code.OVERLOADED,
        Code.NO_QUORUM,
        Code.NO_WORKER,
        Code.DRAINING,
        Code.HALTED,
    }
)
Storm: TypeAlias = Callable[[], Coroutine[Any, Any, None]]

STATUSES = {
    Code.SOLD: 201,
    Code.REPLAYED: 200,
    Code.SOLD_OUT: 409,
    **dict.fromkeys(LEFT_OPEN, 503),
}


@dataclass
class SaleReport:
    """A run's attempts, the counts of its sellers' logs, and what is wrong with it."""

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
        web: bool = False,
        clocks: Callable[[int], Clocks] = real_clocks,
        storm: Storm | None = None,
    ) -> None:
        """Prepares a sale of `event`, which must not exist yet; `storm` goes on all the while."""
        self._hosts = hosts
        self._rng = random.Random(seed)
        self._types = types
        self._capacity = capacity
        self._event = event
        self._web = web
        self._storm = storm
        self._dispatcher: Dispatcher | None = None
        self._oldest = 0
        self._numbers = itertools.count(1)
        self.doubts = SaleReport()
        self._stands = [
            ProxiedWorker(
                f"worker-{n}",
                kind,
                self.doubts.events,
                random.Random(seed * 1000 + n),
                clocks(seed * 1000 + n),
            )
            for n in range(1, sellers + 1)
        ]

    async def until(self, resolved: int, timeout_s: float) -> SaleReport:
        """Sells until so many lost answers are resolved.

        Every purchase that is still open is then asked for again, in peace, and gets its answer.
        """
        async with AsyncExitStack() as stack:
            data_dir = Path(stack.enter_context(TemporaryDirectory()))
            await self._found()
            for stand in self._stands:
                await stand.open(self._hosts, data_dir, stack)
            if self._web:
                self._dispatcher = self._open_web(stack)
            troubles = [asyncio.ensure_future(trouble) for trouble in self._troubles()]
            buyers = [asyncio.ensure_future(self._buy()) for _ in self._stands * BUYERS]
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    while self.doubts.resolved < resolved:
                        await asyncio.sleep(0.1)
                        _raise_failures([*troubles, *buyers])
            await asyncio.gather(*map(cancelled, troubles))
            self._oldest = self._types
            async with asyncio.timeout(2 * PATIENCE_S):
                await asyncio.gather(*buyers)
            self.doubts.findings = await self._check(stack)
        return self.doubts

    def _troubles(self) -> Iterator[Coroutine[Any, Any, None]]:
        for stand in self._stands:
            yield stand.lay_ambushes()
            if self._web:
                yield stand.trouble_link()
        if self._storm is not None:
            yield self._storm()

    def _open_web(self, stack: AsyncExitStack) -> Dispatcher:
        dispatcher = Dispatcher(
            SECRET.link_key,
            EventLog("web-1", time.time),
            connected=lambda: True,
            clock=time.monotonic,
            rng=self._rng,
        )
        stack.push_async_callback(dispatcher.close)
        dispatcher.update([stand.live for stand in self._stands])
        return dispatcher

    async def _check(self, stack: AsyncExitStack) -> tuple[Finding, ...]:
        """Returns what the checker and `verify` find, in one list."""
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
        assert await EventManager(zk).create_event(self._event, "Doubts", types)
        await zk.close()

    async def _buy(self) -> None:
        """Buys for one buyer after another; those with a key ask until they have a final answer."""
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
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends:
            answer = await self._ask(wish)
            if answer.code not in LEFT_OPEN or not wish.keyed:
                return answer.code
            await asyncio.sleep(RETRY_S)
        raise AssertionError(f"no final answer to {wish.key}: {answer.code}")

    async def _ask(self, wish: Purchase) -> Answer:
        began_s = time.monotonic()
        async with asyncio.timeout(TIMEOUT_S + LATEST_S):
            answer = await (self._through_the_web(wish) if self._web else self._straight(wish))
        self.doubts.history.add(_attempt(wish, answer, began_s, time.monotonic()))
        return answer

    async def _straight(self, wish: Purchase) -> Answer:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._rng.choice(self._stands).seller.submit(wish, answer.set_result)
        return await answer

    async def _through_the_web(self, wish: Purchase) -> Answer:
        assert self._dispatcher is not None
        basket = Basket(
            event=wish.event,
            type=wish.type,
            quantity=wish.quantity,
            buyer=wish.buyer,
            key=wish.key,
            keyed=wish.keyed,
        )
        return await self._dispatcher.ask(basket, time.monotonic())


def _attempt(wish: Purchase, answer: Answer, began_s: float, ended_s: float) -> PurchaseAttempt:
    """Returns the attempt with what the web would have answered."""
    sold = answer.code in (Code.SOLD, Code.REPLAYED)
    return PurchaseAttempt(
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


def _raise_failures(tasks: Sequence[asyncio.Future[None]]) -> None:
    for task in tasks:
        if task.done():
            task.result()
