"""Events and their tickets as a person reads them."""

from collections.abc import Iterable, Mapping

from rich.console import Group
from rich.table import Table

from admin.screen.tables import fit, new_table, terms_table
from core.schema.records import Stock
from core.schema.sale_window import sale_phase
from core.store.availability import EventAvailability
from core.text.money import amount
from core.text.timezones import MOMENT, SHORT_MOMENT, moment

NUMBERS = ("sold", "remaining")


def events(found: Iterable[EventAvailability], now: float) -> Table:
    """A table with a line for each event; `now` in Unix seconds tells whether its sale is open."""
    table = new_table("event", "title", "sale", "starts", "sold", "for sale")
    for event in found:
        starts = _venue_time(event, "starts_at", SHORT_MOMENT)
        texts = (event.name, event.title, _sale(event, now, SHORT_MOMENT), starts)
        sold, left = (sum(getattr(each, what) for each in event.types) for what in NUMBERS)
        table.add_row(*texts, f"{sold:,}", f"{left:,}")
    fit(table, 4, words=2)
    return table


def event(found: EventAvailability, now: float) -> Group:
    """An event's terms, and its types."""
    terms = terms_table()
    for name, value in (
        ("event", found.name),
        ("title", found.title),
        ("place", found.place or "–"),
        ("organiser", found.organiser or "–"),
        ("starts", _venue_time(found, "starts_at")),
        ("ends", _venue_time(found, "ends_at")),
        ("doors open", _venue_time(found, "doors_at")),
        ("sale", _sale(found, now)),
        ("opens", _venue_time(found, "opens_at")),
        ("closes", _venue_time(found, "closes_at")),
        ("payment", " ".join((found.payment, found.payment_url)).strip()),
        ("limit", f"{found.limit} tickets a buyer" if found.limit else "none"),
        ("holds", f"{found.hold_s / 60:g} minutes, extended {found.extensions} times at most"),
        ("buyers cancel", "yes" if found.cancellable else "no"),
    ):
        terms.add_row(name, value)
    return Group(terms, _types(found))


def _types(event: EventAvailability) -> Table:
    price = f"price {event.currency}"
    table = new_table("type", "label", price, "capacity", "sold", "held", "for sale")
    for each in event.types:
        numbers = (each.capacity, each.sold, each.held, each.remaining)
        table.add_row(
            each.name,
            f"{each.label} {each.colour}".strip(),
            amount(each.price, event.decimals),
            *(f"{number:,}" for number in numbers),
        )
    fit(table, 2, words=1)
    return table


def _venue_time(event: EventAvailability, name: str, form: str = MOMENT) -> str:
    at: float | None = getattr(event, name)
    return "–" if at is None else moment(at, event.timezone, form)


def _sale(event: EventAvailability, now: float, form: str = MOMENT) -> str:
    if event.hidden:
        return "draft"
    phase = sale_phase(event, now)
    if phase == "before":
        return f"opens {_venue_time(event, 'opens_at', form)}"
    return "over" if phase == "past" else phase


def reset(stock: Mapping[str, Stock]) -> Table:
    """What is on sale after a reset."""
    table = new_table("type", "sold", "held", "for sale", "capacity", words=1)
    for name, each in stock.items():
        numbers = (each.sold, each.held, each.remaining, each.capacity)
        table.add_row(name, *(f"{number:,}" for number in numbers))
    return table
