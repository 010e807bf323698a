"""What may become of an order: pure functions, tried with all sequences of acts."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core.schema.records import Event, Order, Stock
from core.store.order_lifecycle import (
    BECOMES,
    UNDO_S,
    Act,
    Occasion,
    OrderChange,
    Refusal,
    amended,
    effect,
    has_tickets,
    stamped,
    status_at,
)

RULES = Event(generation="g", title="Test", hold_s=60.0, extensions=2, cancellable=True)
MOMENT = Occasion(RULES, at=10.0, batch="b1")
QUANTITY = 3
CAPACITY = 10

SOLD = Order(type="A", quantity=QUANTITY, buyer="Ann", status="sold", at=0.0, batch="b0")
HELD = Order(
    type="A", quantity=QUANTITY, buyer="Ann", status="held", at=0.0, batch="b0", until=60.0
)

rules = st.builds(
    Event,
    generation=st.just("g"),
    title=st.just("Test"),
    hold_s=st.sampled_from([1.0, 60.0]),
    extensions=st.integers(0, 3),
    cancellable=st.booleans(),
)
orders = st.sampled_from([SOLD, HELD])
# An act, its time after the one before, its request, and whether an operator asks.
steps = st.tuples(
    st.sampled_from(Act),
    st.sampled_from([0.0, 1.0, 30.0, 60.0, 500.0]),
    st.sampled_from(["k1", "k2", "k3"]),
    st.booleans(),
)
quick = settings(derandomize=True, database=None, max_examples=400, deadline=None)


def wish(act: Act, key: str = "k1", **fields: Any) -> OrderChange:
    return OrderChange(order="o", act=act, key=key, **fields)


def after(order: Order, act: Act, occasion: Occasion = MOMENT, **fields: Any) -> Order:
    changed = amended(order, wish(act, **fields), occasion)
    assert isinstance(changed, Order), changed
    return changed


def refusal(order: Order, act: Act, occasion: Occasion = MOMENT, **fields: Any) -> Refusal:
    refused = amended(order, wish(act, **fields), occasion)
    assert isinstance(refused, Refusal), refused
    return refused


def late(at: float = 60.0) -> Occasion:
    return replace(MOMENT, at=at)


def fresh_stock(order: Order) -> Stock:
    full = Stock(remaining=CAPACITY)
    return full.move(
        held=QUANTITY if order.status == "held" else 0,
        sold=QUANTITY if order.status == "sold" else 0,
    )


def occasions(
    event: Event, acts: list[tuple[Act, float, str, bool]]
) -> list[tuple[OrderChange, Occasion]]:
    at, found = 0.0, []
    for number, (act, passed, key, operator) in enumerate(acts, 1):
        at += passed
        found.append((wish(act, key, operator=operator), Occasion(event, at, f"b{number}")))
    return found


# --- every sequence ------------------------------------------------------------------


@quick
@given(orders, rules, st.lists(steps, max_size=12))
def test_an_orders_tickets_are_counted_once_whatever_becomes_of_it(
    order: Order, event: Event, acts: list[tuple[Act, float, str, bool]]
) -> None:
    stock = fresh_stock(order)
    for change, occasion in occasions(event, acts):
        changed = amended(order, change, occasion)
        if isinstance(changed, Refusal):
            continue
        stock, order = effect(stock, order, changed), changed
        assert stock.capacity == CAPACITY
        assert stock.held == (QUANTITY if order.status == "held" else 0)
        assert stock.sold == (QUANTITY if order.status == "sold" else 0)
        assert stock.remaining == CAPACITY - (QUANTITY if has_tickets(order) else 0)


@quick
@given(orders, rules, st.lists(steps, min_size=1, max_size=12))
def test_an_act_that_is_repeated_at_once_changes_nothing(
    order: Order, event: Event, acts: list[tuple[Act, float, str, bool]]
) -> None:
    for change, occasion in occasions(event, acts):
        changed = amended(order, change, occasion)
        if isinstance(changed, Refusal):
            assert amended(order, change, replace(occasion, batch="again")) is changed
            continue
        assert amended(changed, change, replace(occasion, batch="again")) is changed
        order = changed


@quick
@given(orders, rules, st.lists(steps, max_size=12))
def test_tickets_that_came_back_never_leave_again(
    order: Order, event: Event, acts: list[tuple[Act, float, str, bool]]
) -> None:
    ended: Order | None = None
    for change, occasion in occasions(event, acts):
        changed = amended(order, change, occasion)
        order = order if isinstance(changed, Refusal) else changed
        if ended is not None:
            assert order is ended
        elif not has_tickets(order):
            ended = order


@quick
@given(orders, rules, st.lists(steps, max_size=12))
def test_what_an_order_was_can_be_told_at_every_version_of_its_counter(
    order: Order, event: Event, acts: list[tuple[Act, float, str, bool]]
) -> None:
    version, was = 0, {0: order.status}
    for change, occasion in occasions(event, acts):
        changed = amended(order, change, occasion)
        if isinstance(changed, Refusal) or changed is order:
            continue
        if changed.status != order.status:
            version += 1
            changed = stamped(changed, occasion.batch, 0, version)
        order = changed
        was[version] = order.status
    assert {each: status_at(order, [each]) for each in was} == was


# --- each act ------------------------------------------------------------------------


def test_a_hold_is_confirmed_until_its_last_moment_and_not_after() -> None:
    assert after(HELD, Act.CONFIRM, late(59.9)).status == "sold"
    assert refusal(HELD, Act.CONFIRM, late(60.0)) is Refusal.HOLD_EXPIRED
    assert refusal(after(HELD, Act.EXPIRE, late()), Act.CONFIRM) is Refusal.HOLD_EXPIRED


def test_a_hold_expires_at_its_end_and_not_before() -> None:
    assert refusal(HELD, Act.EXPIRE, late(59.9)) is Refusal.NOT_EXPIRED
    assert after(HELD, Act.EXPIRE, late(60.0)).status == "expired"


def test_what_was_confirmed_in_time_stays_sold_when_the_hold_would_have_ended() -> None:
    sold = after(HELD, Act.CONFIRM)
    assert after(sold, Act.EXPIRE, late(600.0)) is sold
    assert after(sold, Act.CONFIRM, late(600.0)) is sold


def test_a_hold_is_extended_so_often_and_no_more() -> None:
    once = after(HELD, Act.EXTEND)
    twice = after(once, Act.EXTEND, key="k2")
    assert (once.until, once.extended, twice.until, twice.extended) == (120.0, 1, 180.0, 2)
    assert refusal(twice, Act.EXTEND, key="k3") is Refusal.NO_MORE_EXTENSIONS
    assert after(twice, Act.EXTEND, MOMENT) is twice


def test_a_hold_that_has_ended_is_not_extended_though_nobody_has_cleared_it_yet() -> None:
    assert refusal(HELD, Act.EXTEND, late()) is Refusal.HOLD_EXPIRED


def test_a_sold_order_is_not_released() -> None:
    assert refusal(SOLD, Act.RELEASE) is Refusal.NOT_HELD


def test_buyers_cancel_where_the_event_allows_it_and_operators_everywhere() -> None:
    strict = Occasion(Event(generation="g", title="Test"), at=10.0, batch="b1")
    assert refusal(SOLD, Act.CANCEL, strict) is Refusal.NOT_CANCELLABLE
    assert after(SOLD, Act.CANCEL, strict, operator=True).status == "cancelled"
    assert after(SOLD, Act.CANCEL).status == "cancelled"
    assert refusal(HELD, Act.CANCEL) is Refusal.NOT_VALID


def test_the_first_scan_admits_and_only_that_scan_may_be_repeated() -> None:
    inside = after(SOLD, Act.CHECK_IN, note="north", key="scan-1")
    assert inside.admitted is not None
    assert (inside.admitted.door, inside.admitted.at) == ("north", 10.0)
    assert after(inside, Act.CHECK_IN, late(99.0), key="scan-1") is inside
    assert refusal(inside, Act.CHECK_IN, late(99.0), key="scan-2") is Refusal.CHECKED_IN
    assert refusal(inside, Act.CANCEL, late(99.0), operator=True) is Refusal.CHECKED_IN


def test_an_admission_is_undone_for_ten_minutes_and_then_admits_and_cancels_again() -> None:
    inside = after(SOLD, Act.CHECK_IN, note="north", key="scan-1")
    undone = after(inside, Act.UNDO_CHECK_IN, late(10.0 + UNDO_S), note="north", key="undo-1")
    assert undone.admitted is None
    assert [each.act for each in undone.changes] == [Act.CHECK_IN, Act.UNDO_CHECK_IN]
    late_undo = refusal(inside, Act.UNDO_CHECK_IN, late(10.1 + UNDO_S), key="undo-1")
    assert late_undo is Refusal.UNDO_TOO_LATE
    assert after(undone, Act.CANCEL, late(), operator=True).status == "cancelled"
    assert after(undone, Act.UNDO_CHECK_IN, key="undo-2") is undone
    assert after(SOLD, Act.UNDO_CHECK_IN, key="undo-2") is SOLD


def test_neither_a_scan_nor_an_undo_that_arrives_again_later_does_anything() -> None:
    inside = after(SOLD, Act.CHECK_IN, key="scan-1")
    undone = after(inside, Act.UNDO_CHECK_IN, key="undo-1")
    assert after(undone, Act.CHECK_IN, key="scan-1") is undone
    again = after(undone, Act.CHECK_IN, key="scan-2")
    assert again.admitted is not None
    assert after(again, Act.UNDO_CHECK_IN, key="undo-1") is again


def test_a_door_admits_the_tickets_of_its_event_and_types_only() -> None:
    gala = replace(late(10.0), event="gala")
    for act in (Act.CHECK_IN, Act.UNDO_CHECK_IN):
        assert refusal(SOLD, act, gala, event="fair") is Refusal.WRONG_EVENT
        assert refusal(SOLD, act, gala, event="gala", types=("other",)) is Refusal.WRONG_TYPE
        assert after(SOLD, act, gala, event="gala", types=("other", SOLD.type)).status == "sold"


def test_admissions_are_counted_once_and_those_before_counting_never() -> None:
    full = Stock(remaining=5, sold=5)
    inside = after(SOLD, Act.CHECK_IN)
    assert effect(full, SOLD, inside).admitted == SOLD.quantity
    assert effect(effect(full, SOLD, inside), inside, SOLD) == full
    assert inside.admitted is not None
    older = replace(inside, admitted=replace(inside.admitted, counted=False))
    assert effect(full, older, after(older, Act.UNDO_CHECK_IN)) == full


@pytest.mark.parametrize("act", [Act.RELEASE, Act.EXPIRE])
def test_nobody_is_let_in_without_a_ticket(act: Act) -> None:
    assert refusal(HELD, Act.CHECK_IN) is Refusal.NOT_VALID
    assert refusal(after(HELD, act, late()), Act.CHECK_IN) is Refusal.NOT_VALID
    assert refusal(after(SOLD, Act.CANCEL), Act.CHECK_IN) is Refusal.NOT_VALID


def test_every_act_that_moves_tickets_is_known_to_the_recount() -> None:
    moving = {
        act
        for act in Act
        for order in (HELD, SOLD)
        for at in (10.0, 60.0)
        if isinstance(changed := amended(order, wish(act), late(at)), Order)
        and changed.status != order.status
    }
    assert moving == set(BECOMES)
