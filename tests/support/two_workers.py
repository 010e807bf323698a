"""Two workers on one real ZooKeeper server, with a clock that the test moves on."""

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from admin.recovery.recount import recount
from core.clock import Clock
from core.eventlog.ring import EventLog
from core.events.create import create_event
from core.schema import paths
from core.schema.records import Event, OrderView, Payment, Stock, TicketType, buyer_id
from core.store.order_changes import OrderChanger
from core.store.order_lifecycle import Act
from core.store.stock import TypeRef
from core.store.store import Store
from core.store.stripes import STRIPES
from core.transport.link import Answer, ChangeRequest, Code, Purchase
from core.zookeeper.client import ZooKeeper
from tests.support.fakes.fake_receipts import FakeReceipts
from tests.support.zookeeper_server import Server
from workers.janitor import Janitor
from workers.order_changes import OrderChangeQueue
from workers.selling.seller import Seller

KEY = b"key"
CAPACITY = 60
# In hundredths of euros.
PRICE = 4800
WAIT_S = 60.0


class MovableClock:
    """The workers' time of day, which a test moves on."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now(self) -> float:
        return time.time() + self.ahead_s


class Worker:
    """A worker process's part in orders, on a session of its own."""

    def __init__(self, zk: ZooKeeper, name: str, clock: MovableClock) -> None:
        self.zk = zk
        self.store = Store(zk)
        self.fence = paths.worker(f"{name}.test")
        self.log = EventLog(name, clock.now)
        self._ids = count(1)
        rng = random.Random(name)
        self.seller = Seller(
            self.store,
            zk,
            self.log,
            FakeReceipts(),
            order_key=KEY,
            fence=lambda: self.fence,
            register=self.register,
            clock=Clock(clock.now),
            rng=rng,
        )
        changer = OrderChanger(
            self.store,
            zk,
            name=name,
            order_key=KEY,
            fence=lambda: self.fence,
            books=FakeReceipts(),
            now=clock.now,
            rng=rng,
        )
        self.changes = OrderChangeQueue(
            changer,
            self.log,
            clock=time.monotonic,
            connected=lambda: zk.connected,
            sold=self.seller.meter.sold,
        )
        self.janitor = Janitor(self.store, self.changes, self.log, clock.now)

    async def register(self) -> None:
        await self.zk.ensure(paths.WORKERS, self.fence)

    async def buy(self, key: str | None = None, **fields: Any) -> Answer:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        wanted = {"event": "show", "type": "A", "quantity": 1, "buyer": "Ann", "hold": False}
        self.seller.submit(
            Purchase(
                id=next(self._ids),
                key=key or secrets.token_hex(8),
                keyed=key is not None,
                timeout_s=WAIT_S,
                **{**wanted, **fields},
            ),
            answer.set_result,
        )
        return await answer

    async def hold(self, **fields: Any) -> OrderView:
        answer = await self.buy(hold=True, **fields)
        assert answer.code is Code.SOLD
        assert answer.order is not None
        return answer.order

    async def sell(self, **fields: Any) -> OrderView:
        answer = await self.buy(**fields)
        assert answer.code is Code.SOLD
        assert answer.order is not None
        return answer.order

    async def amend(
        self,
        order: str,
        act: Act,
        *,
        key: str = "",
        note: str = "",
        operator: bool = False,
        payment: Payment | None = None,
    ) -> Answer:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.changes.submit(
            ChangeRequest(
                id=next(self._ids),
                order=order,
                act=act,
                note=note,
                key=key or secrets.token_hex(8),
                operator=operator,
                timeout_s=WAIT_S,
                payment=payment,
            ),
            answer.set_result,
        )
        return await answer

    async def pay(
        self, order: str, id_: str, amount: int | None = None, currency: str = ""
    ) -> Answer:
        payment = Payment(id=id_, amount=amount, currency=currency)
        return await self.amend(order, Act.CONFIRM, payment=payment)


@dataclass
class Shop:
    """Two workers and an event `show`, of one type."""

    one: Worker
    two: Worker
    clock: MovableClock
    event: Event

    @property
    def workers(self) -> tuple[Worker, Worker]:
        return self.one, self.two

    async def stock(self) -> Stock:
        await self.one.zk.sync()
        ref = TypeRef("show", self.event.generation, "A")
        return (await self.one.store.type_stock(ref)).stock

    async def counts(self) -> tuple[int, int, int]:
        """Counts the tickets for sale, held, and sold."""
        stock = await self.stock()
        return stock.remaining, stock.held, stock.sold

    async def tab(self, buyer: str) -> int:
        await self.one.zk.sync()
        id_ = buyer_id(KEY, "show", buyer)
        accounts = await self.one.store.accounts("show", self.event.generation, [id_])
        return accounts[id_].tab.tickets

    async def slots(self) -> list[int]:
        await self.one.zk.sync()
        return await self.one.store.holds.slots("show", self.event.generation)

    async def later(self, seconds: float) -> None:
        """Moves the clock forward, and lets the janitor do a round."""
        self.clock.ahead_s += seconds
        await self.one.janitor.round()

    async def verify(self) -> None:
        proof = await recount(self.one.zk)
        assert proof.ok, proof.breach


@asynccontextmanager
async def working(zk: ZooKeeper, name: str, clock: MovableClock) -> AsyncIterator[Worker]:
    worker = Worker(zk, name, clock)
    await worker.register()
    await worker.log.load(zk)
    loops = [
        asyncio.create_task(loop())
        for loop in (
            worker.seller.run,
            worker.seller.watch,
            worker.changes.run,
            worker.changes.watch,
        )
    ]
    try:
        yield worker
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)


@asynccontextmanager
async def shop_of(server: Server, **rules: Any) -> AsyncIterator[Shop]:
    """Opens a shop whose event has those rules; every ticket is counted at the end."""
    event = Event(generation=secrets.token_hex(4), title="Show", **rules)
    stock = {"A": TicketType(capacity=CAPACITY, price=PRICE, stripes=STRIPES)}
    clock = MovableClock()
    async with (
        server.connected() as first,
        server.connected() as second,
        working(first, "worker-1", clock) as one,
        working(second, "worker-2", clock) as two,
    ):
        assert await create_event(first, "show", event, stock)
        shop = Shop(one, two, clock, event)
        async with asyncio.timeout(WAIT_S):
            yield shop
        await shop.verify()
