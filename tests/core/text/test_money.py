"""Amounts have the decimals of their currency, no more and no fewer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import WrongTerm, WrongUsage
from core.events.terms import Terms, changed
from core.events.terms_file import TypeSaid, priced
from core.schema.records import Event
from core.text.money import MOST, amount, decimals_of, price, short, units


@pytest.mark.parametrize(
    ("text", "currency", "found"),
    [
        ("48", "EUR", 4800),
        ("48.5", "EUR", 4850),
        ("0.29", "EUR", 29),
        ("1500", "JPY", 1500),
        ("1500.00", "JPY", 1500),
        ("1.234", "KWD", 1234),
        ("48", "KWD", 48000),
        ("0.0001", "CLF", 1),
        ("1200", "TWD", 120000),
        ("12000000", "VND", 12_000_000),
        (f"{MOST}", "EUR", 100 * MOST),
    ],
)
def test_a_price_is_read_with_the_decimals_of_its_currency(
    text: str, currency: str, found: int
) -> None:
    assert price(text, currency, decimals_of(currency), "price") == found


@pytest.mark.parametrize(
    ("text", "currency", "like"),
    [
        ("1500.50", "JPY", "1500"),
        ("1500.5", "KRW", "1500"),
        ("4.999", "EUR", "48.50"),
        ("1.2345", "KWD", "48.500"),
        ("0.00001", "CLF", "48.5000"),
        *((text, "EUR", "48.50") for text in ("", "-1", "nan", "inf", "1e3", "4_8", "٤٨")),
        ("9" * 20_000, "EUR", "48.50"),
        (f"{MOST + 1}", "EUR", "48.50"),
    ],
)
def test_a_price_that_its_currency_has_not_is_refused(text: str, currency: str, like: str) -> None:
    with pytest.raises(WrongUsage) as refused:
        price(text, currency, decimals_of(currency), "--type")
    said = str(refused.value)
    assert said == f"--type: {text[:40]!r} is no price in {currency}; write it like {like}"


@given(st.integers(0, 10**15), st.integers(0, 4))
def test_what_is_written_is_read_as_the_same_amount(sum_: int, decimals: int) -> None:
    most = MOST * 10**decimals
    for write in (amount, short):
        text = write(sum_ % most, decimals).replace(",", "")
        assert units(text, decimals) == sum_ % most


def test_amounts_are_written_with_their_decimals() -> None:
    assert (amount(123456700, 2), short(123456700, 2)) == ("1,234,567.00", "1,234,567")
    assert (amount(1500, 0), short(1500, 0)) == ("1,500", "1,500")
    assert (amount(1234, 3), short(1200, 3)) == ("1.234", "1.200")


def test_a_type_costs_what_the_currency_of_its_event_makes_of_its_price() -> None:
    types = {"A": TypeSaid(capacity=1, price="1500", where="types.A.")}
    assert priced(types, Terms())["A"].price == 150_000
    assert priced(types, Terms(currency="JPY"))["A"].price == 1500
    assert priced(types, Terms(currency="KWD"))["A"].price == 1_500_000


def test_a_currency_with_other_decimals_is_refused_where_prices_have_them() -> None:
    event = Event(generation="g", title="Gala")
    assert changed(event, Terms(currency="USD")).currency == "USD"
    with pytest.raises(WrongTerm, match="currency: JPY has other decimals"):
        changed(event, Terms(currency="JPY"))


def test_an_event_of_before_keeps_the_decimals_that_its_prices_have() -> None:
    """Its prices were kept in hundredths, whatever the currency."""
    event = Event(generation="g", title="Gala", currency="JPY")
    assert (event.decimals, decimals_of("JPY")) == (2, 0)
    assert changed(event, Terms(title="Gala 2")).decimals == 2
