"""A worker compares what it knows with what it reads: every loss is noticed, and no lag is one."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest

from core.errors import Halted, Unavailable
from core.eventlog.ring import EventLog
from core.events.edit import EventManager
from core.receipts.format import receipt_from_batch
from core.schema.records import Order, TicketType
from core.store.batch import Batch, Sale
from core.store.stock import TypeRef
from core.store.store import Store
from core.zookeeper.client import Committed
from core.zookeeper.multi import Delete
from tests.simulation.zookeeper.tree import Tree
from tests.support.fakes.fake_zookeeper import FakeZooKeeper
from workers.receipts.rollback_guard import GuardedStore, RollbackGuard
from workers.selling.stripe_choice import draw

pytestmark = pytest.mark.timeout(20)

FENCE = "/workers/worker-1.abc"


class Shop(FakeZooKeeper):
    """A tree with ten tickets that can be set back; `listeners` are told of the connection."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__()
        self.listeners: list[Callable[[], None]] = []
        self.store = Store(self.as_zookeeper())
        self._data_dir = data_dir
        self.hire()

    def on_change(self, listener: Callable[[], None]) -> None:
        self.listeners.append(listener)

    def hire(self) -> RollbackGuard:
        """Returns a worker's guard, which knows nothing yet."""
        self.guard = RollbackGuard(
            self.as_zookeeper(), EventLog("worker-1", lambda: 1.0), self._data_dir, lambda: 1.0
        )
        self.guarded = GuardedStore(self.as_zookeeper(), self.guard)
        return self.guard

    async def open(self) -> None:
        await self.ensure("/events", "/workers", "/log", "/alarms", "/retired", FENCE)
        assert await EventManager(self.as_zookeeper()).create_event(
            "default", "Test", {"A": TicketType(capacity=10)}
        )

    async def ref(self) -> TypeRef:
        return TypeRef("default", (await self.store.event("default")).generation, "A")

    async def sell(self, number: int) -> Batch:
        """Makes one sale as the seller does; returns its batch."""
        ref = await self.ref()
        after = draw(await self.guarded.counters(ref), 0, 1)
        order = Order(
            type="A", quantity=1, buyer="Ann", status="sold", at=float(number), batch=f"b{number}"
        )
        batch = Batch(f"b{number}", FENCE, after, (Sale(ref, f"{number:032x}", order),))
        outcome = await self.store.commit(batch)
        assert isinstance(outcome, Committed)
        self.guard.remember(receipt_from_batch(batch, outcome.zxid, float(number)))
        return batch

    def image(self) -> Tree:
        """Returns the tree as it is now."""
        return deepcopy(self._tree)

    def set_back(self, image: Tree) -> None:
        self._tree = deepcopy(image)

    def reconnect(self) -> None:
        for listener in self.listeners:
            listener()


@pytest.fixture
async def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path)
    await shop.open()
    return shop


async def test_a_counter_that_went_back_stops_the_selling(shop: Shop) -> None:
    await shop.sell(1)
    before = shop.image()
    await shop.sell(2)
    shop.set_back(before)
    with pytest.raises(Halted, match="from version 2"):
        await shop.guarded.counters(await shop.ref())
    assert "lost sales" in shop.guard.alarm


async def test_a_counter_that_was_sold_up_to_its_old_version_is_another_one(shop: Shop) -> None:
    before = shop.image()
    await shop.sell(1)
    knowing = shop.guard
    shop.set_back(before)
    await shop.ensure("/somewhere")  # the same version, with another zxid
    shop.hire()
    await shop.sell(2)
    counters = await shop.store.counters(await shop.ref())
    with pytest.raises(Halted):
        await knowing.contradicts(counters)


async def test_what_is_remembered_late_makes_nobody_forget_what_was_read(shop: Shop) -> None:
    early = await shop.sell(1)
    before = shop.image()
    await shop.sell(2)
    shop.guard.remember(receipt_from_batch(early, 0, 1.0))
    shop.set_back(before)
    with pytest.raises(Halted):
        await shop.guarded.counters(await shop.ref())


async def test_the_latest_orders_are_looked_for_after_each_connection(shop: Shop) -> None:
    before = shop.image()
    await shop.sell(1)
    await shop.guard.inspect()
    assert not shop.guard.alarm
    shop.set_back(before)
    await shop.guard.inspect()
    assert not shop.guard.alarm  # it was not told to look again
    shop.reconnect()
    await shop.guard.inspect()
    assert "are gone" in shop.guard.alarm


async def test_a_new_worker_goes_by_its_journal(shop: Shop) -> None:
    before = shop.image()
    batch = await shop.sell(1)
    shop.set_back(before)
    successor = shop.hire()
    successor.recall([receipt_from_batch(batch, 7, 1.0)])
    await successor.inspect()
    assert successor.alarm


async def test_a_lagging_read_raises_no_alarm(shop: Shop) -> None:
    ref = await shop.ref()
    old = await shop.store.counters(ref)
    await shop.sell(1)
    assert await shop.guard.contradicts(old)
    assert not await shop.guard.contradicts(await shop.store.counters(ref))
    assert not shop.guard.alarm


async def test_a_reset_raises_no_alarm(shop: Shop) -> None:
    await shop.sell(1)
    await EventManager(shop.as_zookeeper()).resize(await shop.ref(), lambda stock: stock.taken + 3)
    await shop.sell(2)
    shop.reconnect()
    await shop.guard.inspect()
    assert not shop.guard.alarm


async def test_an_event_that_an_operator_deleted_is_not_missed(shop: Shop) -> None:
    batch = await shop.sell(1)
    ref = await shop.ref()
    await EventManager(shop.as_zookeeper()).close([batch.counters[0].path], [ref.generation])
    shop.apply([Delete(batch.sales[0].path)])
    shop.reconnect()
    await shop.guard.inspect()
    assert not shop.guard.alarm


async def test_without_an_answer_nobody_sells(shop: Shop) -> None:
    batch = await shop.sell(1)
    shop.apply([Delete(batch.sales[0].path)])
    shop.reconnect()
    shop.faults.append("lose-reply")
    with pytest.raises(Unavailable):
        await shop.guard.inspect()
    await shop.guard.inspect()
    assert shop.guard.alarm
