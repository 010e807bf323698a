"""Takings, added up from orders."""

from typing import Any

from core.schema.records import OrderView
from core.store.takings import FIRST_STEP_S, MOST_STEPS, TakingsTally, TypeTakings
from core.text.timestamps import rfc3339


def order(at: float = 0.0, **said: Any) -> OrderView:
    plain: dict[str, Any] = {
        "order": "0" * 32,
        "event": "gala",
        "type": "A",
        "quantity": 2,
        "buyer": "Ann",
    }
    agreed = {"status": "sold", "zxid": 1, "price": 1000, "total": 2000, "currency": "EUR"}
    return OrderView(**{**plain, **agreed, "created_at": rfc3339(at), **said})


def added(*orders: OrderView) -> TakingsTally:
    tally = TakingsTally()
    for each in orders:
        tally.add(each)
    return tally


def test_each_order_counts_with_the_price_that_was_agreed() -> None:
    takings = added(
        order(),
        order(total=1500),
        order(type="B", quantity=1, total=700, checked_in_at=rfc3339(9.0)),
        order(total=None, price=None),
    ).takings()
    assert takings.types == (
        TypeTakings(type="A", sold=6, total=3500, unpriced=2),
        TypeTakings(type="B", sold=1, admitted=1, total=700),
    )
    assert takings.whole == TypeTakings(type="", sold=7, admitted=1, total=4200, unpriced=2)


def test_what_is_not_sold_counts_for_nothing() -> None:
    for status in ("held", "cancelled", "released", "expired"):
        assert added(order(status=status)).takings().types == ()


def test_the_curve_tells_what_was_sold_by_when() -> None:
    takings = added(order(130.0), order(10.0), order(20.0, quantity=1)).takings()
    assert takings.curve == ((60.0, 3), (180.0, 5))


def test_a_long_sale_has_no_longer_curve() -> None:
    minutes = 3 * MOST_STEPS
    takings = added(*(order(FIRST_STEP_S * each, quantity=1) for each in range(minutes))).takings()
    assert len(takings.curve) <= MOST_STEPS
    assert takings.curve[-1] == (FIRST_STEP_S * minutes, minutes)
