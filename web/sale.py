"""What the sale page and the ticket's page show: frozen, ready to print."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from core.models import OrderView
from core.store import EventAvailability, TypeAvailability
from web.basket import MOST_TICKETS, new_key
from web.catalog import Snapshot
from web.language import Language
from web.problems import Problem

# From here on a type's remaining tickets are shown as few.
FEW_SHARE = 0.1


@dataclass(frozen=True)
class Card:
    """One ticket type to choose. `left_percent` is the length of its bar."""

    name: str
    price: str
    left: str
    left_percent: float
    few: bool
    sold_out: bool
    chosen: bool


@dataclass(frozen=True)
class Form:
    """What the buyer has typed, as text; `key` makes the form buy once."""

    event: str
    type: str
    quantity: str
    buyer: str
    key: str


@dataclass(frozen=True)
class SalePage:
    """The page of one event. `closed` says why nothing can be bought, `stale` how old it is.

    `detail` says what the problem is.
    """

    title: str
    cards: tuple[Card, ...]
    form: Form
    problem: Problem | None
    detail: str
    closed: str
    stale: str
    others: tuple[tuple[str, str], ...]

    @property
    def sells(self) -> bool:
        return not self.closed and not self.sold_out

    @property
    def sold_out(self) -> bool:
        return all(card.sold_out for card in self.cards)

    @property
    def quantities(self) -> range:
        return range(1, MOST_TICKETS + 1)

    def error(self, field: str) -> str:
        """What is wrong with that field of the form."""
        found = self.problem
        return self.detail if found is not None and found.field == field else ""


@dataclass(frozen=True)
class TicketPage:
    """A ticket. `number` is the order's id in groups of four."""

    title: str
    number: str
    type: str
    quantity: int
    buyer: str
    bought: str
    bought_at: str
    status: str
    total: str


def sale_page(
    language: Language,
    event: EventAvailability,
    snapshot: Snapshot,
    now: float,
    fields: Mapping[str, str],
    problem: Problem | None = None,
) -> SalePage:
    """The page of `event` with the form refilled from `fields`."""
    return SalePage(
        title=event.title,
        cards=_cards(language, event, fields.get("type", "")),
        form=_form(event, fields, problem),
        problem=problem,
        detail=problem.detail(language) if problem else "",
        closed=_closed(language, event, now),
        stale=_stale(language, snapshot),
        others=tuple(
            (other.name, other.title) for other in snapshot.events if other.name != event.name
        ),
    )


def ticket_page(
    language: Language, order: OrderView, event: EventAvailability | None
) -> TicketPage:
    """The page of an order; its event is `None` while the catalog can't tell."""
    bought = datetime.fromisoformat(order.created_at)
    return TicketPage(
        title=event.title if event else order.event,
        number=" ".join(order.order[start : start + 4] for start in range(0, 32, 4)),
        type=order.type,
        quantity=order.quantity,
        buyer=order.buyer,
        bought=language.say("format.moment", at=bought),
        bought_at=order.created_at,
        status=language.say(f"ticket.status.{order.status}"),
        total=_total(language, order, event),
    )


def _total(language: Language, order: OrderView, event: EventAvailability | None) -> str:
    for type_ in event.types if event else ():
        if type_.name == order.type and event:
            return language.money(type_.price * order.quantity, event.currency)
    return ""


def _cards(language: Language, event: EventAvailability, wanted: str) -> tuple[Card, ...]:
    open_names = [type_.name for type_ in event.types if type_.remaining]
    chosen = wanted if wanted in open_names else (open_names[0] if len(open_names) == 1 else "")
    return tuple(
        _card(language, type_, event.currency, type_.name == chosen) for type_ in event.types
    )


def _card(language: Language, type_: TypeAvailability, currency: str, chosen: bool) -> Card:
    few = 0 < type_.remaining <= type_.capacity * FEW_SHARE
    text = "left.none" if type_.remaining == 0 else "left.few" if few else "left.some"
    return Card(
        name=type_.name,
        price=language.money(type_.price, currency),
        left=language.say(text, count=type_.remaining, capacity=type_.capacity),
        left_percent=round(100 * type_.remaining / max(1, type_.capacity), 1),
        few=few,
        sold_out=type_.remaining == 0,
        chosen=chosen,
    )


def _form(event: EventAvailability, fields: Mapping[str, str], problem: Problem | None) -> Form:
    """A key is kept while its purchase may still come true, or was never made."""
    spent = problem is not None and problem.field == "Idempotency-Key"
    return Form(
        event=event.name,
        type=fields.get("type", ""),
        quantity=fields.get("quantity", "1"),
        buyer=fields.get("buyer", ""),
        key=new_key() if spent else fields.get("key") or new_key(),
    )


def _closed(language: Language, event: EventAvailability, now: float) -> str:
    if event.opens_at is not None and now < event.opens_at:
        return language.say("sale.opens", day=language.say_time("format.day", event.opens_at))
    if event.closes_at is not None and now >= event.closes_at:
        return language.say("sale.closed", day=language.say_time("format.day", event.closes_at))
    return ""


def _stale(language: Language, snapshot: Snapshot) -> str:
    if not snapshot.stale or snapshot.as_of is None:
        return ""
    return language.say("sale.stale", clock=language.say_time("format.clock", snapshot.as_of))
