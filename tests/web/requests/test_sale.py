"""What buyers see of a healthy instance: nothing is oversold, and nothing doubled."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from tests.support.instance import Buyer, Instance, Reply, eventually, running


@pytest.fixture
def type_b(shop: Instance) -> Instance:
    """The shared shop, with a hundred tickets of type B for sale."""
    done = shop.run("admin", "reset", "B", "--quantity", "100", "--yes")
    assert done.returncode == 0, done.stderr
    return shop


def at_once(buyers: int, buy: Callable[[int], Reply]) -> list[Reply]:
    """Runs that many buyers, which all press the button at the same moment."""
    gate = Barrier(buyers)

    def press(number: int) -> Reply:
        gate.wait(30)
        return buy(number)

    with ThreadPoolExecutor(buyers) as pool:
        return list(pool.map(press, range(buyers)))


def test_300_buyers_get_100_tickets(tmp_path: Path) -> None:
    with running(tmp_path / "data") as shop:
        replies = at_once(300, lambda _: shop.buyer(30).buy("A"))
        assert Counter(reply.status for reply in replies) == {201: 100, 409: 200}
        refused = [reply for reply in replies if reply.status == 409]
        assert {reply.code for reply in refused} == {"sold-out"}
        assert {reply.json["remaining"] for reply in refused} == {0}
        assert len({reply.json["order"] for reply in replies if reply.status == 201}) == 100
        shop.verify()
        sold = shop.types()["A"]
        assert (sold["sold"], sold["remaining"], sold["capacity"]) == (100, 0, 100)
        shop.down()


def test_one_key_sent_50_times_at_once_makes_one_order(type_b: Instance) -> None:
    before = type_b.types()["B"]["remaining"]
    replies = at_once(50, lambda _: type_b.buyer().buy("B", key="the-same-key"))
    assert len({reply.json["order"] for reply in replies}) == 1
    assert sorted(reply.status for reply in replies) == [200] * 49 + [201]
    replayed = [reply for reply in replies if reply.status == 200]
    assert {reply.headers["idempotency-replayed"] for reply in replayed} == {"true"}
    assert len({reply.body for reply in replies}) == 1
    assert type_b.types()["B"]["remaining"] == before - 1
    type_b.verify()


def test_a_key_that_bought_something_else_is_refused(type_b: Instance) -> None:
    buyer = type_b.buyer()
    assert buyer.buy("B", key="mine", quantity=2).status == 201
    assert buyer.buy("B", key="mine", quantity=3).code == "key-reused"
    assert buyer.buy("C", key="mine", quantity=2).code == "key-reused"
    assert buyer.buy("B", key="mine", quantity=2, buyer="Bob").code == "key-reused"
    type_b.verify()


def test_a_repeat_gets_its_order_when_the_type_is_sold_out_by_now(type_b: Instance) -> None:
    buyer = type_b.buyer()
    first = buyer.buy("B", key="early")
    type_b.run("admin", "reset", "B", "--quantity", "0", "--yes")
    assert eventually("sold out", lambda: buyer.buy("B").code == "sold-out")
    again = buyer.buy("B", key="early")
    assert (again.status, again.body) == (200, first.body)


def test_an_order_can_be_looked_up_by_its_id_only(type_b: Instance) -> None:
    buyer = type_b.buyer()
    bought = buyer.buy("B", buyer="  Ann Lee  ").json
    assert bought["buyer"] == "Ann Lee"
    assert buyer.get(f"/api/orders/{bought['order']}").json == bought
    assert buyer.get(f"/orders/{bought['order']}").status == 200
    assert buyer.get("/api/orders/" + "0" * 32).code == "no-such-order"


def test_a_buyer_sees_its_own_purchase_in_what_is_left(type_b: Instance) -> None:
    buyer = type_b.buyer()
    eventually("the reset is seen", lambda: _left(buyer) == 100)
    for _ in range(5):
        before = _left(buyer)
        assert buyer.buy("B", quantity=2).status == 201
        assert _left(buyer) == before - 2


def test_a_quantity_that_is_too_large_leaves_the_rest_for_others(type_b: Instance) -> None:
    type_b.run("admin", "reset", "B", "--quantity", "3", "--yes")
    buyer = type_b.buyer()
    short = eventually("three left", lambda: _sold_out(buyer.buy("B", quantity=4)))
    assert short.json["remaining"] == 3
    assert buyer.buy("B", quantity=3).status == 201
    assert buyer.buy("B").code == "sold-out"
    type_b.verify()


def test_what_was_sold_is_still_sold_after_down_and_up(tmp_path: Path) -> None:
    with running(tmp_path / "data") as shop:
        bought = shop.buyer().buy("A", quantity=7).json
        shop.down()
        shop.up()
        assert shop.buyer().get(f"/api/orders/{bought['order']}").json == bought
        sold = shop.types()["A"]
        assert (sold["sold"], sold["remaining"]) == (7, 93)
        shop.verify()
        shop.down()


def _sold_out(reply: Reply) -> Reply | None:
    return reply if reply.status == 409 else None


def _left(buyer: Buyer) -> int:
    types = buyer.get("/api/events/default").json["types"]
    return next(int(found["remaining"]) for found in types if found["name"] == "B")
