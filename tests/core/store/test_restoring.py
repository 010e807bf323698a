"""Changes of orders that ZooKeeper forgot are put back, and every ticket is counted."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from msgspec.structs import replace as changed

from core.errors import BadZnode, ZkticketError
from core.receipts.format import is_preserved
from core.receipts.restore import mend, restore
from core.schema import paths
from core.schema.records import Event, Order, buyer_id
from core.store.batch import Sale
from core.store.order_lifecycle import (
    Act,
    Occasion,
    OrderChange,
    Refusal,
    amended,
    has_tickets,
)
from core.store.orders import StoredOrder
from core.store.stock import TypeRef, counter_paths
from core.transport.link import Code
from tests.support.two_workers import CAPACITY, KEY, Shop, shop_of
from tests.support.zookeeper_server import Server

# This is longer than any hold lasts here.
AGES_S = 1000.0
RULES = Event(generation="g", title="Test", hold_s=60.0, extensions=2, cancellable=True)
REF = TypeRef("show", "g", "A")
HELD = Order(type="A", quantity=3, buyer="Ann", status="held", at=0.0, batch="b0", until=60.0)
SOLD = changed(HELD, status="sold", until=None)


async def stored(shop: Shop, order_id: str) -> StoredOrder:
    await shop.one.zk.sync()
    return await shop.one.store.order(order_id)


async def forgotten(shop: Shop, order_id: str, *acts: Act) -> Sale:
    """Does this to an order, then sets ZooKeeper back; returns what had been confirmed."""
    zk, before = shop.one.zk, await stored(shop, order_id)
    ref, buyer = before.ref, buyer_id(KEY, before.event, before.order.buyer)
    touched = [
        *counter_paths(ref, (await shop.one.store.ticket_type(ref))[0].stripes),
        paths.order(ref.event, ref.generation, order_id),
        paths.tab(ref.event, ref.generation, buyer),
    ]
    past = [znode for znode in await zk.get_many(touched) if znode is not None]
    for act in acts:
        answer = await shop.two.amend(order_id, act, note="door", operator=True)
        assert answer.code is Code.DONE
    confirmed = (await stored(shop, order_id)).order
    for znode in past:
        await zk.set(znode.path, znode.data)
    return Sale(ref, order_id, confirmed)


async def put_back(shop: Shop, *sales: Sale, oversell: bool = False) -> int:
    count = await restore(shop.one.zk, sales, KEY, oversell=oversell)
    for sale in sales if count else ():
        assert is_preserved(sale.order, await stored(shop, sale.order_id))
    assert count == 0 or await restore(shop.one.zk, sales, KEY, oversell=oversell) == 0
    return count


# --- on a real server ----------------------------------------------------------------


async def test_a_forgotten_confirmation_sells_a_hold_that_still_stands(server: Server) -> None:
    async with shop_of(server) as shop:
        held = await shop.one.hold(quantity=4)
        confirmed = await forgotten(shop, held.order, Act.EXTEND, Act.CONFIRM)
        assert await shop.counts() == (CAPACITY - 4, 4, 0)
        assert await put_back(shop, confirmed) == 1
        assert await shop.counts() == (CAPACITY - 4, 0, 4)
        found = (await stored(shop, held.order)).order
        assert [change.act for change in found.changes] == [Act.EXTEND, Act.CONFIRM]
        # The janitor's list still names it.
        await shop.later(AGES_S)
        assert await shop.counts() == (CAPACITY - 4, 0, 4)


async def test_what_was_sold_is_sold_also_when_its_hold_ran_out_since(server: Server) -> None:
    async with shop_of(server, limit=4) as shop:
        held = await shop.one.hold(quantity=4)
        confirmed = await forgotten(shop, held.order, Act.CONFIRM, Act.CHECK_IN)
        await shop.later(AGES_S)
        assert await shop.counts() == (CAPACITY, 0, 0)
        assert await shop.tab("Ann") == 0
        assert await put_back(shop, confirmed) == 1
        assert await shop.counts() == (CAPACITY - 4, 0, 4)
        assert await shop.tab("Ann") == 4
        found = (await stored(shop, held.order)).order
        assert (found.status, found.admitted is not None) == ("sold", True)
        # Its holder was admitted: nobody is admitted with it again.
        again = await shop.two.amend(held.order, Act.CHECK_IN, note="south")
        assert again.code is Code.CHECKED_IN


async def test_where_its_tickets_were_sold_again_it_is_not_put_back_silently(
    server: Server,
) -> None:
    async with shop_of(server) as shop:
        held = await shop.one.hold(quantity=4)
        confirmed = await forgotten(shop, held.order, Act.CONFIRM)
        await shop.later(AGES_S)
        for _ in range(CAPACITY - 1):
            await shop.one.sell(buyer="Bob")
        with pytest.raises(ZkticketError, match="3 tickets of type A too few"):
            await put_back(shop, confirmed)
        assert await put_back(shop, confirmed, oversell=True) == 1
        assert await shop.counts() == (0, 0, CAPACITY + 3)


@pytest.mark.parametrize(
    ("acts", "held"),
    [((Act.CANCEL,), False), ((Act.CONFIRM, Act.CANCEL), True), ((Act.RELEASE,), True)],
)
async def test_forgotten_givings_back_are_for_sale_again(
    acts: Sequence[Act], held: bool, server: Server
) -> None:
    async with shop_of(server, limit=3) as shop:
        order = await shop.one.buy(hold=held, quantity=3)
        assert order.order is not None
        given_back = await forgotten(shop, order.order.order, *acts)
        assert (await shop.counts())[0] == CAPACITY - 3
        assert await shop.tab("Ann") == 3
        assert await put_back(shop, given_back) == 1
        assert await shop.counts() == (CAPACITY, 0, 0)
        assert await shop.tab("Ann") == 0


async def test_orders_that_are_gone_are_on_their_buyers_tab_again(server: Server) -> None:
    async with shop_of(server, limit=6) as shop:
        ref = TypeRef("show", shop.event.generation, "A")
        lost = [
            Sale(ref, f"{number:032x}", changed(SOLD, batch=f"x{number}", buyer=buyer))
            for number, buyer in enumerate(["Ann", "Bob", "Ann"])
        ]
        assert await put_back(shop, *lost) == 3
        assert [await shop.tab(buyer) for buyer in ("Ann", "Bob", "Eve")] == [6, 3, 0]
        assert await shop.counts() == (CAPACITY - 9, 0, 9)
        assert (await shop.one.buy(buyer="Ann")).code is Code.LIMIT_REACHED


async def test_orders_are_put_back_while_others_are_sold_and_changed(server: Server) -> None:
    async with shop_of(server) as shop:
        held = [await shop.one.hold(quantity=2) for _ in range(6)]
        confirmed = [await forgotten(shop, each.order, Act.CONFIRM) for each in held]
        sold = [shop.two.sell(buyer="Bob") for _ in range(30)]
        released = shop.one.amend(held[0].order, Act.EXTEND)
        done = await asyncio.gather(put_back(shop, *confirmed), released, *sold)
        assert done[0] == 6
        assert await shop.counts() == (CAPACITY - 42, 0, 42)


# --- every sequence ------------------------------------------------------------------

# An act, and its time after the one before.
steps = st.tuples(st.sampled_from(Act), st.sampled_from([0.0, 1.0, 30.0, 60.0]))
quick = settings(derandomize=True, database=None, max_examples=400, deadline=None)


def life(order: Order, acts: Sequence[tuple[Act, float]], name: str, at: float = 0.0) -> Order:
    for number, (act, passed) in enumerate(acts):
        at += passed
        change = OrderChange(order="o", act=act, key=f"{name}{number}")
        after = amended(order, change, Occasion(RULES, at, f"{name}{number}"))
        order = order if isinstance(after, Refusal) else after
    return order


def there(order: Order) -> StoredOrder:
    return StoredOrder("o", "show", order, 1, "g", 7)


@quick
@given(st.sampled_from([HELD, SOLD]), st.lists(steps, max_size=6), st.lists(steps, max_size=6))
def test_an_earlier_state_becomes_what_was_confirmed(
    order: Order, before: list[tuple[Act, float]], lost: list[tuple[Act, float]]
) -> None:
    early = life(order, before, "before")
    confirmed = life(early, lost, "lost", at=sum(passed for _, passed in before))
    mended = mend(Sale(REF, "o", confirmed), there(early))
    if confirmed.status == "held":
        assert mended is None
        return
    assert mended is not None
    assert mended.sale.order == confirmed
    assert mended.takes == 3 * (has_tickets(confirmed) - has_tickets(early)) <= 0


@quick
@given(
    st.sampled_from([HELD, SOLD]),
    st.lists(steps, max_size=4),
    st.lists(steps, max_size=4),
    st.lists(steps, min_size=1, max_size=4),
)
def test_of_two_futures_the_second_is_overruled_only_where_a_hold_was_sold_in_the_first(
    order: Order,
    before: list[tuple[Act, float]],
    lost: list[tuple[Act, float]],
    since: list[tuple[Act, float]],
) -> None:
    at = sum(passed for _, passed in before)
    early = life(order, before, "before")
    confirmed, found = life(early, lost, "lost", at), life(early, since, "since", at)
    mended = mend(Sale(REF, "o", confirmed), there(found))
    done = {change.act for change in found.changes if change.batch.startswith("since")}
    if mended is None:
        overruled = {Act.EXPIRE, Act.EXTEND} if confirmed.status == "sold" else {Act.EXPIRE}
        assert confirmed.status == "held" or done - overruled
        return
    after = mended.sale.order
    assert is_preserved(confirmed, there(after))
    assert is_preserved(found, there(after))
    assert (after.status, after.admitted) == (confirmed.status, confirmed.admitted)
    assert mended.takes == 3 * (has_tickets(after) - has_tickets(found))
    # No sale, no admission and no ticket that was given back by hand is undone.
    assert not done & {Act.CONFIRM, Act.CHECK_IN, Act.CANCEL, Act.RELEASE}


@pytest.mark.parametrize(
    "other",
    [
        there(changed(SOLD, buyer="Eve")),
        there(changed(SOLD, quantity=2)),
        there(changed(SOLD, batch="of the same key, after the first was lost")),
        BadZnode("/o", "bytes"),
    ],
)
def test_another_purchase_is_left_alone(other: StoredOrder | BadZnode) -> None:
    cancelled = life(SOLD, [(Act.CANCEL, 1.0)], "lost")
    assert mend(Sale(REF, "o", cancelled), there(SOLD)) is not None
    assert mend(Sale(REF, "o", cancelled), other) is None


def test_what_is_written_depends_on_what_was_read() -> None:
    cancelled = Sale(REF, "0" * 32, life(SOLD, [(Act.CANCEL, 1.0)], "lost"))
    over = mend(cancelled, there(SOLD))
    anew = mend(cancelled, None)
    assert over is not None
    assert anew is not None
    assert getattr(over.operation, "version", None) == 7
    assert replace(over, there=None).operation == anew.operation
