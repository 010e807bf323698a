"""Orders in operators' pages: found by number or buyer, explained, cancelled after a question."""

from collections.abc import Iterator

import pytest

from tests.fakeclerk import id_of
from tests.fakeweb import FakeWeb, running
from tests.signedin import Operator, enter

ORDERS = "/operator/orders"


@pytest.fixture(scope="module")
def web() -> Iterator[FakeWeb]:
    with running("open") as site:
        yield site


@pytest.fixture(scope="module")
def operator(web: FakeWeb) -> Operator:
    return enter(web)


@pytest.mark.parametrize(
    "path", [ORDERS, f"{ORDERS}/{id_of('a')}", f"{ORDERS}/{id_of('a')}/cancel"]
)
def test_a_stranger_is_sent_to_sign_in(web: FakeWeb, path: str) -> None:
    assert web.get(path).headers["location"] == "/operator/sign-in"


def test_a_number_leads_to_its_order_however_it_is_written(operator: Operator) -> None:
    for text in (id_of("a"), f"http://x/orders/{id_of('a')}", "AAAA+" * 8):
        answer = operator.get(f"{ORDERS}?find={text}")
        assert answer.headers["location"] == f"{ORDERS}/{id_of('a')}"


def test_a_buyer_is_found_however_the_name_is_spelled(operator: Operator) -> None:
    page = operator.get(f"{ORDERS}?find=aDA++lovelace").text
    assert page.count("Ada Lovelace &lt;") == 7
    assert f'href="{ORDERS}/{id_of("b3")}"' in page
    assert "No order is of a buyer" in operator.get(f"{ORDERS}?find=nobody").text


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
    assert "2 tickets of front of gala are for sale again" in asked
    fields = operator.answer(f"{order}/cancel")
    assert operator.post(f"{order}/cancel", fields | {"csrf": "0"}).status == 403
    assert "Confirmed" in operator.get(order).text
    done = operator.post(f"{order}/cancel", fields)
    assert done.headers["location"] == f"{order}?done=cancel"
    page = operator.get(f"{order}?done=cancel").text
    assert "Cancelled" in page
    assert "its tickets are for sale again" in page


def test_what_cannot_be_cancelled_says_why(operator: Operator) -> None:
    order = f"{ORDERS}/{id_of('b2')}/cancel"
    answer = operator.post(order, operator.answer(order))
    assert answer.status == 409
    assert "no valid ticket" in answer.text
