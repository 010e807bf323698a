"""What one client may hold at a time; tickets that it holds already are never refused."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from core.schema.records import OrderView
from core.transport.link import Answer, Code
from tests.support.fakes.fake_site import TOKEN
from tests.support.fakes.fake_web import FakeWeb, Response, running
from tests.support.signed_in import FORM
from web.http.problems import Problem
from web.requests.hold_quota import MOST_CLIENTS, UNKNOWN_S, HoldClaim, OpenHolds
from web.requests.purchase import Basket

HOLD_S = 300.0
ANN, BEN = "203.0.113.1", "203.0.113.2"


class Counter:
    """The open holds of a web, with a clock."""

    def __init__(self, most_holds: int = 4, most_tickets: int = 20) -> None:
        self.now = 1_750_000_000.0
        self.numbers = 0
        self.holds = OpenHolds(most_holds, most_tickets, lambda: self.now)

    def ask(self, address: str = ANN, quantity: int = 1, key: str = "") -> HoldClaim | Problem:
        self.numbers += 1
        key = key or f"key-{self.numbers}"
        basket = Basket(
            event="gala", type="A", quantity=quantity, buyer="Ann", key=key, keyed=True, hold=True
        )
        return self.holds.claim(address, basket)

    def hold(self, address: str = ANN, quantity: int = 1, key: str = "") -> OrderView | Problem:
        """Holds a ticket, up to the order's page."""
        claim = self.ask(address, quantity, key)
        if isinstance(claim, Problem):
            return claim
        order = self.order(claim, quantity)
        self.holds.settle(claim, Answer(id=1, code=Code.SOLD, order=order))
        return order

    def order(self, claim: HoldClaim, quantity: int = 1, status: str = "held") -> OrderView:
        until = datetime.fromtimestamp(self.now + HOLD_S, UTC).isoformat()
        return OrderView(
            order=f"order of {claim.place}",
            event="gala",
            type="A",
            quantity=quantity,
            buyer="Ann",
            status=status,
            created_at=until,
            held_until=until,
            zxid=1,
        )


@pytest.fixture
def counter() -> Counter:
    return Counter()


def assert_refused(found: object) -> Problem:
    assert isinstance(found, Problem)
    assert (found.code, found.status) == ("too-many-holds", 429)
    return found


def test_one_client_has_four_holds_and_the_next_client_has_four_as_well(counter: Counter) -> None:
    for address in (ANN, BEN):
        for _ in range(4):
            assert isinstance(counter.hold(address), OrderView)
        assert_refused(counter.hold(address))


def test_one_client_holds_twenty_tickets(counter: Counter) -> None:
    assert isinstance(counter.hold(quantity=10), OrderView)
    assert isinstance(counter.hold(quantity=9), OrderView)
    assert_refused(counter.hold(quantity=2))
    assert isinstance(counter.hold(quantity=1), OrderView)


def test_requests_that_are_under_way_count(counter: Counter) -> None:
    claims = [counter.ask(quantity=5) for _ in range(4)]
    assert all(isinstance(claim, HoldClaim) for claim in claims)
    assert_refused(counter.ask())
    assert isinstance(claims[0], HoldClaim)
    counter.holds.settle(claims[0], Answer(id=1, code=Code.SOLD_OUT, remaining=0))
    assert isinstance(counter.ask(), HoldClaim)


@pytest.mark.parametrize("status", ["sold", "released", "expired"])
def test_an_ended_hold_does_not_count(counter: Counter, status: str) -> None:
    orders = [counter.hold() for _ in range(4)]
    assert isinstance(orders[0], OrderView)
    counter.holds.note(counter.order(HoldClaim(ANN, ("gala", "key-1")), status=status))
    assert isinstance(counter.hold(), OrderView)
    assert_refused(counter.hold())


def test_a_hold_counts_until_its_time_is_up_and_longer_where_it_is_extended(
    counter: Counter,
) -> None:
    for _ in range(4):
        counter.hold()
    assert assert_refused(counter.hold()).retry_after == HOLD_S
    counter.now += HOLD_S - 1
    for number in (1, 2, 3):
        counter.holds.note(counter.order(HoldClaim(ANN, ("gala", f"key-{number}"))))
    assert_refused(counter.hold())
    counter.now += 1
    assert isinstance(counter.hold(), OrderView)
    assert_refused(counter.hold())


def test_a_request_that_is_sent_again_is_never_refused_and_counts_once(counter: Counter) -> None:
    for number in range(4):
        counter.hold(key=f"k{number}")
    for _ in range(3):
        assert isinstance(counter.hold(key="k0"), OrderView)
    assert_refused(counter.hold())


def test_a_key_that_is_used_for_something_else_frees_nothing(counter: Counter) -> None:
    for number in range(4):
        counter.hold(key=f"k{number}")
    other = counter.ask(quantity=9, key="k0")
    assert isinstance(other, HoldClaim)
    counter.holds.settle(other, Answer(id=1, code=Code.KEY_REUSED))
    assert_refused(counter.hold())


def test_a_hold_of_unknown_outcome_counts_for_a_while_and_is_found_again(counter: Counter) -> None:
    for number in range(4):
        claim = counter.ask(key=f"k{number}")
        assert isinstance(claim, HoldClaim)
        counter.holds.settle(claim, Answer(id=1, code=Code.OUTCOME_UNKNOWN))
    assert_refused(counter.ask())
    assert isinstance(counter.hold(key="k0"), OrderView)
    counter.now += UNKNOWN_S
    for _ in range(3):
        assert isinstance(counter.hold(), OrderView)
    assert_refused(counter.hold())


def test_one_client_is_a_64_of_ipv6(counter: Counter) -> None:
    for number in range(4):
        assert isinstance(counter.hold(f"2001:db8::{number}"), OrderView)
    assert_refused(counter.hold("2001:db8::ffff"))
    assert isinstance(counter.hold("2001:db8:0:1::1"), OrderView)


def test_only_so_many_clients_are_remembered(counter: Counter) -> None:
    for number in range(MOST_CLIENTS + 100):
        counter.hold(f"10.0.{number >> 8}.{number & 255}")
    assert len(counter.holds._clients) == MOST_CLIENTS


def test_without_bounds_nobody_is_remembered_or_refused() -> None:
    counter = Counter(0, 0)
    assert all(isinstance(counter.hold(quantity=10), OrderView) for _ in range(50))
    assert len(counter.holds._clients) == 0


# --- at the web ----------------------------------------------------------------------

WANTED = b'{"event":"default","type":"A","buyer":"Ann","quantity":%d}'


@pytest.fixture
def web() -> Iterator[FakeWeb]:
    with running("open", holds_per_address="4", held_per_address="20") as site:
        yield site


def hold(web: FakeWeb, quantity: int = 1, **headers: str) -> Response:
    given = {"content_type": "application/json", **headers}
    return web.request("POST", "/api/holds", WANTED % quantity, **given)


def test_seven_holds_of_ten_from_one_address_are_refused_after_the_second(web: FakeWeb) -> None:
    answers = [hold(web, 10, x_forwarded_for=f"203.0.113.{number}") for number in range(7)]
    assert [answer.status for answer in answers] == [201] * 2 + [429] * 5
    assert answers[2].json["code"] == "too-many-holds"
    assert 1 <= int(answers[2].headers["retry-after"]) <= HOLD_S
    assert web.buy({"type": "A", "buyer": "Ann", "quantity": 10}).status == 201
    order = answers[0].json["order"]
    assert web.request("POST", f"/api/holds/{order}/confirm", b"").status == 200
    assert hold(web, 10).status == 201
    order = answers[1].json["order"]
    assert web.request("POST", f"/api/holds/{order}/release", b"").status == 200
    assert hold(web, 10, idempotency_key="again").status == 201
    assert hold(web, 10, idempotency_key="again").status == 200
    assert hold(web).status == 429


def test_the_pages_button_has_the_same_bound_and_says_so_in_the_buyers_language(
    web: FakeWeb,
) -> None:
    def press(key: str, **headers: str) -> Response:
        form = f"event=default&type=A&buyer=Ann&quantity=10&key={key}".encode()
        return web.request("POST", "/holds", form, **{"content_type": FORM, **headers})

    assert [press(f"k{number}").status for number in range(3)] == [303, 303, 429]
    assert "holds as many tickets as it may" in press("k9").text
    assert "已達上限" in press("k9", accept_language="zh-TW").text


def test_an_operators_program_may_hold_for_many(web: FakeWeb) -> None:
    token = f"Bearer {TOKEN}"
    assert {hold(web, 10, authorization=token).status for _ in range(5)} == {201}
    assert hold(web, 10, authorization="Bearer wrong").status == 401


def test_behind_a_trusted_proxy_each_client_has_holds_of_its_own() -> None:
    bounds = {"holds_per_address": "4", "held_per_address": "20"}
    with running("open", trusted_proxy="127.0.0.1", **bounds) as web:
        for client in ("203.0.113.1", "203.0.113.2"):
            found = [hold(web, 10, x_forwarded_for=f"1.2.3.4, {client}") for _ in range(3)]
            assert [answer.status for answer in found] == [201, 201, 429]
