"""What a ticket's page shows."""

from datetime import datetime

import msgspec

from core.schema.records import OrderView
from core.schema.sale_window import is_settled
from core.store.availability import EventAvailability
from core.text.timezones import UTC_NAME
from web.http.i18n import Language
from web.pages.event_head import EventHead, event_head, type_label
from web.pages.icalendar import has_calendar
from web.pages.qr import qr_svg


class PriceFact(msgspec.Struct, frozen=True):
    """What an order costs, and under which heading: paid only if a payment is on record."""

    label: str
    text: str


class TicketView(msgspec.Struct, frozen=True):
    """A ticket. `code` is the QR code as SVG, empty if the order admits nobody.

    `to_pay` says what is owed at the door, `calendar` is the text of the link to its calendar file,
    each empty for none; `notice` is what went wrong.
    """

    order: OrderView
    event: EventHead
    greeting: str
    type: str
    bought: str
    state: str
    status: str
    checked_in: str
    price: PriceFact
    to_pay: str
    code: str
    calendar: str
    cancellable: bool
    notice: str


def ticket_view(
    language: Language,
    order: OrderView,
    event: EventAvailability | None,
    notice: str = "",
    now: float = 0.0,
) -> TicketView:
    """The page of an order; its event is `None` while the catalog can't tell."""
    state = "checked-in" if order.checked_in_at else order.status
    return TicketView(
        order=order,
        event=event_head(language, event, order.event),
        greeting=_greeting(language, order, state),
        type=type_label(order, event),
        bought=_moment(language, order.created_at, event),
        state=state,
        status=language.say(f"ticket.status.{state}"),
        checked_in=_moment(language, order.checked_in_at, event),
        price=price_fact(language, order),
        to_pay=to_pay(language, order),
        code=qr_svg(order.code) if order.code and order.status == "sold" else "",
        calendar=_calendar(language, order, event),
        cancellable=state == "sold" and _is_cancellable(event, now),
        notice=notice,
    )


def _is_cancellable(event: EventAvailability | None, now: float) -> bool:
    return event is not None and event.cancellable and not is_settled(event, now)


def _greeting(language: Language, order: OrderView, state: str) -> str:
    return language.say(f"ticket.greeting.{state}", count=order.quantity)


def _calendar(language: Language, order: OrderView, event: EventAvailability | None) -> str:
    if not has_calendar(order, event):
        return ""
    return language.say(f"ticket.calendar.{order.status}")


def price_fact(language: Language, order: OrderView) -> PriceFact:
    """What is said of the price: "paid" only where a payment counts."""
    is_paid = any(each.counts for each in order.payments)
    return PriceFact(
        language.say("ticket.paid" if is_paid else "ticket.price"), total(language, order)
    )


def to_pay(language: Language, order: OrderView) -> str:
    """What is still to be paid and where, or ""."""
    if not order.owed:
        return ""
    owed = language.money(order.owed, order.currency, order.decimals)
    return language.say(f"ticket.pay.{order.payment}", owed=owed)


def total(language: Language, order: OrderView) -> str:
    """The agreed price of all its tickets, whatever the event costs now."""
    if order.total is None:
        return language.say("ticket.no-price")
    return language.money(order.total, order.currency, order.decimals)


def _moment(language: Language, at: str | None, event: EventAvailability | None) -> str:
    """The moment by the venue's clocks, or "" for none."""
    if at is None:
        return ""
    zone = event.timezone if event else UTC_NAME
    return language.moment(datetime.fromisoformat(at).timestamp(), zone)
