"""What the page of a hold shows, while it runs and after its end."""

import math
from datetime import datetime

import msgspec

from core.schema.records import OrderView
from core.store.availability import EventAvailability
from core.text.timestamps import rfc3339
from core.text.timezones import UTC_NAME
from web.http.i18n import Language
from web.pages.event_head import EventHead, event_head, type_label
from web.pages.ticket_view import to_pay, total

HOLDS = frozenset({"held", "released", "expired"})
# The buyer is warned when a fifth of the time is left, within these bounds: WCAG 2.2.1 wants 20 s
# at least, and more than a minute is no warning.
WARNING_SHARE = 0.2
LEAST_WARNING_S, MOST_WARNING_S = 20.0, 60.0


class PayFirst(msgspec.Struct, frozen=True):
    """How a hold is paid where nothing else confirms it.

    `address` is that of the shop's page, with `label` as the text of its link; without it `how`
    says what to do.
    """

    label: str
    address: str
    how: str


class HoldView(msgspec.Struct, frozen=True):
    """A hold. `state` is held, over or released; `until_at` is in RFC 3339.

    `left` is the time left as text. `confirm` and `extend` are the texts of the buttons; `extend`
    is empty if that can't be done; `key` makes its form extend once.
    """

    order: OrderView
    event: EventHead
    type: str
    total: str
    state: str
    heading: str
    lead: str
    notice: str
    until: str
    until_at: str
    ends_in_ms: int
    warn_ms: int
    left: str
    confirm: str
    extend: str
    extensions: str
    key: str
    pay: PayFirst | None
    to_pay: str


def is_hold(order: OrderView) -> bool:
    """Whether the order is a hold, or ended as one."""
    return order.status in HOLDS


def hold_view(
    language: Language,
    order: OrderView,
    event: EventAvailability | None,
    now: float,
    key: str,
    notice: str = "",
    pay_at: str = "",
) -> HoldView:
    """The page of a hold; its event is `None` while the catalog can't tell. `now` in Unix s.

    `pay_at` is the shop's page, if the event has one.
    """
    until = datetime.fromisoformat(order.held_until or order.created_at).timestamp()
    left_s = max(0.0, until - now)
    state = _state(order, left_s)
    pay = _pay_first(language, order, event, pay_at)
    extensions = max(0, event.extensions - order.extended) if event else 0
    return HoldView(
        order=order,
        event=event_head(language, event, order.event),
        type=type_label(order, event),
        total=total(language, order),
        state=state,
        heading=language.say(f"hold.{state}", count=order.quantity),
        lead=language.say("hold.pay-lead" if pay and state == "held" else f"hold.{state}-lead"),
        notice=notice,
        until=language.moment(until, event.timezone if event else UTC_NAME, "format.venue-seconds"),
        until_at=rfc3339(until),
        ends_in_ms=round(1000 * left_s),
        warn_ms=round(1000 * _warning_s(event)),
        left=time_left(left_s),
        confirm=_confirm(language, order),
        extend=_extend(language, event, extensions),
        extensions=_extensions(language, extensions),
        key=key,
        pay=pay,
        to_pay="" if pay else to_pay(language, order),
    )


def time_left(seconds: float) -> str:
    """Minutes and seconds, rounded up; with hours if there are any."""
    minutes, second = divmod(math.ceil(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute:02}:{second:02}"


def _state(order: OrderView, left_s: float) -> str:
    """The state by the clock: a hold that is over may be on sale again a moment later."""
    if order.status == "released":
        return "released"
    return "held" if order.status == "held" and left_s else "over"


def _pay_first(
    language: Language, order: OrderView, event: EventAvailability | None, address: str
) -> PayFirst | None:
    """How it is paid, if the event wants that; the event's rule may be newer than the order's."""
    if (event or order).payment != "required" or not order.total:
        return None
    owed = language.money(order.total, order.currency, order.decimals)
    how = language.say("hold.pay-how", owed=owed, number=order.number)
    return PayFirst(language.say("hold.pay", owed=owed), address, how)


def _warning_s(event: EventAvailability | None) -> float:
    share_s = WARNING_SHARE * event.hold_s if event else MOST_WARNING_S
    return min(MOST_WARNING_S, max(LEAST_WARNING_S, share_s))


def _confirm(language: Language, order: OrderView) -> str:
    """What the button buys, and for how much."""
    if order.total is None:
        return language.say("hold.confirm")
    if not order.total:
        return language.say("sale.get-free", count=order.quantity)
    return language.say("sale.buy-for", count=order.quantity, total=total(language, order))


def _extend(language: Language, event: EventAvailability | None, extensions: int) -> str:
    if event is None or not extensions:
        return ""
    return language.say("hold.extend", duration=language.duration(event.hold_s))


def _extensions(language: Language, count: int) -> str:
    return language.say("hold.extensions", count=count) if count else language.say("hold.fixed")
