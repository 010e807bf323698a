"""An order keeps the price that was agreed, whatever becomes of its event."""

import asyncio
import csv
import json
import sys
import time

import msgspec
import pytest

from core.errors import WrongTerm
from core.events import event_manager
from core.events.terms import Terms, TypeTerms
from core.schema.records import Order, OrderView, decode, view
from core.store.order_lifecycle import Act
from core.text.export import csv_rows, json_lines
from core.text.money import amount
from core.transport.link import Answer, Code
from tests.support.two_workers import CAPACITY, PRICE, Shop, shop_of
from tests.support.zookeeper_server import Server
from web.http.i18n import Languages
from web.pages.ticket_view import ticket_view

OLD = b'{"v":1,"type":"A","quantity":2,"buyer":"Ann","status":"sold","at":1.0,"batch":"b.1"}'


def agreed(answer: Answer | OrderView | None) -> tuple[int | None, int | None, str]:
    order = answer.order if isinstance(answer, Answer) else answer
    assert order is not None
    return order.price, order.total, order.currency


async def price(shop: Shop, hundredths: int) -> None:
    await event_manager.edit(
        shop.two.zk, "show", Terms(), {"A": TypeTerms(price=amount(hundredths, 2).replace(",", ""))}
    )


async def test_an_order_and_a_hold_keep_the_price_at_which_they_were_made(server: Server) -> None:
    async with shop_of(server) as shop:
        sold, held = await shop.one.sell(quantity=2), await shop.one.hold()
        assert agreed(sold) == (PRICE, 2 * PRICE, "EUR")
        await price(shop, 9900)
        assert agreed(await shop.two.amend(held.order, Act.EXTEND)) == (PRICE, PRICE, "EUR")
        assert agreed(await shop.two.amend(held.order, Act.CONFIRM)) == (PRICE, PRICE, "EUR")
        assert agreed((await shop.one.store.order(sold.order)).view) == (PRICE, 2 * PRICE, "EUR")
        assert agreed(await shop.one.sell()) == (9900, 9900, "EUR")


async def test_from_a_new_price_on_nothing_is_sold_at_the_old_one(server: Server) -> None:
    """Both workers have read the old price a moment ago."""
    async with shop_of(server) as shop:
        for worker in shop.workers:
            assert agreed(await worker.sell()) == (PRICE, PRICE, "EUR")
        for hundredths in range(1, 6):
            await price(shop, hundredths)
            for worker in shop.workers:
                assert agreed(await worker.sell()) == (hundredths, hundredths, "EUR")


async def test_a_buyer_who_was_shown_another_price_buys_nothing(server: Server) -> None:
    async with shop_of(server) as shop:
        await shop.one.sell()
        await price(shop, 9900)
        for hold in (False, True):
            refused = await shop.one.buy(price=PRICE, currency="EUR", hold=hold)
            assert (refused.code, refused.order) == (Code.PRICE_CHANGED, None)
        assert (await shop.one.buy(price=9900, currency="JPY")).code is Code.PRICE_CHANGED
        assert await shop.counts() == (CAPACITY - 1, 0, 1)
        bought = await shop.one.buy("k-1", price=9900, currency="EUR")
        assert (bought.code, agreed(bought)) == (Code.SOLD, (9900, 9900, "EUR"))


async def test_a_worker_that_has_the_old_price_refuses_nobody_who_was_shown_the_new_one(
    server: Server,
) -> None:
    async with shop_of(server) as shop:
        await shop.one.sell()
        await price(shop, 9900)
        assert agreed(await shop.one.sell(price=9900, currency="EUR")) == (9900, 9900, "EUR")


@pytest.mark.parametrize("hold", [False, True], ids=["sold", "held"])
async def test_a_worker_that_knew_the_sale_as_closed_sells_once_it_is_open(
    server: Server, hold: bool
) -> None:
    async with shop_of(server) as shop:
        for _ in range(3):
            await event_manager.close_sale(shop.two.zk, "show", time.time())
            for worker in shop.workers:
                assert (await worker.buy(hold=hold)).code is Code.NOT_ON_SALE
            await event_manager.open_sale(shop.two.zk, "show", time.time())
            for worker in shop.workers:
                assert (await worker.buy(hold=hold)).code is Code.SOLD


async def test_a_worker_that_knew_a_lower_limit_sells_up_to_the_new_one(server: Server) -> None:
    async with shop_of(server, limit=1) as shop:
        for limit in (1, 2, 3):
            await event_manager.edit(shop.two.zk, "show", Terms(limit=limit))
            assert (await shop.one.buy()).code is Code.SOLD
            for worker in shop.workers:
                assert (await worker.buy()).code is Code.LIMIT_REACHED
        await event_manager.edit(shop.two.zk, "show", Terms(limit=0))
        for worker in shop.workers:
            assert (await worker.buy(quantity=4)).code is Code.SOLD


async def test_a_sale_goes_on_while_its_terms_change_all_the_time(server: Server) -> None:
    async with shop_of(server) as shop:

        async def edits() -> None:
            for number in range(1000):
                await event_manager.edit(
                    shop.two.zk,
                    "show",
                    Terms(title=f"Show {number}"),
                    {"A": TypeTerms(price=str(number))},
                )

        editing = asyncio.create_task(edits())
        for _ in range(CAPACITY // 4):
            answers = await asyncio.gather(*(each.buy() for each in shop.workers))
            assert {each.code for each in answers} == {Code.SOLD}
        assert not editing.done()
        editing.cancel()


async def test_a_repeat_gets_its_order_at_whatever_price_it_was_made(server: Server) -> None:
    async with shop_of(server) as shop:
        first = await shop.one.buy("k-1", price=PRICE, currency="EUR")
        await price(shop, 9900)
        for worker in shop.workers:
            again = await worker.buy("k-1", price=PRICE, currency="EUR")
            assert (again.code, again.order) == (Code.REPLAYED, first.order)


@pytest.mark.parametrize("hold", [False, True], ids=["sold", "held"])
async def test_the_currency_changes_only_while_nothing_is_sold_or_held(
    server: Server, hold: bool
) -> None:
    async with shop_of(server) as shop:
        await event_manager.edit(shop.two.zk, "show", Terms(currency="TWD"))
        order = (await shop.one.buy(hold=hold)).order
        assert agreed(order) == (PRICE, PRICE, "TWD")
        with pytest.raises(WrongTerm, match=r"tickets are sold and \d held in TWD"):
            await event_manager.edit(shop.two.zk, "show", Terms(currency="USD", title="Other"))
        assert (await shop.one.store.event("show")).title == "Show"
        assert order is not None
        act = Act.RELEASE if hold else Act.CANCEL
        assert (await shop.one.amend(order.order, act, operator=True)).code is Code.DONE
        await event_manager.edit(shop.two.zk, "show", Terms(currency="USD"))
        assert agreed((await shop.one.store.order(order.order)).view) == (PRICE, PRICE, "TWD")
        assert agreed(await shop.one.sell()) == (PRICE, PRICE, "USD")


# --- as it is shown ------------------------------------------------------------------


def order_of(data: bytes) -> OrderView:
    return view("0" * 32, "gala", decode(Order, data, "/o"), 7)


def test_an_order_of_an_earlier_version_says_that_its_price_was_not_recorded() -> None:
    order = order_of(OLD)
    assert b"total" not in msgspec.json.encode(order)
    assert ticket_view(Languages().default, order, None).price.text == "Not recorded"


def test_pages_and_exports_show_what_the_order_says_and_not_the_event(
    capsys: pytest.CaptureFixture[str],
) -> None:
    order = order_of(OLD.replace(b'"batch"', b'"price":4850,"currency":"TWD","batch"'))
    assert ticket_view(Languages().default, order, None).price.text == "NT$97.00"
    json_lines(sys.stdout)(order)
    csv_rows(sys.stdout, OrderView)(order)
    told, *rows = capsys.readouterr().out.splitlines()
    assert json.loads(told)["total"] == 9700
    [cells] = csv.DictReader(rows)
    assert (cells["price"], cells["total"], cells["currency"]) == ("4850", "9700", "TWD")


def test_an_order_without_a_price_is_free_and_not_unknown() -> None:
    order = order_of(OLD.replace(b'"batch"', b'"price":0,"currency":"EUR","batch"'))
    assert (order.price, order.total) == (0, 0)
    assert ticket_view(Languages().default, order, None).price.text == "Free"
