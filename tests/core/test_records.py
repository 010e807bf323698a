"""Records in znodes, good ones and bad ones."""

import pytest

from core.errors import BadZnode
from core.schema.records import (
    Event,
    LogEntry,
    Marker,
    Order,
    Stock,
    TicketType,
    WorkerRecord,
    decode,
    encode,
    order_id,
    view,
)

ORDER = Order(type="A", quantity=2, buyer="Ann", status="sold", at=1.5, batch="b")


@pytest.mark.parametrize(
    "record",
    [
        Marker(),
        Event(generation="g", title="t"),
        TicketType(capacity=3),
        Stock(remaining=1, sold=2),
        ORDER,
        WorkerRecord(name="w", host="h", pid=1, address="a", state="ready"),
        LogEntry(at=1.0, level="info", event="e", text="t", orders=("x",)),
    ],
    ids=lambda record: type(record).__name__,
)
def test_a_record_survives_its_codec(record: Marker) -> None:
    assert decode(type(record), encode(record), "/x") == record


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"rubbish",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"v":2,"remaining":1}',
        b'{"v":1,"remaining":-1}',
        b'{"v":1,"remaining":1.5}',
        b'{"v":1,"remaining":true}',
        b'{"v":1,"remaining":"1"}',
        b'{"v":1,"remaining":NaN}',
        b'{"v":1,"remaining":' + b"9" * 400 + b"}",
        b'{"v":1,"remaining":-1,"sold":1}',
        b'{"v":1,"remaining":1}{}',
        b'{"v":1,"remaining":' + b"[" * 100_000,
    ],
    ids=lambda data: repr(data[:30]),
)
def test_rubbish_in_a_counter_names_the_znode(data: bytes) -> None:
    with pytest.raises(BadZnode, match="/events/x") as caught:
        decode(Stock, data, "/events/x")
    assert "\n" not in str(caught.value)


def test_a_sale_keeps_the_capacity() -> None:
    stock = Stock(remaining=5, held=1, sold=2)
    assert stock.sell(3) == Stock(remaining=2, held=1, sold=5)
    assert stock.sell(3).capacity == stock.capacity == 8


def test_an_event_is_on_sale_between_its_bounds() -> None:
    event = Event(generation="g", title="t", opens_at=10, closes_at=20)
    assert [event.on_sale(at) for at in (9, 10, 19, 20)] == [False, True, True, False]
    assert Event(generation="g", title="t").on_sale(0)


def test_an_order_id_depends_on_secret_event_and_key() -> None:
    ids = {
        order_id(b"k", "e", "1"),
        order_id(b"k", "e", "2"),
        order_id(b"k", "f", "1"),
        order_id(b"l", "e", "1"),
    }
    assert len(ids) == 4
    assert order_id(b"k", "e", "1") in ids
    assert all(len(found) == 32 for found in ids)


def test_a_buyer_sees_the_time_of_sale_in_utc() -> None:
    assert view("0" * 32, "e", ORDER, 7).created_at == "1970-01-01T00:00:01.500Z"
