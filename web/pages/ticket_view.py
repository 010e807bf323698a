"""What a ticket's page shows."""

from dataclasses import dataclass
from datetime import datetime

from core.schema.records import OrderView
from core.schema.sale_window import is_settled
from core.store.availability import EventAvailability, TypeAvailability
from core.text.timestamps import rfc3339
from web.http.i18n import Language
from web.pages.qr import qr_svg

# The code of orders that admit nobody is not shown.
SPENT = frozenset({"held", "released", "expired", "cancelled"})


@dataclass(frozen=True)
class TicketView:
    """A ticket. `number` is the order's id in groups of four; fields in `_at` are RFC 3339.

    `code` is the QR code as SVG, empty if the order admits nobody; `notice` is what went wrong.
    """

    order: str
    event: str
    greeting: str
    title: str
    place: str
    starts: str
    starts_at: str
    number: str
    type: str
    quantity: int
    buyer: str
    bought: str
    bought_at: str
    state: str
    status: str
    checked_in: str
    checked_in_at: str
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
    starts_at = event.starts_at if event else None
    state = "checked-in" if order.checked_in_at else order.status
    return TicketView(
        order=order.order,
        event=order.event,
        greeting=_greeting(language, order, state),
        title=event.title if event else order.event,
        place=event.place if event else "",
        starts=language.say_time("format.day", starts_at) if starts_at else "",
        starts_at=rfc3339(starts_at) if starts_at else "",
        number=" ".join(order.order[start : start + 4] for start in range(0, 32, 4)),
        type=type_label(order, event),
        quantity=order.quantity,
        buyer=order.buyer,
        bought=_moment(language, order.created_at),
        bought_at=order.created_at,
        state=state,
        status=language.say(f"ticket.status.{state}"),
        checked_in=_moment(language, order.checked_in_at) if order.checked_in_at else "",
        checked_in_at=order.checked_in_at or "",
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
    known = _known(order, event)
    return known.label or known.name if known else order.type


def total(language: Language, order: OrderView) -> str:
    """The agreed price of all its tickets, whatever the event costs now."""
    if order.total is None:
        return language.say("ticket.no-price")
    return language.money(order.total, order.currency, order.decimals)


def _known(order: OrderView, event: EventAvailability | None) -> TypeAvailability | None:
    types = event.types if event else ()
    return next((type_ for type_ in types if type_.name == order.type), None)


def _moment(language: Language, at: str) -> str:
    return language.say("format.moment", at=datetime.fromisoformat(at))
