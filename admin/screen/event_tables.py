"""Events and their tickets as a person reads them."""

from collections.abc import Callable, Iterable

from rich.console import Group
from rich.table import Table

from admin.printable import printable
from admin.screen.tables import fit, in_minutes, new_table, short
from core.events.restock import ResetType
from core.schema.sale_window import is_settled, sale_state
from core.store.availability import EventAvailability
from core.text.money import amount

NUMBERS = ("sold", "remaining")


def events(found: Iterable[EventAvailability], now: float) -> Table:
    """A line an event; `now` in Unix seconds tells whether its sale is open."""
    table = new_table("event", "title", "sale", "starts", "sold", "for sale")
    for event in found:
        sold, left = (sum(getattr(each, what) for each in event.types) for what in NUMBERS)
        table.add_row(
            printable(event.name),
            printable(event.title),
            _sale(event, now, short),
            short(event.starts_at),
            f"{sold:,}",
            f"{left:,}",
        )
    fit(table, 4, words=2)
    return table


def event(found: EventAvailability, now: float) -> Group:
    """An event's terms, and its types."""
    terms = new_table("", "")
    terms.show_header = False
    terms.columns[1].no_wrap = False
    for name, value in (
        ("event", printable(found.name)),
        ("title", printable(found.title)),
        ("place", printable(found.place) or "–"),
        ("starts", in_minutes(found.starts_at)),
        ("ends", in_minutes(found.ends_at)),
        ("sale", _sale(found, now)),
        ("opens", in_minutes(found.opens_at)),
        ("closes", in_minutes(found.closes_at)),
        ("limit", f"{found.limit} tickets a buyer" if found.limit else "none"),
        ("holds", f"{found.hold_s / 60:g} minutes, extended {found.extensions} times at most"),
        ("buyers cancel", "yes" if found.cancellable else "no"),
    ):
        terms.add_row(name, value)
    return Group(terms, _types(found))


def _types(event: EventAvailability) -> Table:
    price = f"price {printable(event.currency)}"
    table = new_table("type", "label", price, "capacity", "sold", "held", "for sale")
    for each in event.types:
        numbers = (each.capacity, each.sold, each.held, each.remaining)
        table.add_row(
            printable(each.name),
            f"{printable(each.label)} {each.colour}".strip(),
            amount(each.price, event.decimals),
            *(f"{number:,}" for number in numbers),
        )
    fit(table, 2, words=1)
    return table


def _sale(
    event: EventAvailability, now: float, when: Callable[[float | None], str] | None = None
) -> str:
    state = "over" if is_settled(event, now) else sale_state(event, now)
    return f"opens {(when or in_minutes)(event.opens_at)}" if state == "before" else state


def reset(rows: Iterable[ResetType]) -> Table:
    """What is on sale after a reset."""
    table = new_table("type", "sold", "held", "for sale", "capacity", words=1)
    for row in rows:
        numbers = (row.sold, row.held, row.remaining, row.capacity)
        table.add_row(printable(row.name), *(f"{number:,}" for number in numbers))
    return table
