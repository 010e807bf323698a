"""The selling logic over a ZooKeeper in memory, with a network that loses what the test says."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from typing import Any

import pytest

from core.clock import Clock
from core.errors import Ambiguous
from core.eventlog import ring
from core.eventlog.ring import EventLog
from core.events.edit import EventManager
from core.schema import paths
from core.schema.records import TicketType, order_id
from core.store.stock import TypeRef
from core.store.store import Store
from core.transport.link import Answer, Code, Purchase
from core.zookeeper.client import Refused
from core.zookeeper.multi import Delete, SetData
from tests.support.fakes.fake_receipts import FakeReceipts
from tests.support.fakes.fake_zookeeper import FakeZooKeeper
from workers.selling.seller import GRACE_S, Seller

pytestmark = pytest.mark.timeout(20)

FENCE = "/workers/worker-1.abc"


class Desk:
    """A seller over a fake ZooKeeper, with an event of ten tickets of type A and ten of B."""

    def __init__(self) -> None:
        self.zk = FakeZooKeeper()
        self.store = Store(self.zk.as_zookeeper())
        self.office = EventManager(self.zk.as_zookeeper())
        self.fence = FENCE
        self._ids = count(1)
        log = EventLog("worker-1", time.time)
        self.receipts = FakeReceipts()
        self.seller = Seller(
            self.store,
            self.zk.as_zookeeper(),
            log,
            self.receipts,
            order_key=b"key",
            fence=lambda: self.fence,
            register=self.register,
            clock=Clock(),
            rng=random.Random(1),
        )
        self.log = log

    async def open(self) -> None:
        await self.zk.ensure("/events", "/workers", "/log", FENCE)
        ten = TicketType(capacity=10)
        assert await self.office.create_event("default", "Test", {"A": ten, "B": ten})
        await self.log.load(self.zk.as_zookeeper())

    async def register(self) -> None:
        self.fence = f"{FENCE}-{next(self._ids)}"
        await self.zk.ensure(self.fence)

    async def ref(self, type_: str = "A") -> TypeRef:
        event = await self.store.event("default")
        return TypeRef("default", event.generation, type_)

    async def remaining(self, type_: str = "A") -> int:
        return (await self.store.type_stock(await self.ref(type_))).stock.remaining

    async def sold(self) -> int:
        return (await self.store.type_stock(await self.ref())).stock.sold

    async def counter_path(self, type_: str = "A") -> str:
        [counter] = await self.store.counters(await self.ref(type_))
        return counter.path

    def ask(self, key: str | None = None, **wish: Any) -> asyncio.Future[Answer]:
        number = next(self._ids)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        fields: dict[str, Any] = {
            "event": "default",
            "type": "A",
            "quantity": 1,
            "buyer": "Ann",
            "timeout_s": 2.0,
            "keyed": key is not None,
        }
        self.seller.submit(
            Purchase(id=number, key=key or f"k{number}", **fields | wish),
            answer.set_result,
        )
        return answer


async def until(read: Callable[[], Awaitable[int]], wanted: int) -> None:
    async with asyncio.timeout(10):
        while await read() != wanted:
            await asyncio.sleep(0.005)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    await desk.open()
    loops = [asyncio.create_task(desk.seller.run()), asyncio.create_task(desk.seller.watch())]
    yield desk
    for loop in loops:
        loop.cancel()


async def test_what_arrives_together_is_sold_in_one_transaction(desk: Desk) -> None:
    before = desk.zk.commits
    answers = await asyncio.gather(*(desk.ask() for _ in range(10)))
    assert {answer.code for answer in answers} == {Code.SOLD}
    assert desk.zk.commits == before + 1
    assert (await desk.ask()).code is Code.SOLD_OUT
    assert await desk.remaining() == 0


@pytest.mark.parametrize("fault", ["lose-request", "lose-reply", "late", "unavailable"])
@pytest.mark.parametrize("times", [1, 3])
async def test_a_lost_answer_is_resolved_to_what_really_happened(
    desk: Desk, fault: str, times: int
) -> None:
    desk.zk.faults.extend([fault] * times)
    answers = await asyncio.gather(desk.ask("a"), desk.ask("b", type="B", quantity=2))
    assert [answer.code for answer in answers] == [Code.SOLD, Code.SOLD]
    assert (await desk.remaining("A"), await desk.remaining("B")) == (9, 8)
    again = await desk.ask("a")
    assert again.code is Code.REPLAYED
    assert again.order == answers[0].order
    assert await desk.remaining("A") == 9


@pytest.mark.parametrize("fault", ["lose-request", "lose-reply", "late"])
async def test_a_lost_answer_is_resolved_also_when_somebody_else_sells_meanwhile(
    desk: Desk, fault: str
) -> None:
    path = await desk.counter_path()
    turns = iter([False, True])

    def somebody_sells() -> None:
        if next(turns, False):
            desk.zk.sell_one(path)

    desk.zk.faults.append(fault)
    desk.zk.before_multi = somebody_sells
    assert (await desk.ask("a")).code is Code.SOLD
    assert await desk.remaining() == 8
    assert (await desk.ask("a")).code is Code.REPLAYED
    assert await desk.remaining() == 8


async def test_a_fenced_worker_registers_anew_and_sells_once(desk: Desk) -> None:
    desk.zk.apply([Delete(FENCE)])
    assert (await desk.ask("a")).code is Code.SOLD
    assert desk.fence != FENCE
    assert await desk.remaining() == 9


async def test_a_batch_that_was_lost_and_then_fenced_is_not_sold_twice(desk: Desk) -> None:
    desk.zk.faults.append("lose-reply")
    fenced = iter([False, True])
    desk.zk.before_multi = lambda: desk.zk.apply([Delete(FENCE)]) if next(fenced, False) else None
    assert (await desk.ask("a")).code is Code.SOLD
    assert await desk.remaining() == 9


async def test_repeats_in_one_batch_and_across_batches_make_one_order(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.ask("same") for _ in range(5)))
    assert sorted(answer.code for answer in answers) == [Code.REPLAYED] * 4 + [Code.SOLD]
    assert (await desk.ask("same")).code is Code.REPLAYED
    assert (await desk.ask("same", quantity=2)).code is Code.KEY_REUSED
    assert await desk.remaining() == 9


async def test_a_repeat_does_not_hold_up_the_others_of_its_batch(desk: Desk) -> None:
    await desk.ask("old")
    answers = await asyncio.gather(desk.ask("old"), desk.ask("new"), desk.ask("new-2"))
    assert [answer.code for answer in answers] == [Code.REPLAYED, Code.SOLD, Code.SOLD]
    assert await desk.remaining() == 7


async def test_nobody_is_refused_for_the_sake_of_repeats_that_take_no_stock(desk: Desk) -> None:
    await desk.ask("old", quantity=8)
    answers = await asyncio.gather(
        desk.ask("old", quantity=8), *(desk.ask(f"new-{n}") for n in range(2))
    )
    assert [answer.code for answer in answers] == [Code.REPLAYED, Code.SOLD, Code.SOLD]
    again = await asyncio.gather(desk.ask("old", quantity=8), desk.ask("late"))
    assert [answer.code for answer in again] == [Code.REPLAYED, Code.SOLD_OUT]
    assert again[1].remaining == 0


async def test_a_purchase_waits_for_the_fate_of_those_before_it(desk: Desk) -> None:
    await desk.ask("old", quantity=5)
    answers = await asyncio.gather(
        desk.ask("old", quantity=5), desk.ask("new", quantity=5), desk.ask("last")
    )
    assert [answer.code for answer in answers] == [Code.REPLAYED, Code.SOLD, Code.SOLD_OUT]


async def test_a_repeat_beside_its_first_is_looked_up_although_the_key_was_minted(
    desk: Desk,
) -> None:
    await desk.ask("minted", quantity=10)
    answers = await asyncio.gather(
        *(desk.ask("minted", quantity=10, keyed=keyed) for keyed in (False, True))
    )
    assert [answer.code for answer in answers] == [Code.REPLAYED, Code.REPLAYED]


async def test_another_purchase_of_a_key_is_not_refused_with_the_first(desk: Desk) -> None:
    await desk.ask(quantity=8)
    answers = await asyncio.gather(desk.ask("k", quantity=4), desk.ask("k"), desk.ask("k"))
    assert [answer.code for answer in answers] == [Code.SOLD_OUT, Code.SOLD, Code.REPLAYED]
    assert await desk.remaining() == 1


async def test_a_damaged_type_is_named_and_the_others_sell(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    path = await desk.counter_path("B")
    for rubbish in (b"\xff", b"{}", b'{"v":2,"remaining":5}', b'{"v":1,"remaining":-1}'):
        desk.zk.apply([SetData(path, rubbish, -1)])
        answers = await asyncio.gather(desk.ask(type="B"), desk.ask(type="A"))
        assert [answer.code for answer in answers] == [Code.DAMAGED, Code.SOLD]
        assert path in caplog.text
        znode = await desk.zk.find(path)
        assert znode is not None
        assert znode.data == rubbish


async def test_an_event_deleted_and_made_anew_sells_from_its_new_stock(desk: Desk) -> None:
    await desk.ask()
    desk.zk.uproot("/events/default")
    assert (await desk.ask()).code in (Code.NO_SUCH_TYPE, Code.NO_SUCH_EVENT)
    await desk.office.create_event("default", "Again", {"A": TicketType(capacity=3)})
    await asyncio.sleep(1.1)  # the event is read again once a second
    assert (await desk.ask()).code is Code.SOLD
    assert await desk.remaining() == 2


async def test_without_a_connection_new_buyers_hear_at_once_and_waiting_ones_in_time(
    desk: Desk,
) -> None:
    desk.zk.faults.extend(["unavailable"] * 10_000)
    waiting = desk.ask()
    await asyncio.sleep(0.2)
    desk.zk.disconnected_s = GRACE_S + 0.1
    assert (await waiting).code is Code.NO_QUORUM
    assert (await desk.ask()).code is Code.NO_QUORUM


async def test_a_buyer_that_may_have_bought_is_told_that_nobody_knows(desk: Desk) -> None:
    desk.zk.faults.extend(["lose-request"] * 10_000)
    waiting = desk.ask()
    await asyncio.sleep(0.2)
    desk.zk.disconnected_s = GRACE_S + 0.1
    assert (await waiting).code is Code.OUTCOME_UNKNOWN


async def test_a_drained_seller_finishes_what_it_has_and_takes_no_more(desk: Desk) -> None:
    waiting = [desk.ask() for _ in range(5)]
    await desk.seller.drain(5.0)
    assert {answer.result().code for answer in waiting} == {Code.SOLD}
    assert (await desk.ask()).code is Code.DRAINING


async def test_the_log_ring_may_be_deleted_under_a_seller(desk: Desk) -> None:
    await desk.ask()
    desk.zk.apply([Delete("/log/worker-1/0000"), Delete("/log/worker-1")])
    assert (await desk.ask()).code is Code.SOLD
    assert await desk.zk.children("/log/worker-1")


async def test_a_buyer_that_was_refused_for_being_late_does_not_buy_after_all(desk: Desk) -> None:
    await desk.ask(type="B", quantity=10)
    desk.zk.slow_reads("/orders/", 0.25)  # the look-ups of refused buyers
    answers = await asyncio.gather(desk.ask("keyed", type="B"), desk.ask(type="A", timeout_s=0.3))
    assert [answer.code for answer in answers] == [Code.SOLD_OUT, Code.OVERLOADED]
    await asyncio.sleep(0.3)
    assert await desk.remaining("A") == 10


async def test_a_purchase_past_its_deadline_is_not_even_tried(desk: Desk) -> None:
    assert (await desk.ask(timeout_s=0.0)).code is Code.OVERLOADED
    assert await desk.remaining() == 10


async def test_what_its_buyer_has_left_is_dropped_before_it_is_committed_never_after(
    desk: Desk,
) -> None:
    stayed, left, sent = desk.ask(), desk.ask(), desk.ask("sent")
    desk.seller.forget(left.set_result, None)
    assert {(await stayed).code, (await sent).code} == {Code.SOLD}
    assert await desk.remaining() == 8
    desk.zk.faults.append("lose-reply")
    ambiguous = desk.ask()
    while desk.zk.faults:
        await asyncio.sleep(0.001)
    desk.seller.forget(ambiguous.set_result, None)
    assert (await ambiguous).code is Code.SOLD
    assert await desk.remaining() == 7
    assert not left.done()


async def test_a_repeat_gets_its_answer_though_the_first_buyer_has_left(desk: Desk) -> None:
    desk.zk.slow_reads("/events/", 0.05)
    first, repeat = desk.ask("k"), desk.ask("k")
    await asyncio.sleep(0.02)  # both are accepted, neither is sent
    desk.seller.forget(first.set_result, None)
    assert (await repeat).code in (Code.SOLD, Code.REPLAYED)
    assert await desk.remaining() == 9


async def test_a_damaged_order_spoils_nobody_elses_purchase(desk: Desk) -> None:
    ref = await desk.ref()
    bought = (await desk.ask("bad")).order
    assert bought is not None
    desk.zk.apply([SetData(paths.order("default", ref.generation, bought.order), b"junk", -1)])
    answers = await asyncio.gather(desk.ask("bad"), desk.ask("n1"), desk.ask("n2"))
    assert [answer.code for answer in answers] == [Code.DAMAGED, Code.SOLD, Code.SOLD]


async def test_a_missing_bucket_spoils_nobody_elses_purchase(desk: Desk) -> None:
    ref = await desk.ref()
    bucket = order_id(b"key", "default", "x")[:2]
    desk.zk.apply([Delete(paths.bucket("default", ref.generation, bucket))])
    answers = await asyncio.gather(desk.ask("x"), *(desk.ask(type="B") for _ in range(3)))
    assert [answer.code for answer in answers] == [Code.DAMAGED] + [Code.SOLD] * 3
    assert await desk.remaining("A") == 10


async def test_an_odd_refusal_does_not_end_a_doubt(desk: Desk) -> None:
    desk.zk.faults.extend(["lose-reply", "throttled"])
    assert (await desk.ask("a")).code is Code.SOLD
    assert await desk.remaining() == 9


async def test_a_reset_whose_answer_is_lost_happens_once(desk: Desk) -> None:
    ref, path = await desk.ref(), await desk.counter_path()
    turns = iter([False, True])
    desk.zk.faults.append("lose-reply")
    desk.zk.before_multi = lambda: desk.zk.sell_one(path) if next(turns, False) else None
    await desk.office.resize(ref, lambda stock: stock.taken + 5)
    stock = (await desk.store.type_stock(ref)).stock
    assert (stock.remaining, stock.sold, stock.capacity) == (4, 1, 5)


async def test_the_log_goes_on_after_an_answer_that_was_lost(desk: Desk) -> None:
    for number in range(40):  # enough for several slots
        desk.zk.faults.append("lose-reply" if number % 3 == 0 else "")
        assert (await desk.ask(quantity=1, type="AB"[number % 2], buyer="x" * 60)).code in (
            Code.SOLD,
            Code.SOLD_OUT,
        )
    slots = await ring.read(desk.zk.as_zookeeper(), "worker-1")
    entries = [found.entry for slot in slots for found in slot.entries]
    orders = {order for entry in entries if entry.event == "sold" for order in entry.orders}
    assert len(orders) == 20


async def test_entries_that_are_written_late_undo_nothing(desk: Desk) -> None:
    await desk.ask()
    desk.log.info("early", "on its way for long")
    late = desk.log.plan()
    assert (await desk.ask()).code is Code.SOLD
    assert isinstance(desk.zk.apply(late), Refused)


async def test_entries_whose_answer_was_lost_are_written_once(desk: Desk) -> None:
    zk = desk.zk.as_zookeeper()
    for number in range(3):
        desk.log.info("counted", str(number))
        desk.zk.faults.append("lose-reply")
        with pytest.raises(Ambiguous):
            await desk.log.flush(zk)
    while desk.log.waiting:
        await desk.log.flush(zk)
    found = [each for slot in await ring.read(zk, "worker-1") for each in slot.entries]
    assert [each.entry.text for each in found] == ["0", "1", "2"]


async def test_the_last_ticket_is_found_in_whichever_stripe_it_lies(desk: Desk) -> None:
    types = {"A": TicketType(capacity=10, stripes=4)}
    assert await desk.office.create_event("striped", "Test", types)
    for _ in range(10):
        assert (await desk.ask(event="striped")).code is Code.SOLD
    refused = await desk.ask(event="striped")
    assert (refused.code, refused.remaining) == (Code.SOLD_OUT, 0)


async def test_a_purchase_larger_than_any_stripe_is_filled_from_several(desk: Desk) -> None:
    types = {"A": TicketType(capacity=9, stripes=4)}
    assert await desk.office.create_event("striped", "Test", types)
    too_many = await desk.ask(event="striped", quantity=10)
    assert (too_many.code, too_many.remaining) == (Code.SOLD_OUT, 9)
    assert (await desk.ask(event="striped", quantity=9)).code is Code.SOLD


@pytest.mark.parametrize("fault", ["lose-request", "lose-reply", "late"])
async def test_a_lost_answer_while_stock_moves_between_stripes_is_resolved(
    desk: Desk, fault: str
) -> None:
    types = {"A": TicketType(capacity=9, stripes=3)}
    assert await desk.office.create_event("striped", "Test", types)
    event = await desk.store.event("striped")
    ref = TypeRef("striped", event.generation, "A")
    for number in range(9):
        desk.zk.faults.append(fault)
        assert (await desk.ask(f"k{number}", event="striped")).code is Code.SOLD
        stock = (await desk.store.type_stock(ref)).stock
        assert (stock.sold, stock.remaining) == (number + 1, 8 - number)
    assert (await desk.ask(event="striped")).code is Code.SOLD_OUT


async def test_nobody_is_told_sold_before_the_receipt_is_on_disk(desk: Desk) -> None:
    desk.receipts.disk.clear()
    first = desk.ask()
    await until(desk.sold, 1)
    second = desk.ask()
    await until(desk.sold, 2)  # it is committed while the first waits for the disk
    third = desk.ask()
    await asyncio.sleep(0.1)
    assert await desk.sold() == 2  # and there is no third one
    assert not any(answer.done() for answer in (first, second, third))
    assert desk.seller.in_flight == 3
    desk.receipts.disk.set()
    answers = [await first, await second, await third]
    assert [answer.code for answer in answers] == [Code.SOLD] * 3
    assert len(desk.receipts.kept) == 3


async def test_a_buyer_that_waits_too_long_for_its_receipt_is_told_that_nobody_knows(
    desk: Desk,
) -> None:
    desk.receipts.disk.clear()
    assert (await desk.ask("a", timeout_s=0.5)).code is Code.OUTCOME_UNKNOWN
    desk.receipts.disk.set()
    assert (await desk.ask("a")).code is Code.REPLAYED
    assert await desk.sold() == 1


async def test_a_disk_that_is_full_stops_the_selling_and_no_sale_is_called_failed(
    desk: Desk,
) -> None:
    desk.receipts.disk.clear()
    bought = desk.ask("a")
    await until(desk.sold, 1)
    desk.receipts.halted = "the disk is full"
    desk.receipts.disk.set()
    assert (await bought).code is Code.OUTCOME_UNKNOWN
    assert (await desk.ask("a")).code is Code.HALTED
    assert await desk.sold() == 1
    desk.receipts.halted = ""
    assert (await desk.ask("a")).code is Code.REPLAYED
    assert (await desk.ask("b")).code is Code.SOLD


async def test_an_order_that_was_there_already_has_a_receipt_before_it_is_confirmed_again(
    desk: Desk,
) -> None:
    desk.receipts.disk.clear()
    unsure = await desk.ask("a", timeout_s=0.5)
    assert unsure.code is Code.OUTCOME_UNKNOWN
    again = desk.ask("a")
    await asyncio.sleep(0.1)
    assert not again.done()
    desk.receipts.disk.set()
    assert (await again).code is Code.REPLAYED
    assert len(desk.receipts.kept) == 2
