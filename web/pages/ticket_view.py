"""What a ticket's page shows."""

from datetime import datetime

import msgspec

from core.schema.records import OrderView
from core.schema.sale_window import is_settled
from core.store.availability import EventAvailability
from web.http.i18n import Language
from web.pages.event_head import EventHead, event_head
from web.pages.qr import qr_svg

# The code of orders that admit nobody is not shown.
SPENT = frozenset({"held", "released", "expired", "cancelled"})


class TicketView(msgspec.Struct, frozen=True):
    """A ticket. `number` is the order's id in groups of four.

    `code` is the QR code as SVG, empty if the order admits nobody; `notice` is what went wrong.
    """

    order: OrderView
    event: EventHead
    greeting: str
    number: str
    type: str
    bought: str
    state: str
    status: str
    checked_in: str
    total: str
    code: str
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
        number=" ".join(order.order[start : start + 4] for start in range(0, 32, 4)),
        type=type_label(order, event),
        bought=_moment(language, order.created_at),
        state=state,
        status=language.say(f"ticket.status.{state}"),
        checked_in=_moment(language, order.checked_in_at) if order.checked_in_at else "",
        total=total(language, order),
        code="" if order.status in SPENT else qr_svg(order.order),
        cancellable=state == "sold" and _is_cancellable(event, now),
        notice=notice,
    )


def _is_cancellable(event: EventAvailability | None, now: float) -> bool:
    return event is not None and event.cancellable and not is_settled(event, now)


def _greeting(language: Language, order: OrderView, state: str) -> str:
    if state == "sold":
        return language.say("ticket.here", count=order.quantity)
    if state == "checked-in":
        return language.say("ticket.used")
    return language.say("ticket.void")


def type_label(order: OrderView, event: EventAvailability | None) -> str:
    """The label of the order's type."""
    types = event.types if event else ()
    return next((each.label for each in types if each.name == order.type), "") or order.type


def total(language: Language, order: OrderView) -> str:
    """The agreed price of all its tickets, whatever the event costs now."""
    if order.total is None:
        return language.say("ticket.no-price")
    return language.money(order.total, order.currency, order.decimals)


def _moment(language: Language, at: str) -> str:
    return language.say("format.moment", at=datetime.fromisoformat(at))
