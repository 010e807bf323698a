"""How purchases are spread over workers, and what happens when one dies or falls silent."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import cast
from unittest.mock import Mock

import pytest

from core.clock import Clock
from core.errors import BadZnode, Unavailable
from core.eventlog.ring import EventLog
from core.schema.records import OrderView
from core.store.availability import EventAvailability, TypeAvailability
from core.store.order_lifecycle import Act
from core.transport.link import Answer, Code, Link, Purchase
from core.zookeeper.multi import Create
from tests.support.fakes.fake_worker import KEY, FakeWorker, is_mute, says, sells, view_of
from web.dispatch.circuit_breaker import FAILURES
from web.dispatch.concurrency_limit import FIRST
from web.dispatch.dispatcher import Dispatcher
from web.dispatch.hedged_request import HedgedRequest
from web.dispatch.retry_budget import FLOOR, RetryBudget
from web.dispatch.worker import SILENT_S, Peer, Question
from web.reads.catalog import Catalog, Snapshot
from web.requests.order_change import wanted_change
from web.requests.purchase import Basket

DEADLINE_S = 10.0

pytestmark = pytest.mark.timeout(30)


def basket(key: str = "k", *, keyed: bool = False) -> Basket:
    return Basket(event="default", type="A", quantity=1, buyer="Ann", key=key, keyed=keyed)


async def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.005)


ORDER = "0123456789abcdef" * 2
PAID = view_of(basket().request(1, keyed=True, timeout_s=1.0))


class Box:
    """A dispatcher with linked fake workers."""

    def __init__(self, *workers: FakeWorker, connected: bool = True, deadline_s: float = 2.8):
        self.workers = workers
        self.dispatcher = Dispatcher(
            KEY,
            EventLog("web-1", time.time),
            connected=lambda: connected,
            clock=time.monotonic,
            rng=random.Random(1),
            deadline_s=deadline_s,
        )

    async def __aenter__(self) -> "Box":
        for worker in self.workers:
            await worker.listen()
        self.register(*self.workers)
        await until(lambda: sum(peer.linked for peer in self.peers) == len(self.workers))
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.dispatcher.close()
        for worker in self.workers:
            worker.die()

    def register(self, *workers: FakeWorker) -> None:
        self.dispatcher.update(worker.live(state=worker.state) for worker in workers)

    async def buy(self, key: str = "k", *, keyed: bool = False) -> Answer:
        return await self.dispatcher.ask(basket(key, keyed=keyed), time.monotonic())

    async def pay(self) -> Answer:
        """Pays for an order that a worker has."""
        return await self.dispatcher.ask(wanted_change(ORDER, Act.CONFIRM, "k"), time.monotonic())

    async def buy_many(self, number: int) -> Sequence[Answer]:
        return await asyncio.gather(*(self.buy(f"k-{n}") for n in range(number)))

    @property
    def peers(self) -> Sequence[Peer]:
        return self.dispatcher.peers


@pytest.mark.parametrize("code", [Code.PAID_ALREADY, Code.PAYMENT_USED, Code.WRONG_AMOUNT])
async def test_a_refused_payment_is_told_with_its_order(code: Code) -> None:
    worker = FakeWorker("w-1", clerk=lambda asked: Answer(id=asked.id, code=code, order=PAID))
    async with Box(worker) as box:
        answer = await box.pay()
    assert (answer.code, answer.order) == (code, PAID)


# --- the ordinary way ----------------------------------------------------------------


async def test_a_worker_is_asked_with_all_that_it_needs() -> None:
    worker = FakeWorker("w-1")
    async with Box(worker) as box:
        answer = await box.buy("k-1", keyed=True)
    assert answer.code is Code.SOLD
    asked = worker.asked[0]
    assert (asked.event, asked.type, asked.quantity, asked.buyer) == ("default", "A", 1, "Ann")
    assert (asked.key, asked.keyed) == ("k-1", True)
    assert 2.5 < asked.timeout_s < 2.801


async def test_many_purchases_are_spread_evenly() -> None:
    workers = [FakeWorker(f"w-{n}", delay_s=0.01) for n in range(3)]
    async with Box(*workers) as box:
        answers = await box.buy_many(300)
    assert {answer.code for answer in answers} == {Code.SOLD}
    assert all(80 <= len(worker.asked) <= 120 for worker in workers)


async def test_the_slower_worker_gets_fewer_purchases() -> None:
    slow, quick = FakeWorker("slow", delay_s=0.1), FakeWorker("quick", delay_s=0.002)

    async def buyer(box: Box) -> None:
        for n in range(15):
            await box.buy(str(n))

    async with Box(slow, quick) as box:
        await asyncio.gather(*(buyer(box) for _ in range(8)))
    assert len(quick.asked) > 2 * len(slow.asked)


async def test_a_worker_that_was_slow_is_asked_again_after_a_while() -> None:
    slow, quick = FakeWorker("slow", delay_s=0.2), FakeWorker("quick", delay_s=0.005)
    async with Box(slow, quick) as box:
        await box.buy_many(10)
        heard = len(slow.asked)
        assert heard > 0
        for n in range(5):
            await box.buy(str(n))
        assert len(slow.asked) == heard
        was_slow = next(peer for peer in box.peers if peer.name == "slow")
        await until(lambda: not was_slow.serves(time.monotonic()))
        slow.delay_s = 0.0
        async with asyncio.timeout(DEADLINE_S):
            while len(slow.asked) == heard:
                await box.buy_many(3)


async def turn_and_other(box: Box) -> tuple[FakeWorker, FakeWorker]:
    """Returns the one of two working workers that has the turn now, and the other one."""
    await box.buy_many(20)
    before = [len(worker.asked) for worker in box.workers]
    await box.buy()
    [its] = [w for w, n in zip(box.workers, before, strict=True) if len(w.asked) > n]
    [other] = [worker for worker in box.workers if worker is not its]
    return its, other


def two_workers() -> list[FakeWorker]:
    return [FakeWorker(f"w-{n}", delay_s=0.002) for n in range(2)]


async def test_every_worker_that_answers_has_its_turn() -> None:
    workers = [FakeWorker(f"w-{n}", delay_s=0.002) for n in range(3)]
    async with Box(*workers) as box:
        await box.buy_many(30)
        asked = [len(worker.asked) for worker in workers]
        async with asyncio.timeout(DEADLINE_S):
            while any(len(w.asked) == n for w, n in zip(workers, asked, strict=True)):
                await box.buy_many(4)


async def test_a_worker_that_falls_mute_loses_its_turn() -> None:
    async with Box(*two_workers()) as box:
        mute, other = await turn_and_other(box)
        mute.behaviour = is_mute
        asked = len(other.asked)
        stuck = asyncio.ensure_future(box.buy("stuck"))
        for n in range(10):  # less than the longest turn
            if len(other.asked) == asked:
                await asyncio.sleep(0.02)
                waiting = asyncio.ensure_future(box.buy(f"next-{n}"))
        assert len(other.asked) > asked
        assert (await waiting).code is Code.SOLD
        assert (await stuck).code is Code.SOLD  # a second worker was asked, in the end


async def test_a_worker_that_leaves_the_registry_loses_its_turn() -> None:
    async with Box(*two_workers()) as box:
        _, other = await turn_and_other(box)
        asked = len(other.asked)
        box.register(other)
        await box.buy("next")
        assert len(other.asked) == asked + 1


async def test_a_slow_worker_gets_single_purchases_and_no_turn() -> None:
    slow, quick = FakeWorker("slow", delay_s=0.05), FakeWorker("quick", delay_s=0.002)
    async with Box(slow, quick) as box:
        await box.buy_many(40)
        before = len(slow.asked)
        for _ in range(30):
            await box.buy_many(6)
        assert len(slow.asked) - before < 30


async def test_of_two_workers_the_one_with_less_published_load_is_asked() -> None:
    busy, idle = FakeWorker("busy"), FakeWorker("idle")
    busy.pongs = idle.pongs = False
    async with Box(busy, idle) as box:
        box.dispatcher.update([busy.live(in_flight=200, at=2.0), idle.live(at=2.0)])
        for n in range(10):
            await box.buy(str(n))
    assert (len(busy.asked), len(idle.asked)) == (0, 10)


# --- when a worker fails -------------------------------------------------------------


async def test_a_purchase_whose_link_dies_is_asked_of_another_worker_with_the_same_key() -> None:
    workers = FakeWorker("w-1"), FakeWorker("w-2")

    def die_at_first(purchase: Purchase) -> Answer | None:
        if sum(len(worker.asked) for worker in workers) == 1:
            next(worker for worker in workers if worker.asked).die()
            return None
        return sells(purchase)

    for worker in workers:
        worker.behaviour = die_at_first
    async with Box(*workers) as box:
        assert (await box.buy("k-1")).code is Code.SOLD
    asked = sorted((p for worker in workers for p in worker.asked), key=lambda p: p.keyed)
    assert [purchase.key for purchase in asked] == ["k-1", "k-1"]
    # The second one is told that the key may have bought already.
    assert [purchase.keyed for purchase in asked] == [False, True]


async def test_a_killed_worker_costs_no_buyer_a_ticket() -> None:
    workers = [FakeWorker(f"w-{n}", delay_s=0.02) for n in range(3)]
    async with Box(*workers) as box:
        buying = asyncio.ensure_future(box.buy_many(90))
        await until(lambda: len(workers[0].asked) > 10)
        workers[0].die()
        assert {answer.code for answer in await buying} == {Code.SOLD}


async def test_an_order_that_our_own_retry_finds_is_new_to_the_buyer_without_a_key() -> None:
    def replays(purchase: Purchase) -> Answer:
        return Answer(id=purchase.id, code=Code.REPLAYED, order=view_of(purchase))

    async with Box(FakeWorker("w-1", replays)) as box:
        assert (await box.buy("k", keyed=False)).code is Code.SOLD
        assert (await box.buy("k", keyed=True)).code is Code.REPLAYED


async def test_a_draining_worker_is_left_and_not_asked_again() -> None:
    draining, ready = FakeWorker("w-1", says(Code.DRAINING)), FakeWorker("w-2")
    draining.pongs = False
    async with Box(draining, ready) as box:
        for n in range(20):
            assert (await box.buy(str(n))).code is Code.SOLD
    assert len(draining.asked) == 1


async def test_a_silent_worker_is_given_a_second_and_then_another_one_is_asked() -> None:
    mute, ready = FakeWorker("w-1", is_mute), FakeWorker("w-2")
    mute.pongs = False
    async with Box(mute, ready) as box:
        started = time.monotonic()
        answers = await box.buy_many(20)
        assert {answer.code for answer in answers} == {Code.SOLD}
        assert 0.9 < time.monotonic() - started < 2.0
        heard = len(mute.asked)
        # Its silence is known by now, and it is passed over.
        await box.buy_many(20)
    assert heard > 0
    assert len(mute.asked) == heard


async def test_a_late_answer_of_the_silent_worker_still_counts() -> None:
    late = FakeWorker("w-1", delay_s=1.3)
    async with Box(late, FakeWorker("w-2", is_mute)) as box:
        answers = await box.buy_many(10)
    assert {answer.code for answer in answers} == {Code.SOLD}


async def test_after_the_deadline_the_outcome_is_unknown_never_failed() -> None:
    async with Box(FakeWorker("w-1", is_mute), deadline_s=0.3) as box:
        assert (await box.buy()).code is Code.OUTCOME_UNKNOWN


async def test_a_refusal_elsewhere_does_not_settle_what_was_sent_before() -> None:
    for code in (Code.OVERLOADED, Code.NO_QUORUM, Code.DRAINING):
        mute, refuses = FakeWorker("w-1", is_mute), FakeWorker("w-2", says(code))
        async with Box(mute, refuses, deadline_s=1.3) as box:
            answers = await box.buy_many(6)
        settled = Code.OVERLOADED if code is Code.OVERLOADED else Code.OUTCOME_UNKNOWN
        assert {answer.code for answer in answers} <= {Code.OUTCOME_UNKNOWN, settled}
        assert mute.asked


async def test_when_the_only_worker_dies_with_a_purchase_the_outcome_is_unknown() -> None:
    worker = FakeWorker("w-1")
    worker.behaviour = lambda _purchase: worker.die()
    async with Box(worker) as box:
        assert (await box.buy()).code is Code.OUTCOME_UNKNOWN


async def test_a_link_that_breaks_is_opened_again_while_its_worker_is_registered() -> None:
    worker = FakeWorker("w-1")
    async with Box(worker) as box:
        worker.die()
        await until(lambda: not box.peers[0].linked)
        assert (await box.buy()).code is Code.NO_WORKER
        await worker.listen(worker.port)
        await until(lambda: box.peers[0].linked)
        assert (await box.buy()).code is Code.SOLD


async def test_a_worker_that_leaves_the_registry_finishes_what_it_has() -> None:
    leaving, staying = FakeWorker("w-1", delay_s=0.2), FakeWorker("w-2", delay_s=0.2)
    async with Box(leaving, staying) as box:
        buying = asyncio.ensure_future(box.buy_many(10))
        await until(lambda: bool(leaving.asked) and bool(staying.asked))
        box.register(staying)
        assert {answer.code for answer in await buying} == {Code.SOLD}
        heard = len(leaving.asked)
        assert heard + len(staying.asked) == 10
        await box.buy_many(5)
        assert len(leaving.asked) == heard


# --- nobody to ask -------------------------------------------------------------------


@pytest.mark.parametrize(("connected", "code"), [(True, "no-worker"), (False, "no-quorum")])
async def test_without_a_worker_the_refusal_comes_at_once(connected: bool, code: str) -> None:
    async with Box(connected=connected) as box:
        started = time.monotonic()
        assert (await box.buy()).code == code
        assert time.monotonic() - started < 0.1


async def test_where_the_last_worker_leaves_nobody_is_told_that_many_are_buying() -> None:
    async with Box(FakeWorker("w-1", says(Code.DRAINING))) as box:
        assert (await box.buy()).code is Code.NO_WORKER


async def test_while_one_worker_leaves_and_the_other_is_full_too_many_are_buying() -> None:
    leaving, full = FakeWorker("w-1", says(Code.DRAINING)), FakeWorker("w-2", is_mute)
    leaving.pongs = False
    async with Box(leaving, full, deadline_s=1.0) as box:
        waiting = [asyncio.ensure_future(box.buy(str(n))) for n in range(4 * FIRST)]
        answers = {answer.code for answer in await asyncio.gather(*waiting)}
    assert Code.OVERLOADED in answers
    assert Code.NO_WORKER not in answers


async def test_workers_that_wait_for_zookeeper_mean_no_quorum() -> None:
    workers = FakeWorker("w-1"), FakeWorker("w-2")
    for worker in workers:
        worker.state = "suspended"
    async with Box(*workers) as box:
        assert (await box.buy()).code is Code.NO_QUORUM
        for worker in workers:
            worker.state = "ready"
        await until(lambda: box.dispatcher.ready == 2)
        assert (await box.buy()).code is Code.SOLD


async def test_when_one_worker_has_no_quorum_another_may_have() -> None:
    async with Box(FakeWorker("w-1", says(Code.NO_QUORUM)), FakeWorker("w-2")) as box:
        answers = [await box.buy(str(n)) for n in range(10)]
    assert {answer.code for answer in answers} == {Code.SOLD}


async def test_a_busy_workers_refusal_is_passed_on_and_not_multiplied() -> None:
    workers = FakeWorker("w-1", says(Code.OVERLOADED)), FakeWorker("w-2", says(Code.OVERLOADED))
    async with Box(*workers) as box:
        answers = await box.buy_many(20)
    assert {answer.code for answer in answers} == {Code.OVERLOADED}
    assert sum(len(worker.asked) for worker in workers) == 20


async def test_more_than_the_links_can_hold_is_refused_at_once() -> None:
    async with Box(FakeWorker("w-1", delay_s=0.5)) as box:
        answers = await box.buy_many(FIRST + 100)
    codes = Counter(answer.code for answer in answers)
    assert codes == {Code.SOLD: FIRST, Code.OVERLOADED: 100}


async def test_after_a_workers_refusal_it_is_given_less_than_it_refused() -> None:
    worker = FakeWorker("w-1", says(Code.OVERLOADED), delay_s=0.1)
    async with Box(worker) as box:
        await box.buy_many(500)
        worker.behaviour = sells
        codes = Counter(answer.code for answer in await box.buy_many(500))
        assert codes == {Code.SOLD: 450, Code.OVERLOADED: 50}
        assert len(worker.asked) == 950


async def test_a_purchase_whose_buyer_has_gone_is_taken_back_from_the_worker() -> None:
    worker, stays = FakeWorker("w-1", is_mute), asyncio.Event()

    async def leaves() -> None:
        await until(lambda: bool(worker.asked))

    async with Box(worker) as box:
        started = time.monotonic()
        wish = basket("k-1")
        left = box.dispatcher.ask(wish, started, leaves)
        assert (await left).code is Code.OUTCOME_UNKNOWN
        await until(lambda: bool(worker.forgotten))
        assert worker.forgotten == [worker.asked[0].id]
        assert box.peers[0].outstanding == 0
        # A buyer that stays gets the answer, and the connection is no longer watched.
        worker.behaviour, worker.delay_s = sells, 0.3
        waits = box.dispatcher.ask(wish, started, lambda: _wait(stays))
        assert (await waits).code is Code.SOLD


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


# --- a worker that fails -------------------------------------------------------------


async def test_a_worker_that_fails_five_times_is_left_out_and_probed_by_one_purchase() -> None:
    failing = FakeWorker("w-1", says(Code.OUTCOME_UNKNOWN))
    async with Box(failing, FakeWorker("w-2"), FakeWorker("w-3")) as box:
        await box.buy_many(60)
        heard = len(failing.asked)
        assert heard >= FAILURES
        await box.buy_many(60)
        assert len(failing.asked) == heard
        failing.behaviour = sells
        failing.delay_s = 0.2
        peer = next(peer for peer in box.peers if peer.name == "w-1")
        await until(lambda: peer.takes(time.monotonic()))
        probing = asyncio.ensure_future(box.buy_many(60))
        await until(lambda: len(failing.asked) > heard)
        assert peer.ejected
        assert not peer.takes(time.monotonic())
        assert {answer.code for answer in await probing} == {Code.SOLD}
        assert len(failing.asked) == heard + 1
        assert not peer.ejected


async def test_of_two_workers_none_is_left_out() -> None:
    failing = FakeWorker("w-1", says(Code.OUTCOME_UNKNOWN))
    async with Box(failing, FakeWorker("w-2")) as box:
        await box.buy_many(100)
        assert not any(peer.ejected for peer in box.peers)


async def test_a_worker_with_another_secret_is_never_asked() -> None:
    worker = await FakeWorker("w-1").listen()
    log = EventLog("web-1", time.time)
    dispatcher = Dispatcher(
        b"x" * 32, log, connected=lambda: True, clock=time.monotonic, rng=random.Random(1)
    )
    dispatcher.update([worker.live()])
    await until(lambda: log.waiting)
    assert (await dispatcher.ask(basket(), time.monotonic())).code is Code.NO_WORKER
    await dispatcher.close()
    worker.die()
    assert worker.asked == []


# --- the retry budget ----------------------------------------------------------------


def test_retries_are_a_tenth_of_the_successes_once_the_floor_is_spent() -> None:
    budget = RetryBudget(clock=lambda: 0.0)
    assert sum(budget.spend() for _ in range(1000)) == FLOOR
    for _ in range(105):
        budget.earn()
    assert sum(budget.spend() for _ in range(1000)) == 10


def test_a_quiet_time_earns_the_floor_again() -> None:
    now = [0.0]
    budget = RetryBudget(clock=lambda: now[0])
    while budget.spend():
        pass
    now[0] = 1000.0
    assert sum(budget.spend() for _ in range(1000)) == FLOOR


# --- the catalog ---------------------------------------------------------------------


def event(remaining: int) -> EventAvailability:
    type_ = TypeAvailability(
        name="A", price=0, capacity=10, sold=10 - remaining, held=0, remaining=remaining
    )
    return EventAvailability(
        name="default", title="T", currency="EUR", opens_at=None, closes_at=None, types=(type_,)
    )


class Shelf:
    """Counts its readings; fails, or takes long, when it is told to."""

    def __init__(self) -> None:
        self.readings = 0
        self.away = False
        self.takes_s = 0.0

    async def event_names(self) -> list[str]:
        self.readings += 1
        await asyncio.sleep(self.takes_s)
        if self.away:
            raise Unavailable("away")
        return ["broken", "default"]

    async def availability(self, name: str) -> EventAvailability:
        if name == "broken":
            raise BadZnode("/events/broken", "not JSON")
        return event(10 - self.readings)


class Shop:
    """A catalog over a shelf, with a clock that only the test moves."""

    def __init__(self) -> None:
        self.shelf = Shelf()
        self.at = 100.0
        self.connected = True
        self.log = EventLog("web-1", time.time)
        self.catalog = Catalog(
            self.shelf,
            self.log,
            connected=lambda: self.connected,
            clock=Clock(lambda: self.at, lambda: self.at),
        )


async def test_the_catalog_reads_once_however_many_ask() -> None:
    shop = Shop()
    snapshots = await asyncio.gather(*(shop.catalog.snapshot() for _ in range(50)))
    assert shop.shelf.readings == 1
    assert {snapshot.as_of for snapshot in snapshots} == {100.0}
    assert not snapshots[0].stale
    shop.at += 0.4
    await shop.catalog.snapshot()
    assert shop.shelf.readings == 1


async def test_frequent_readers_get_the_last_reading_while_the_next_is_made() -> None:
    shop = Shop()
    assert remaining(await shop.catalog.snapshot()) == 9
    shop.at += 0.6
    assert remaining(await shop.catalog.snapshot()) == 9
    await until(lambda: remaining(shop.catalog.last) == 8)


async def test_the_first_to_ask_after_a_pause_waits_a_moment_for_a_new_reading() -> None:
    shop = Shop()
    await shop.catalog.snapshot()
    shop.at += 60
    snapshot = await shop.catalog.snapshot()
    assert (remaining(snapshot), snapshot.as_of, snapshot.stale) == (8, 160.0, False)


async def test_nobody_waits_longer_than_a_moment_for_a_slow_reading() -> None:
    shop = Shop()
    await shop.catalog.snapshot()
    shop.at += 60
    shop.shelf.takes_s = 5.0
    started = time.monotonic()
    snapshot = await shop.catalog.snapshot()
    assert time.monotonic() - started < 1.0
    assert (snapshot.as_of, snapshot.stale) == (100.0, True)
    await shop.catalog.close()


async def test_without_zookeeper_the_last_reading_is_shown_as_stale() -> None:
    shop = Shop()
    await shop.catalog.snapshot()
    shop.connected = False
    assert (await shop.catalog.snapshot()).stale
    shop.connected = True
    shop.shelf.away = True
    shop.at += 3
    snapshot = await shop.catalog.snapshot()
    assert (remaining(snapshot), snapshot.as_of, snapshot.stale) == (9, 100.0, True)
    shop.shelf.away = False
    shop.at += 3
    assert not (await shop.catalog.snapshot()).stale


async def test_a_damaged_event_is_told_once_and_the_others_are_shown() -> None:
    shop = Shop()
    for _ in range(3):
        shop.at += 3
        snapshot = await shop.catalog.snapshot()
    assert snapshot.damaged == ("broken",)
    assert snapshot.event("default") is not None
    [entry] = shop.log.plan()
    assert isinstance(entry, Create)
    assert entry.data.count(b"znode /events/broken is unreadable") == 1


async def test_only_a_fresh_catalog_is_sure_of_what_there_is_not() -> None:
    shop = Shop()
    assert shop.catalog.lacks("nope", "A") is None
    await shop.catalog.snapshot()
    assert shop.catalog.lacks("nope", "A") == "no-such-event"
    assert shop.catalog.lacks("default", "Z") == "no-such-type"
    assert shop.catalog.lacks("default", "A") is None
    assert shop.catalog.lacks("broken", "A") is None
    shop.at += 0.6
    assert shop.catalog.lacks("nope", "A") is None


def remaining(snapshot: Snapshot) -> int:
    found = snapshot.event("default")
    assert found is not None
    return found.types[0].remaining


async def test_sold_out_from_one_that_did_not_look_is_no_end_while_another_may_have_sold() -> None:
    """A was asked first and is slow; B, asked with the key, sells the last ticket meanwhile."""

    class Slow:
        def ask(
            self,
            basket: Basket,
            *,
            keyed: bool,
            now: float,
            timeout_s: float,
            on_end: Callable[[Question, Answer | None], None],
        ) -> Question:
            peer, link = Mock(), cast(Link, Mock())
            peer.serves.return_value = False
            self.question = Question(peer, link, 1, keyed, now, on_end)
            return self.question

        def answer(self, code: Code, order: OrderView | None = None) -> None:
            self.question.hear(Answer(id=1, code=code, order=order))

    basket = Basket(event="default", type="A", quantity=1, buyer="Ann", key="m", keyed=False)
    order = OrderView(
        order="0" * 32,
        event="default",
        type="A",
        quantity=1,
        buyer="Ann",
        status="sold",
        created_at="2026-01-01T12:00:00.000Z",
        zxid=1,
    )
    first, second = Slow(), Slow()
    pursuit = HedgedRequest(basket, lambda: 0.0, 2.8)
    pursuit.ask(cast(Peer, first), 0.0)
    pursuit.pass_time(SILENT_S)
    await pursuit.wait()
    assert pursuit.wants_another
    pursuit.ask(cast(Peer, second), SILENT_S)
    first.answer(Code.SOLD_OUT)
    await pursuit.wait()
    assert pursuit.open
    second.answer(Code.REPLAYED, order)
    await pursuit.wait()
    assert pursuit.end.code is Code.REPLAYED


async def test_the_stages_of_a_sale_add_up_to_its_time() -> None:
    def slowly(purchase: Purchase) -> Answer:
        return Answer(
            id=purchase.id,
            code=Code.SOLD,
            order=view_of(purchase),
            queue_us=20_000,
            commit_us=50_000,
        )

    async with Box(FakeWorker("w-1", slowly, delay_s=0.1)) as box:
        started = time.monotonic()
        await box.buy()
        took_ms = (time.monotonic() - started) * 1000
        stages = {name: each.p50_ms for name, each in box.dispatcher.stages.quantiles().items()}
    assert list(stages) == ["web", "link", "queue", "commit", "answer"]
    assert (stages["queue"], stages["commit"]) == (20.0, 50.0)
    assert stages["link"] >= 30.0
    assert sum(stages.values()) == pytest.approx(took_ms, abs=5.0)


async def test_what_a_worker_refuses_is_no_sale_of_any_stage() -> None:
    async with Box(FakeWorker("w-1", says(Code.SOLD_OUT))) as box:
        await box.buy()
        assert all(found.p99_ms == 0.0 for found in box.dispatcher.stages.quantiles().values())
