"""How an event is paid: not at all here, at the door, or before anything is sold."""

import msgspec
import pytest

from core.events import event_manager
from core.events.terms import Terms, TypeTerms
from core.schema.records import Order, decode, view
from core.store.order_lifecycle import Act
from core.transport.link import Answer, Code
from tests.support.two_workers import CAPACITY, PRICE, shop_of
from tests.support.zookeeper_server import Server


def standing(answer: Answer) -> tuple[Code, str, int]:
    assert answer.order is not None
    return answer.code, answer.order.status, answer.order.owed


async def test_where_payment_is_required_only_a_payment_or_an_operator_sells(
    server: Server,
) -> None:
    async with shop_of(server, payment="required") as shop:
        bought = await shop.one.buy("k-1")
        assert (bought.code, bought.order) == (Code.PAYMENT_REQUIRED, None)
        held = await shop.one.hold(quantity=2)
        assert (held.payment, held.owed) == ("required", 2 * PRICE)
        for worker in shop.workers:
            refused = await worker.amend(held.order, Act.CONFIRM)
            assert standing(refused) == (Code.PAYMENT_REQUIRED, "held", 2 * PRICE)
        wrong = await shop.one.pay(held.order, "p0", PRICE, "EUR")
        assert standing(wrong) == (Code.WRONG_AMOUNT, "held", 2 * PRICE)
        paid = await shop.two.pay(held.order, "p1", 2 * PRICE, "EUR")
        assert standing(paid) == (Code.DONE, "sold", 0)
        # What is sold is confirmed, however often and by whom it is asked for.
        assert standing(await shop.one.amend(held.order, Act.CONFIRM)) == (Code.DONE, "sold", 0)
        other = await shop.one.hold()
        done = await shop.two.amend(other.order, Act.CONFIRM, operator=True)
        assert standing(done) == (Code.DONE, "sold", 0)
        assert await shop.counts() == (CAPACITY - 3, 0, 3)


async def test_the_rule_counts_from_the_moment_it_is_changed_and_sold_orders_keep_theirs(
    server: Server,
) -> None:
    async with shop_of(server, payment="door") as shop:
        sold = await shop.one.sell(key="k-1")
        held = await shop.two.hold()
        assert (sold.payment, sold.owed, held.owed) == ("door", PRICE, PRICE)
        await event_manager.edit(shop.two.zk, "show", Terms(payment="required"))
        for worker in shop.workers:
            assert (await worker.buy()).code is Code.PAYMENT_REQUIRED
        assert (await shop.one.amend(held.order, Act.CONFIRM)).code is Code.PAYMENT_REQUIRED
        # The same purchase again has bought already.
        again = await shop.one.buy("k-1")
        assert standing(again) == (Code.REPLAYED, "sold", PRICE)
        await event_manager.edit(shop.two.zk, "show", Terms(payment="none"))
        done = await shop.one.amend(held.order, Act.CONFIRM)
        assert standing(done) == (Code.DONE, "sold", 0)
        assert standing(await shop.one.pay(sold.order, "p1", PRICE, "EUR")) == (
            Code.DONE,
            "sold",
            0,
        )


async def test_what_costs_nothing_needs_no_payment(server: Server) -> None:
    async with shop_of(server, payment="required") as shop:
        await event_manager.edit(shop.one.zk, "show", Terms(), {"A": TypeTerms(price="0")})
        assert (await shop.one.sell()).owed == 0
        held = await shop.one.hold()
        assert standing(await shop.two.amend(held.order, Act.CONFIRM)) == (Code.DONE, "sold", 0)


@pytest.mark.parametrize(
    ("fields", "owed"),
    [
        (b'"status":"sold"', 0),
        (b'"status":"sold","price":4850', 0),
        (b'"status":"sold","price":4850,"payment":"door"', 9700),
        (b'"status":"held","price":4850,"payment":"required"', 9700),
        (b'"status":"sold","price":4850,"payment":"required"', 0),
        (b'"status":"cancelled","price":4850,"payment":"door"', 0),
    ],
)
def test_what_is_owed_is_in_the_orders_record(fields: bytes, owed: int) -> None:
    data = b'{"v":1,"type":"A","quantity":2,"buyer":"Ann","at":1.0,"batch":"b.1",%s}' % fields
    found = view("0" * 32, "gala", decode(Order, data, "/o"), 7)
    assert (found.owed, b"owed" in msgspec.json.encode(found)) == (owed, bool(owed))
