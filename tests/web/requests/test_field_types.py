"""Requests as structs: which field an error names, and what is ignored."""

import json
from typing import Any

import pytest

from core.errors import BadRequest
from web.http.request import Request
from web.requests.order_change import from_payment, from_scan
from web.requests.purchase import from_json

JSON = "application/json"
ORDER = "0123456789abcdef" * 2


def posted(body: str) -> Request:
    return Request(method="POST", path="/", headers={"content-type": JSON}, body=body.encode())


def fault(wanted: dict[str, Any]) -> str | None:
    with pytest.raises(BadRequest) as caught:
        from_json(posted(json.dumps(wanted)))
    assert caught.value.code == "invalid"
    return caught.value.field


def test_of_several_faults_the_first_field_is_told_whatever_order_they_come_in() -> None:
    wrong = {"currency": "eur", "price": -1, "buyer": "\u200d", "quantity": 0, "event": "-"}
    assert fault(wrong) == "event"
    assert fault({**wrong, "event": "gala"}) == "type"
    assert fault({**wrong, "event": "gala", "type": "A"}) == "quantity"
    assert fault({**wrong, "event": "gala", "type": "A", "quantity": 1}) == "buyer"
    assert fault({"price": -1, "currency": "eur", "type": "A", "buyer": "Ann"}) == "price"
    assert fault({**wrong, "surprise": 1}) == "surprise"


@pytest.mark.parametrize("field", ["key", "keyed", "hold", "prices"])
def test_a_purchase_has_no_fields_that_the_server_fills_in(field: str) -> None:
    assert fault({"type": "A", "buyer": "Ann", field: "x"}) == field


def test_a_scan_may_say_more_than_we_ask_whatever_it_is() -> None:
    body = json.dumps({"order": f"https://box.example/orders/{ORDER}", "x\ud800": "\ud800"})
    assert from_scan(posted(body)).order == ORDER


@pytest.mark.parametrize("name", [{}, {"payment": ""}, {"payment": " \u200e"}])
def test_a_call_names_the_payment_that_has_no_name(name: dict[str, str]) -> None:
    wanted = from_payment(posted(json.dumps({"hold": ORDER, **name})), "msg-1")
    assert wanted.payment is not None
    assert wanted.payment.id == "msg-1"


def test_a_payment_whose_call_has_no_name_either_is_refused() -> None:
    with pytest.raises(BadRequest) as caught:
        from_payment(posted(json.dumps({"hold": ORDER})), " ")
    assert caught.value.field == "payment"
