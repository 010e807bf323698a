"""Holds and changes of orders by two workers on a real ZooKeeper server: nothing is stranded."""

import asyncio
import random
from collections import Counter

import msgspec
from msgspec.structs import replace

from core.schema import paths
from core.store.batch import Amendment, Batch
from core.store.order_lifecycle import Act
from core.transport.link import Answer, Code
from core.zookeeper.client import Committed, connect
from tests.support.two_workers import CAPACITY, MovableClock, Shop, shop_of, working
from tests.support.zookeeper_server import PASSWORD, Server


def codes(answers: list[Answer]) -> Counter[Code]:
    return Counter(answer.code for answer in answers)


# --- one hold ------------------------------------------------------------------------


async def test_a_hold_takes_tickets_off_sale_and_confirming_it_sells_them(server: Server) -> None:
    async with shop_of(server) as shop:
        held = await shop.one.hold(quantity=4)
        assert (held.status, held.held_until is not None) == ("held", True)
        assert await shop.counts() == (CAPACITY - 4, 4, 0)
        sold = await shop.two.amend(held.order, Act.CONFIRM)
        assert (sold.code, sold.order and sold.order.status) == (Code.DONE, "sold")
        assert await shop.counts() == (CAPACITY - 4, 0, 4)
        again = await shop.one.amend(held.order, Act.CONFIRM)
        assert again.code is Code.DONE
        await shop.later(600)
        assert await shop.counts() == (CAPACITY - 4, 0, 4)


async def test_a_released_hold_is_for_sale_again_at_once_and_once_only(server: Server) -> None:
    async with shop_of(server) as shop:
        held = await shop.one.hold(quantity=4)
        assert (await shop.two.amend(held.order, Act.RELEASE)).code is Code.DONE
        assert await shop.counts() == (CAPACITY, 0, 0)
        assert (await shop.one.amend(held.order, Act.RELEASE)).code is Code.DONE
        await shop.later(600)
        assert await shop.counts() == (CAPACITY, 0, 0)
        assert (await shop.one.amend(held.order, Act.CONFIRM)).code is Code.NOT_HELD


async def test_a_hold_is_extended_a_bounded_number_of_times_and_then_expires(
    server: Server,
) -> None:
    async with shop_of(server, hold_s=60.0, extensions=2) as shop:
        held = await shop.one.hold()
        for _ in range(2):
            assert (await shop.two.amend(held.order, Act.EXTEND)).code is Code.DONE
        refused = await shop.one.amend(held.order, Act.EXTEND)
        assert refused.code is Code.NO_MORE_EXTENSIONS
        await shop.later(150)
        assert await shop.counts() == (CAPACITY - 1, 1, 0)
        await shop.later(40)
        assert await shop.counts() == (CAPACITY, 0, 0)
        assert (await shop.one.amend(held.order, Act.EXTEND)).code is Code.HOLD_EXPIRED


async def test_an_extension_that_is_asked_for_twice_with_one_key_counts_once(
    server: Server,
) -> None:
    async with shop_of(server, hold_s=60.0, extensions=2) as shop:
        held = await shop.one.hold()
        asked = [worker.amend(held.order, Act.EXTEND, key="k") for worker in shop.workers * 3]
        answers = await asyncio.gather(*asked)
        assert codes(list(answers)) == {Code.DONE: 6}
        assert {answer.order.extended for answer in answers if answer.order} == {1}


async def test_the_same_key_holds_the_same_tickets(server: Server) -> None:
    async with shop_of(server) as shop:
        asked = [worker.buy(key="mine", hold=True, quantity=2) for worker in shop.workers * 5]
        answers = await asyncio.gather(*asked)
        assert len({answer.order.order for answer in answers if answer.order}) == 1
        assert codes(list(answers)) == {Code.SOLD: 1, Code.REPLAYED: 9}
        assert await shop.counts() == (CAPACITY - 2, 2, 0)


# --- the end of holds ----------------------------------------------------------------


async def test_everything_that_was_held_and_not_confirmed_is_for_sale_again(server: Server) -> None:
    async with shop_of(server, hold_s=60.0) as shop:
        asked = [worker.hold(quantity=2) for worker in shop.workers for _ in range(15)]
        held = await asyncio.gather(*asked)
        assert await shop.counts() == (0, CAPACITY, 0)
        assert (await shop.one.buy()).code is Code.SOLD_OUT
        await shop.later(61)
        await shop.later(5)
        assert await shop.counts() == (CAPACITY, 0, 0)
        assert await shop.slots() == []
        late = await shop.two.amend(held[0].order, Act.CONFIRM, note="payment 7")
        assert late.code is Code.HOLD_EXPIRED
        assert late.order is not None
        assert late.order.status == "expired"
        assert (await shop.two.buy(quantity=10)).code is Code.SOLD


async def test_a_payment_after_the_end_is_late_though_no_janitor_came_by(server: Server) -> None:
    async with shop_of(server, hold_s=60.0) as shop:
        held = await shop.one.hold()
        shop.clock.ahead_s += 60
        assert (await shop.one.amend(held.order, Act.CONFIRM)).code is Code.HOLD_EXPIRED


async def test_confirming_and_expiring_that_meet_leave_every_ticket_sold_or_for_sale(
    server: Server,
) -> None:
    async with shop_of(server, hold_s=60.0) as shop:
        held = await asyncio.gather(*(shop.one.hold(quantity=2) for _ in range(30)))
        # Its clock, by which it confirms, has not reached the end yet.
        slow = MovableClock()
        third = await connect(server.hosts, PASSWORD)
        try:
            async with working(third, "worker-3", slow) as late:
                shop.clock.ahead_s += 70
                rounds = [worker.janitor.round() for worker in shop.workers]
                confirms = [late.amend(order.order, Act.CONFIRM) for order in held]
                answers, _ = await asyncio.gather(
                    asyncio.gather(*confirms), asyncio.gather(*rounds)
                )
        finally:
            await third.close()
        await shop.later(5)
        ended = codes(list(answers))
        assert set(ended) <= {Code.DONE, Code.HOLD_EXPIRED}
        sold = 2 * ended[Code.DONE]
        assert await shop.counts() == (CAPACITY - sold, 0, sold)
        assert await shop.slots() == []


async def test_two_janitors_at_once_give_nothing_back_twice(server: Server) -> None:
    async with shop_of(server, hold_s=60.0) as shop:
        await asyncio.gather(*(shop.two.hold(quantity=3) for _ in range(20)))
        shop.clock.ahead_s += 70
        expired = await asyncio.gather(*(worker.janitor.round() for worker in shop.workers))
        assert sum(expired) == 20
        assert await shop.counts() == (CAPACITY, 0, 0)


# --- limits --------------------------------------------------------------------------


async def test_no_number_of_purchases_at_once_beats_the_limit_of_a_buyer(server: Server) -> None:
    async with shop_of(server, limit=4) as shop:
        buyers = ["Ann Lee", "ann  lee", "ANN LEE", "Ａnn\u200d Lee"]
        asked = [
            worker.buy(buyer=buyers[number % 4], hold=number % 2 == 0)
            for number in range(12)
            for worker in shop.workers
        ]
        answers = await asyncio.gather(*asked, shop.one.buy(buyer="Bob", quantity=3))
        assert answers[-1].code is Code.SOLD
        assert codes(list(answers[:-1])) == {Code.SOLD: 4, Code.LIMIT_REACHED: 20}
        assert (await shop.tab("Ann Lee"), await shop.tab("Bob")) == (4, 3)
        assert (await shop.stock()).taken == 7


async def test_what_is_given_back_may_be_bought_again_within_the_limit(server: Server) -> None:
    async with shop_of(server, limit=4, hold_s=60.0, cancellable=True) as shop:
        held = await shop.one.hold(quantity=2)
        over = await shop.two.buy(quantity=3)
        assert (over.code, over.allowance) == (Code.LIMIT_REACHED, 2)
        sold = await shop.one.sell(quantity=2)
        over = await shop.two.buy()
        assert (over.code, over.allowance) == (Code.LIMIT_REACHED, 0)
        await shop.two.amend(held.order, Act.RELEASE)
        assert await shop.tab("Ann") == 2
        again = await shop.two.hold(quantity=2)
        await shop.later(62)
        await shop.later(5)
        assert (await shop.one.amend(again.order, Act.CONFIRM)).code is Code.HOLD_EXPIRED
        assert await shop.tab("Ann") == 2
        assert (await shop.one.amend(sold.order, Act.CANCEL)).code is Code.DONE
        assert await shop.tab("Ann") == 0
        assert await shop.counts() == (CAPACITY, 0, 0)


# --- orders --------------------------------------------------------------------------


async def test_cancelling_at_once_by_many_gives_the_tickets_back_once(server: Server) -> None:
    async with shop_of(server) as shop:
        sold = await shop.one.sell(quantity=5)
        refused = await shop.one.amend(sold.order, Act.CANCEL)
        assert refused.code is Code.NOT_CANCELLABLE
        asked = [worker.amend(sold.order, Act.CANCEL, operator=True) for worker in shop.workers * 5]
        assert codes(list(await asyncio.gather(*asked))) == {Code.DONE: 10}
        assert await shop.counts() == (CAPACITY, 0, 0)


async def test_two_doors_that_scan_at_once_admit_once(server: Server) -> None:
    async with shop_of(server) as shop:
        sold = await shop.one.sell()
        doors = {"north": shop.one, "south": shop.two}
        scans = [
            worker.amend(sold.order, Act.CHECK_IN, note=door) for door, worker in doors.items()
        ]
        answers = await asyncio.gather(*scans)
        assert codes(list(answers)) == {Code.DONE: 1, Code.CHECKED_IN: 1}
        [first] = [answer.order for answer in answers if answer.code is Code.DONE]
        [second] = [answer.order for answer in answers if answer.code is Code.CHECKED_IN]
        assert first is not None
        assert second is not None
        assert first.checked_in_by in doors
        assert (second.checked_in_at, second.checked_in_by) == (
            first.checked_in_at,
            first.checked_in_by,
        )
        refused = await shop.one.amend(sold.order, Act.CANCEL, operator=True)
        assert refused.code is Code.CHECKED_IN


async def test_a_changes_commit_is_told_from_those_that_came_after_it(server: Server) -> None:
    """With another change's zxid after a lost answer, a worker would think that stock went back."""
    async with shop_of(server) as shop:
        store = shop.one.store
        held = await shop.one.hold()
        assert (await shop.one.amend(held.order, Act.CONFIRM)).code is Code.DONE
        await shop.one.zk.sync()
        confirmed = await store.order(held.order)
        [change] = confirmed.order.changes
        counter = (await store.counters(confirmed.ref))[change.stripe]
        assert (counter.version, counter.zxid) == (change.version, confirmed.changed_zxid)
        batch = Batch(
            change.batch,
            "",
            (replace(counter, version=counter.version - 1),),
            amendments=(Amendment(confirmed.ref, held.order, confirmed.order, 0),),
        )
        assert await store.happened(batch) == Committed(counter.zxid)
        await shop.two.amend(held.order, Act.CHECK_IN, note="North")
        await shop.one.zk.sync()
        assert (await store.order(held.order)).changed_zxid > counter.zxid
        assert await store.happened(batch) == Committed(counter.zxid)
        other = await shop.one.hold()
        await shop.one.amend(other.order, Act.RELEASE)
        assert await store.happened(batch) == Committed(0)
        assert await store.happened(msgspec.structs.replace(batch, id="another")) is None


async def test_a_damaged_order_spoils_no_other_change_of_its_batch(server: Server) -> None:
    async with shop_of(server) as shop:
        sold = [(await shop.one.sell()).order for _ in range(7)]
        path = paths.order("show", shop.event.generation, sold[3])
        whole = (await shop.one.zk.get(path)).data
        await shop.one.zk.set(path, b"junk")
        scans = [shop.one.amend(order, Act.CHECK_IN, note="North") for order in sold]
        answers = await asyncio.gather(*scans)
        wanted = [Code.DONE] * 7
        wanted[3] = Code.DAMAGED
        assert [answer.code for answer in answers] == wanted
        await shop.one.zk.set(path, whole)


async def test_a_damaged_event_spoils_no_change_of_another_events_order(server: Server) -> None:
    async with shop_of(server) as shop:
        await shop.one.zk.ensure(paths.event("broken"))
        sold = await shop.one.sell()
        scans = [
            shop.one.amend(order, Act.CHECK_IN, note="North") for order in (sold.order, "f" * 32)
        ]
        answers = await asyncio.gather(*scans)
        # The second may be an order of the damaged event: nobody knows.
        assert [answer.code for answer in answers] == [Code.DONE, Code.DAMAGED]
        await shop.one.zk.delete(paths.event("broken"))


async def test_only_the_scan_that_lets_in_says_that_it_changed_the_order(server: Server) -> None:
    async with shop_of(server) as shop:
        sold = await shop.one.sell()
        first = await shop.one.amend(sold.order, Act.CHECK_IN, key="scan", note="North")
        again = await shop.two.amend(sold.order, Act.CHECK_IN, key="scan", note="North")
        other = await shop.two.amend(sold.order, Act.CHECK_IN, key="other", note="North")
        assert [(each.code, each.changed) for each in (first, again, other)] == [
            (Code.DONE, True),
            (Code.DONE, False),
            (Code.CHECKED_IN, False),
        ]


async def test_holds_sales_and_changes_of_all_kinds_at_once_keep_the_books(server: Server) -> None:
    async def buyer(shop: Shop, rng: random.Random) -> None:
        worker, other = rng.sample(shop.workers, 2)
        held = await worker.buy(buyer=rng.choice("abcdef"), quantity=rng.randint(1, 3), hold=True)
        if held.order is None:
            return
        acts = rng.sample([Act.CONFIRM, Act.RELEASE, Act.EXTEND, Act.CANCEL, Act.CHECK_IN], 3)
        await asyncio.gather(*(other.amend(held.order.order, act, key="k") for act in acts))
        if rng.random() < 0.2:
            await worker.janitor.round()

    async with shop_of(server, hold_s=60.0, limit=20, cancellable=True) as shop:
        rng = random.Random(5)
        for _ in range(4):
            await asyncio.gather(*(buyer(shop, rng) for _ in range(25)))
            shop.clock.ahead_s += 35
        await shop.later(120)
        await shop.later(5)
        left, held, sold = await shop.counts()
        assert (left + sold, held) == (CAPACITY, 0)
        assert await shop.slots() == []
