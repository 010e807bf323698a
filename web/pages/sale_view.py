"""What the sale's page shows."""

import hashlib
from collections.abc import Mapping

import msgspec

from core.schema.sale_window import is_settled, sale_ends_at, sale_state
from core.store.availability import EventAvailability, TypeAvailability
from core.text.timestamps import rfc3339
from web.http.i18n import Language
from web.http.problems import Problem
from web.pages.event_head import EventHead, event_head
from web.reads.catalog import Snapshot
from web.reads.live_availability import opens_in_ms
from web.reads.poll_interval import STEPS_S
from web.requests.purchase import KEY_HEADER, MOST_TICKETS, new_key

# Up to this share of its capacity, a type has few tickets left.
FEW_SHARE = 0.1
# Problems of these fields are shown beside them.
AT_FIELDS = frozenset({"type", "quantity", "buyer"})


class Card(msgspec.Struct, frozen=True):
    """One ticket type to choose. `left_percent` is the length of its bar."""

    type: TypeAvailability
    price: str
    left: str
    left_percent: float
    few: bool
    chosen: bool


class Form(msgspec.Struct, frozen=True):
    """The form as the buyer has filled it in; `key` makes it buy once."""

    event: str
    type: str
    quantity: str
    buyer: str
    key: str


class SaleView(msgspec.Struct, frozen=True):
    """The page of one event. `lead` says how the sale stands, `stale` how old that is.

    `state` is before, open, sold-out or closed. `notice` says what went wrong, unless a field
    shows it. `prices` is a digest of all prices on the page. `hold` says how long tickets are
    held; `limit` is the most for one buyer, 0 for any number.
    """

    event: EventHead
    cards: tuple[Card, ...]
    currency: str
    prices: str
    form: Form
    problem: Problem | None
    detail: str
    notice: str
    state: str
    lead: str
    opens_at: str
    opens_in_ms: int
    stale: str
    hold: str
    limit: int
    others: tuple[tuple[str, str], ...]
    few_share: float = FEW_SHARE
    poll_after_ms: int = 1000 * STEPS_S[0]

    @property
    def quantities(self) -> range:
        return range(1, min(MOST_TICKETS, self.limit or MOST_TICKETS) + 1)

    def error(self, field: str) -> str:
        """What is wrong with that field of the form, or ""."""
        found = self.problem
        return self.detail if found is not None and found.field == field else ""


def sale_view(
    language: Language,
    event: EventAvailability,
    snapshot: Snapshot,
    now: float,
    fields: Mapping[str, str],
    problem: Problem | None = None,
) -> SaleView:
    """The page of `event` with the form refilled from `fields`."""
    state = _state(event, now)
    return SaleView(
        event=event_head(language, event, event.name),
        cards=_cards(language, event, fields.get("type", "")),
        currency=event.currency,
        prices=price_list(event),
        form=_form(event, fields, problem),
        problem=problem,
        detail=problem.detail(language) if problem else "",
        notice=_notice(language, problem),
        state=state,
        lead=_lead(language, event, "past" if is_settled(event, now) else state),
        opens_at=rfc3339(event.opens_at) if event.opens_at else "",
        opens_in_ms=opens_in_ms(event, now),
        stale=_stale(language, snapshot),
        hold=language.duration(event.hold_s),
        limit=event.limit,
        others=tuple(
            (other.name, other.title)
            for other in snapshot.published
            if other.name != event.name and not is_settled(other, now)
        ),
    )


def price_list(event: EventAvailability) -> str:
    """A digest of all prices, short enough for a form to carry what its page showed."""
    prices = "".join(sorted(f"{type_.name} {type_.price}\n" for type_ in event.types))
    return hashlib.blake2b(f"{event.currency}\n{prices}".encode(), digest_size=12).hexdigest()


def _state(event: EventAvailability, now: float) -> str:
    sale = sale_state(event, now)
    gone = all(type_.remaining == 0 for type_ in event.types)
    return "sold-out" if gone and sale == "open" else sale


def _notice(language: Language, problem: Problem | None) -> str:
    if problem is None or problem.field in AT_FIELDS:
        return ""
    spent = problem.field == KEY_HEADER
    return language.say("sale.spent") if spent else problem.detail(language)


def _lead(language: Language, event: EventAvailability, state: str) -> str:
    match state:
        case "before":
            day = language.say_time("format.day", event.opens_at or 0.0)
            return language.say("sale.opens", day=day)
        case "past":
            return language.say("sale.past")
        case "closed":
            day = language.say_time("format.day", sale_ends_at(event) or 0.0)
            return language.say("sale.closed", day=day)
        case "sold-out":
            return language.say("sale.sold-out")
    return language.say("sale.lead")


def _cards(language: Language, event: EventAvailability, wanted: str) -> tuple[Card, ...]:
    open_names = [type_.name for type_ in event.types if type_.remaining]
    chosen = wanted if wanted in open_names else (open_names[0] if len(open_names) == 1 else "")
    return tuple(
        _card(language, type_, event, chosen=type_.name == chosen) for type_ in event.types
    )


def _card(
    language: Language, type_: TypeAvailability, event: EventAvailability, *, chosen: bool
) -> Card:
    few = 0 < type_.remaining <= type_.capacity * FEW_SHARE
    text = "left.none" if type_.remaining == 0 else "left.few" if few else "left.some"
    return Card(
        type=type_,
        price=language.money(type_.price, event.currency, event.decimals),
        left=language.say(text, count=type_.remaining, capacity=type_.capacity),
        left_percent=round(100 * type_.remaining / max(1, type_.capacity), 1),
        few=few,
        chosen=chosen,
    )


def _form(event: EventAvailability, fields: Mapping[str, str], problem: Problem | None) -> Form:
    """The form, with the key that it had, unless that has bought something else."""
    spent = problem is not None and problem.field == KEY_HEADER
    return Form(
        event=event.name,
        type=fields.get("type", ""),
        quantity=fields.get("quantity", "1"),
        buyer=fields.get("buyer", ""),
        key=new_key() if spent else fields.get("key") or new_key(),
    )


def _stale(language: Language, snapshot: Snapshot) -> str:
    if not snapshot.stale or snapshot.as_of is None:
        return ""
    return language.say("sale.stale", clock=language.say_time("format.clock", snapshot.as_of))
