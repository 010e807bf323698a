"""Holds, payments and doors over HTTP, on a whole instance with several workers."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from core.cluster_secret import load_secret
from tests.support.instance import Buyer, Instance, Reply, eventually
from tests.web.requests.test_sale import at_once
from web.auth.webhook_signature import signature

numbers = count(1)


class Box:
    """An event of its own, with the requests of its buyers and doors."""

    def __init__(self, shop: Instance, *terms: str) -> None:
        self.shop = shop
        self.name = f"changes-{next(numbers)}"
        done = shop.run("event", "create", self.name, "--publish", "--type", "A:20:10", *terms)
        assert done.returncode == 0, done.stderr
        secret = load_secret(shop.data_dir)
        self._payment_key = secret.payment_key
        self._operator = {"Authorization": f"Bearer {secret.operator_token}"}
        self.buyer = shop.buyer()
        eventually("the event is known", lambda: self._get().status == 200)

    def _get(self) -> Reply:
        return self.buyer.get(f"/api/events/{self.name}")

    def counts(self) -> tuple[int, int, int]:
        """Counts the tickets for sale, held, and sold."""
        [found] = json.loads(self.shop.run("event", "show", self.name, "--json").stdout)["types"]
        return found["remaining"], found["held"], found["sold"]

    def post(self, path: str, body: Any = None, *, buyer: Buyer | None = None) -> Reply:
        content = json.dumps({} if body is None else body).encode()
        headers = {"Content-Type": "application/json"}
        return (buyer or self.buyer).request("POST", path, content, headers)

    def hold(self, quantity: int = 1, *, buyer: Buyer | None = None) -> Reply:
        wanted = {"event": self.name, "type": "A", "quantity": quantity, "buyer": "Ann"}
        return self.post("/api/holds", wanted, buyer=buyer)

    def check_in(
        self,
        order: str,
        door: str,
        *,
        buyer: Buyer,
        undo: bool = False,
        key: str = "",
        **bound: Any,
    ) -> Reply:
        body = json.dumps({"order": order, "door": door, **bound}).encode()
        keyed = {"Idempotency-Key": key} if key else {}
        headers = {"Content-Type": "application/json", **self._operator, **keyed}
        return buyer.request("POST", f"/api/check-in{'/undo' * undo}", body, headers)

    def pay(
        self, order: str, *, at: float | None = None, forged: bool = False, **said: Any
    ) -> Reply:
        """Calls as a payment provider; the payment has a new id unless one is given."""
        named = {"hold": order, "payment": f"pay-{order}"}
        body = json.dumps({**named, **said}).encode()
        stamp = str(int(time.time() if at is None else at))
        key = b"f" * 32 if forged else self._payment_key
        headers = {
            "Content-Type": "application/json",
            "webhook-id": "msg-1",
            "webhook-timestamp": stamp,
            "webhook-signature": signature(key, "msg-1", stamp, body),
        }
        return self.buyer.request("POST", "/api/payments", body, headers)


@pytest.fixture(scope="module", autouse=True)
def verified(shop: Instance) -> Iterator[None]:
    """Counts every ticket at the end; a breach names its event."""
    yield
    shop.verify()


@pytest.fixture
def box(shop: Instance) -> Box:
    """An event with holds of five minutes."""
    return Box(shop)


@pytest.fixture
def hasty(shop: Instance) -> Box:
    """An event with holds of two seconds."""
    return Box(shop, "--hold-minutes", str(2 / 60), "--extensions", "0")


def test_a_signed_payment_confirms_a_hold_and_may_be_repeated(box: Box) -> None:
    held = box.hold(3)
    assert (held.status, held.json["status"]) == (201, "held")
    assert box.counts() == (17, 3, 0)
    for _ in range(2):
        paid = box.pay(held.json["order"])
        assert (paid.status, paid.json["status"]) == (200, "sold")
    assert box.counts() == (17, 0, 3)


def test_a_second_payment_is_refused_and_told_to_the_organiser_everywhere(box: Box) -> None:
    held = box.hold(3).json["order"]
    first = box.pay(held, payment="p1", amount=3000, currency="EUR")
    assert (first.status, first.json["status"], first.json["total"]) == (200, "sold", 3000)
    assert box.pay(held, payment="p1", amount=3000, currency="EUR").json == first.json
    second = box.pay(held, payment="p2", amount=3000, currency="EUR")
    assert (second.status, second.code) == (409, "paid-already")
    assert second.json["order"]["status"] == "sold"
    assert box.pay(box.hold().json["order"], payment="p1").code == "payment-used"
    assert box.pay(box.hold().json["order"], amount=999).code == "wrong-amount"
    shown = box.shop.run("order", "show", held).stdout
    assert "p1  30.00 EUR" in shown
    assert "p2  30.00 EUR" in shown
    assert "counts for nothing: paid-already" in shown
    rows = box.shop.run("order", "export", "--event", box.name, "--csv").stdout
    assert '""id"":""p2""' in rows
    logged = box.shop.run("admin", "log", "--order", held).stdout
    assert "payment 'p2' of 3000 EUR, counts for nothing" in logged


@pytest.mark.parametrize(
    "said",
    [{"amount": -1}, {"amount": "30"}, {"amount": 1.5}, {"amount": True}, {"currency": "eur"}],
    ids=str,
)
def test_a_payment_of_an_odd_sum_is_refused_before_anything_is_done(
    box: Box, said: dict[str, Any]
) -> None:
    held = box.hold().json["order"]
    assert (box.pay(held, **said).status, box.counts()) == (422, (19, 1, 0))


def test_a_payment_without_a_name_has_that_of_its_call(box: Box) -> None:
    held = box.hold().json["order"]
    paid = box.pay(held, payment="")
    assert [each["id"] for each in paid.json["payments"]] == ["msg-1"]


def test_a_payment_with_as_long_a_name_as_providers_give_counts(box: Box) -> None:
    named = "cs_live_" + "a1" * 123 + "b"
    assert len(named) == 255
    paid = box.pay(box.hold().json["order"], payment=named)
    assert [each["id"] for each in paid.json["payments"]] == [named]
    refused = box.pay(box.hold().json["order"], payment=named + "c")
    assert (refused.status, refused.code, refused.json["field"]) == (422, "invalid", "payment")


def test_a_payment_that_is_forged_or_old_is_refused(box: Box) -> None:
    held = box.hold().json["order"]
    assert box.pay(held, forged=True).code == "bad-signature"
    assert box.pay(held, at=time.time() - 3600).code == "bad-signature"
    assert box.counts() == (19, 1, 0)


def test_holds_end_by_the_janitor_and_a_late_payment_is_told_so(hasty: Box) -> None:
    held = hasty.hold(10)
    assert (held.status, hasty.hold(10).status) == (201, 201)
    eventually("all is for sale again", lambda: hasty.counts() == (20, 0, 0), 60)
    late = hasty.pay(held.json["order"])
    assert (late.status, late.code) == (409, "hold-expired")
    assert late.json["order"]["status"] == "expired"
    assert hasty.hold(10).status == 201
    eventually("all is for sale again", lambda: hasty.counts() == (20, 0, 0), 60)


def test_confirmed_or_expired_no_hold_is_both_and_none_is_lost(hasty: Box) -> None:
    buyers = [hasty.shop.buyer(30) for _ in range(20)]
    held = [hasty.hold(buyer=buyer).json["order"] for buyer in buyers]
    opening = time.monotonic() + 1.9

    def confirm(number: int) -> Reply:
        # All of this happens about when the holds end.
        time.sleep(max(0.0, opening + number * 0.02 - time.monotonic()))
        return hasty.post(f"/api/holds/{held[number]}/confirm", buyer=buyers[number])

    answers = Counter(reply.json.get("code", "sold") for reply in at_once(20, confirm))
    assert set(answers) <= {"sold", "hold-expired"}
    sold = answers["sold"]
    eventually("sold or for sale", lambda: hasty.counts() == (20 - sold, 0, sold), 60)


def test_two_doors_that_scan_at_once_admit_once(box: Box) -> None:
    order = box.buyer.buy("A", event=box.name).json["order"]
    doors = [box.shop.buyer() for _ in range(6)]
    scans = at_once(6, lambda each: box.check_in(order, f"door {each}", buyer=doors[each]))
    assert Counter(reply.status for reply in scans) == {200: 1, 409: 5}
    [first] = [reply.json for reply in scans if reply.status == 200]
    refused = [reply.json for reply in scans if reply.status == 409]
    assert {reply["code"] for reply in refused} == {"already-checked-in"}
    assert {reply["order"]["checked_in_by"] for reply in refused} == {first["checked_in_by"]}


def test_an_admission_at_the_wrong_door_is_refused_and_one_by_mistake_is_undone(box: Box) -> None:
    def scan(text: str, **more: Any) -> Reply:
        return box.check_in(text, "North", buyer=box.buyer, **{"event": box.name, **more})

    def admitted() -> int:
        types: list[dict[str, int]] = box.buyer.get(f"/api/events/{box.name}").json["types"]
        return sum(each["admitted"] for each in types)

    sold = box.buyer.buy("A", event=box.name).json
    assert scan(sold["code"], event="default").code == "wrong-event"
    assert scan(sold["number"], types=["other"]).code == "wrong-type"
    assert scan(sold["code"]).json["checked_in_by"] == "North"
    eventually("counted", lambda: admitted() == 1)
    assert scan(sold["order"]).code == "already-admitted"
    cancelled = box.shop.run("order", "cancel", sold["number"], "--yes")
    assert "has been let in" in cancelled.stderr
    for _ in range(2):
        undone = scan(sold["code"], undo=True)
        assert (undone.status, "checked_in_at" in undone.json) == (200, False)
    eventually("counted", lambda: admitted() == 0)
    assert scan(sold["code"]).status == 200
    assert scan(sold["code"], undo=True).status == 200
    assert box.shop.run("order", "cancel", sold["number"], "--yes").returncode == 0
    assert scan(sold["code"]).code == "not-valid"
    log = box.shop.run("admin", "log", "--order", sold["number"]).stdout
    assert log.count("undo-check-in") == 2
    assert log.count("door 'North'") == 4


def test_a_closed_sale_sells_nothing_and_keeps_its_holds(box: Box) -> None:
    held = box.hold().json["order"]
    assert box.shop.run("event", "close", box.name, "--yes").returncode == 0
    eventually("closed", lambda: box.buyer.buy("A", event=box.name).code == "not-on-sale")
    assert box.post(f"/api/holds/{held}/confirm").json["status"] == "sold"
    assert box.shop.run("event", "open", box.name).returncode == 0
    eventually("open", lambda: box.buyer.buy("A", event=box.name).status == 201)


def test_a_repeat_of_a_scan_that_was_taken_back_lets_nobody_in(box: Box) -> None:
    door = box.shop.buyer()
    order = box.buyer.buy("A", event=box.name).json["order"]
    assert box.check_in(order, "North", buyer=door, key="first").status == 200
    assert box.check_in(order, "North", buyer=door, key="undo", undo=True).status == 200
    again = box.check_in(order, "North", buyer=door, key="first")
    assert (again.status, again.code) == (409, "admission-undone")
    assert box.check_in(order, "North", buyer=door, key="second").status == 200
