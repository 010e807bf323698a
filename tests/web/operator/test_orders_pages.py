"""Orders in operators' pages: found by number or buyer, explained, cancelled after a question."""

import asyncio
import csv
from collections.abc import Sequence
from itertools import pairwise
from urllib.parse import urlencode

import pytest

from core.errors import BadRequest
from core.events.edit import EventManager
from core.schema import paths
from core.schema.order_number import code_of, number_of, typed_number
from core.schema.records import Order, TicketType, encode
from core.settings import Settings
from core.store.scan import OrderFilter
from core.store.store import Store
from core.zookeeper.client import Znode
from core.zookeeper.multi import Create
from tests.support.fakes.fake_clerk import TICKETS, id_of
from tests.support.fakes.fake_web import FakeWeb
from tests.support.fakes.fake_worker import TICKET_KEY
from tests.support.fakes.fake_zookeeper import FakeZooKeeper
from tests.support.signed_in import Operator
from web.operator_actions import MOST_FOUND, PATIENTLY, FoundOrders, Latest, Operations

ORDERS = "/operator/orders"


@pytest.mark.parametrize(
    "path", [ORDERS, f"{ORDERS}/{id_of('a')}", f"{ORDERS}/{id_of('a')}/cancel"]
)
def test_a_stranger_is_sent_to_sign_in(web: FakeWeb, path: str) -> None:
    assert web.get(path).headers["location"] == "/operator/sign-in"


def test_a_number_leads_to_its_order_however_it_is_written(operator: Operator) -> None:
    code, number = code_of(TICKET_KEY, id_of("a")), number_of(id_of("a"))
    for text in (id_of("a"), f"http://x/orders/{id_of('a')}", "AAAA+" * 8, code, number):
        answer = operator.get(f"{ORDERS}?find={text}")
        assert answer.headers["location"] == f"{ORDERS}/{id_of('a')}"


def test_a_buyer_is_found_however_the_name_is_spelled(operator: Operator) -> None:
    page = operator.get(f"{ORDERS}?find=aDA++lovelace").text
    assert page.count("Ada Lovelace &lt;") == len(TICKETS)
    assert f'href="{ORDERS}/{id_of("b3")}"' in page
    assert "No orders found for that name" in operator.get(f"{ORDERS}?find=nobody").text


def test_a_name_that_could_be_a_number_is_looked_up_as_a_name(operator: Operator) -> None:
    for name in ("James Smith", "Emma Becker"):
        assert typed_number(name)
        page = operator.get(f"{ORDERS}?{urlencode({'find': name})}").text
        assert "No orders found for that name" in page


def test_an_order_is_shown_with_its_life(operator: Operator) -> None:
    page = operator.get(f"{ORDERS}/{id_of('b0')}").text
    for text in ("Ada Lovelace &lt;b0&gt;", "Held, not bought yet", "batch worker-1.b", "held"):
        assert text in page
    assert "/cancel" not in page
    assert operator.get(f"{ORDERS}/{id_of('c')}").status == 404
    assert operator.get(f"{ORDERS}/nonsense").status == 404
    assert operator.get(f"{ORDERS}/{'f' * 32}").status == 409


def test_an_order_is_cancelled_after_a_question(operator: Operator) -> None:
    order = f"{ORDERS}/{id_of('a1')}"
    asked = operator.get(f"{order}/cancel").text
    assert "Cancel the order of Ada Lovelace &lt;a1&gt;?" in asked
    assert "2 tickets of Front row of Summer gala; music, wine\\dance are for sale again" in asked
    fields = operator.answer(f"{order}/cancel")
    assert operator.post(f"{order}/cancel", fields | {"csrf": "0"}).status == 403
    assert "Valid" in operator.get(order).text
    done = operator.post(f"{order}/cancel", fields)
    assert done.headers["location"] == f"{order}?done=cancel"
    page = operator.get(f"{order}?done=cancel").text
    assert "Cancelled" in page
    assert "its tickets are for sale again" in page


def test_what_cannot_be_cancelled_says_why(operator: Operator) -> None:
    order = f"{ORDERS}/{id_of('b2')}/cancel"
    answer = operator.post(order, operator.answer(order))
    assert answer.status == 409
    assert "This ticket is not valid" in answer.text


# --- a search, beside those who buy --------------------------------------------------


class Shelves(FakeZooKeeper):
    """Notes the readings of orders, and how many are under way."""

    def __init__(self) -> None:
        super().__init__()
        self.read_at: list[float] = []
        self.reading = self.most_reading = 0

    async def get_many(self, wanted: Sequence[str]) -> list[Znode | None]:
        if any("/orders/" in path for path in wanted):
            self.read_at.append(asyncio.get_running_loop().time())
        self.reading += 1
        self.most_reading = max(self.most_reading, self.reading)
        await asyncio.sleep(0)
        self.reading -= 1
        return await super().get_many(wanted)

    async def stock_up(self, orders: int) -> None:
        await self.ensure("/events", "/log")
        await EventManager(self.as_zookeeper()).create_event(
            "default", "Test", {"A": TicketType(capacity=orders)}
        )
        life = (await Store(self.as_zookeeper()).event("default")).generation
        for number in range(orders):
            path = paths.order("default", life, f"{number * 7919 % 251:02x}{number:030x}")
            self.apply([Create(path, encode(bought(number)))])
        self.read_at.clear()


def bought(number: int) -> Order:
    return Order(type="A", quantity=1, buyer="Ann", status="sold", at=float(number), batch="b")


def searched(shelves: Shelves, orders: int) -> FoundOrders:
    async def look() -> FoundOrders:
        await shelves.stock_up(orders)
        return await Operations(shelves.as_zookeeper(), Settings(), TICKET_KEY).find(
            OrderFilter(buyer="ann")
        )

    return asyncio.run(look())


def test_of_very_many_orders_the_latest_are_found() -> None:
    found = searched(Shelves(), MOST_FOUND + 30)
    times = [order.created_at for order in found.orders]
    assert not found.whole
    assert times == sorted(times, reverse=True)
    assert (len(times), times[-1]) == (MOST_FOUND, "1970-01-01T00:00:30.000Z")


def test_a_search_keeps_no_more_than_is_shown() -> None:
    latest, most = Latest(), 0
    for order in 10 * searched(Shelves(), 60).orders:
        latest.add(order)
        most = max(most, len(latest))
    assert most == MOST_FOUND


def test_a_search_reads_page_by_page_and_lets_buyers_go_first() -> None:
    shelves = Shelves()
    assert len(searched(shelves, 40).orders) == 40
    assert shelves.most_reading == 1
    pauses = [later - earlier for earlier, later in pairwise(shelves.read_at)]
    assert len(pauses) == 39
    assert min(pauses) > 0.9 * PATIENTLY.pause_s


async def test_a_second_search_is_refused_at_once_and_the_first_goes_on() -> None:
    shelves = Shelves()
    await shelves.stock_up(20)
    operations = Operations(shelves.as_zookeeper(), Settings(), TICKET_KEY)
    first = asyncio.create_task(operations.find(OrderFilter(buyer="ann")))
    await asyncio.sleep(0)
    with pytest.raises(BadRequest) as refusal:
        await operations.find(OrderFilter(buyer="bob"))
    assert (refusal.value.code, refusal.value.text) == ("refused", "operators.orders.busy")
    assert not first.done()
    assert len((await first).orders) == 20
    assert (await operations.find(OrderFilter(buyer="bob"))).orders == ()


def test_a_buyer_is_told_to_wait_in_its_language(operator: Operator) -> None:
    busy = f"{ORDERS}?find=busy"
    answer = operator.get(busy)
    assert answer.status == 409
    assert "Somebody else’s search is under way" in answer.text
    assert "另一項搜尋正在進行中" in operator.get(busy, accept_language="zh-TW").text


# --- an event's orders ---------------------------------------------------------------


def test_an_events_orders_are_shown_with_what_they_took(operator: Operator) -> None:
    page = operator.get(f"{ORDERS}?event=gala").text
    assert "Takings" in page
    assert "Tickets sold over the sale" in page
    assert f'href="{ORDERS}/export?event=gala" download' in page


def test_orders_are_picked_by_state(operator: Operator) -> None:
    held = operator.get(f"{ORDERS}?event=gala&state=held").text
    assert f'href="{ORDERS}/{id_of("b0")}"' in held
    assert f'href="{ORDERS}/{id_of("a")}"' not in held


def test_orders_are_exported_with_the_filters_of_the_page(operator: Operator) -> None:
    file = operator.get(f"{ORDERS}/export?event=gala&state=held")
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert file.headers["content-disposition"] == 'attachment; filename="orders-gala.csv"'
    assert id_of("b0") in file.text
    assert id_of("a") not in file.text.split()


def test_an_events_name_that_is_none_is_refused(operator: Operator) -> None:
    assert operator.get(f"{ORDERS}/export?event=%22x").status == 404


async def test_an_export_has_every_order_and_its_code_oldest_first() -> None:
    shelves = Shelves()
    await shelves.stock_up(MOST_FOUND + 30)
    operations = Operations(shelves.as_zookeeper(), Settings(), TICKET_KEY)
    rows = list(
        csv.DictReader((await operations.export(OrderFilter(event="default"))).splitlines())
    )
    assert len(rows) == MOST_FOUND + 30
    assert [row["created_at"] for row in rows] == sorted(row["created_at"] for row in rows)
    assert all(row["code"] == code_of(TICKET_KEY, row["order"]) for row in rows)


async def test_more_orders_than_a_page_exports_are_for_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("web.operator_actions.MOST_EXPORTED", 10)
    shelves = Shelves()
    await shelves.stock_up(11)
    operations = Operations(shelves.as_zookeeper(), Settings(), TICKET_KEY)
    with pytest.raises(BadRequest) as refusal:
        await operations.export(OrderFilter())
    assert refusal.value.text == "operators.orders.too-many"
