"""What the sale's page shows."""

import hashlib
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import UNSET

from core.schema.sale_window import is_settled, sale_ends_at, sale_state
from core.store.availability import EventAvailability, TypeAvailability
from core.text.money import decimals_of
from core.text.timestamps import rfc3339
from core.text.timezones import UTC_NAME
from web.http.i18n import Language
from web.http.problems import Problem
from web.pages.event_about import EventAbout, event_about
from web.pages.event_head import EventHead, event_head
from web.reads.catalog import Snapshot
from web.reads.live_availability import opens_in_ms
from web.reads.poll_interval import STEPS_S
from web.requests.purchase import KEY_HEADER, MOST_TICKETS, new_key

# Up to this share of its capacity, a type has few tickets left.
FEW_SHARE = 0.1
# Problems of these fields are shown beside them.
AT_FIELDS = frozenset({"type", "quantity", "buyer"})


class TypeRow(msgspec.Struct, frozen=True):
    """One ticket type to choose. `left_percent` is the length of its bar.

    `marks` are attributes of its button in HTML.
    """

    type: TypeAvailability
    price: str
    left: str
    left_percent: float
    few: bool
    marks: str


class Form(msgspec.Struct, frozen=True):
    """The form as the buyer has filled it in; `key` makes it buy once."""

    event: str
    type: str
    quantity: str
    buyer: str
    key: str


class SaleView(msgspec.Struct, frozen=True):
    """The page of one event. `lead` says why nothing can be bought, `stale` how old that is.

    `state` is before, open, sold-out or closed. `notice` says what went wrong, unless a field
    shows it. `prices` is a digest of all prices on the page; `money` shows the place of an amount
    beside the currency. `hold` says how long tickets are held; `limit` is the most for one buyer,
    0 for any number. `posted` says that the page answers a form, so that its address is none to
    come back to. `others` says that there are other events.
    """

    event: EventHead
    about: EventAbout
    timezone: str
    rows: tuple[TypeRow, ...]
    currency: str
    money: str
    decimals: int
    shown_decimals: int
    prices: str
    form: Form
    problem: Problem | None
    detail: str
    notice: tuple[str, ...]
    state: str
    lead: str
    opens_at: str
    opens_in_ms: int
    stale: str
    hold: str
    payment: str
    limit: int
    posted: bool
    others: bool
    few_share: float = FEW_SHARE
    poll_after_ms: int = 1000 * STEPS_S[0]

    @property
    def quantities(self) -> range:
        return range(1, min(MOST_TICKETS, self.limit or MOST_TICKETS) + 1)

    def error(self, field: str) -> str:
        """What is wrong with that field of the form, or ""."""
        found = self.problem
        return self.detail if found is not None and found.field == field else ""

    def marks(self, field: str) -> str:
        """The attributes of a field that is wrong; the browser puts the cursor there."""
        described = f'aria-invalid="true" aria-describedby="{field}-error"'
        return f" {described} autofocus" if self.error(field) else ""


def sale_view(
    language: Language,
    event: EventAvailability,
    snapshot: Snapshot,
    now: float,
    fields: Mapping[str, str],
    problem: Problem | None = None,
) -> SaleView:
    """The page of `event` with the form refilled from `fields`."""
    event = _as_told(event.in_language(language.tag), fields.get("type", ""), problem)
    state = _state(event, now)
    return SaleView(
        event=event_head(language, event, event.name),
        about=event_about(language, event),
        timezone=event.timezone,
        rows=_rows(language, event, fields.get("type", ""), problem, is_open=state == "open"),
        currency=event.currency,
        money=language.money_form(event.currency),
        decimals=event.decimals,
        shown_decimals=min(event.decimals, decimals_of(event.currency)),
        prices=price_list(event),
        form=_form(event, fields, problem),
        problem=problem,
        detail=problem.detail(language) if problem else "",
        notice=_notice(language, problem),
        state=state,
        lead=_lead(language, event, "past" if is_settled(event, now) else state),
        opens_at=rfc3339(event.opens_at) if event.opens_at else "",
        opens_in_ms=opens_in_ms(event, now),
        stale=stale_text(language, snapshot, event.timezone),
        hold=language.duration(event.hold_s),
        payment=event.payment,
        limit=event.limit,
        posted=bool(fields),
        others=any(other.name != event.name for other in events_on_show(snapshot, now)),
    )


def events_on_show(snapshot: Snapshot, now: float) -> tuple[EventAvailability, ...]:
    """The events that are not over, or all where every one is."""
    coming = tuple(event for event in snapshot.published if not is_settled(event, now))
    return coming or snapshot.published


def price_list(event: EventAvailability) -> str:
    """A digest of all prices, short enough for a form to carry what its page showed."""
    prices = "".join(sorted(f"{type_.name} {type_.price}\n" for type_ in event.types))
    return hashlib.blake2b(f"{event.currency}\n{prices}".encode(), digest_size=12).hexdigest()


def _state(event: EventAvailability, now: float) -> str:
    sale = sale_state(event, now)
    gone = all(type_.remaining == 0 for type_ in event.types)
    return "sold-out" if gone and sale == "open" else sale


def _as_told(event: EventAvailability, type_: str, problem: Problem | None) -> EventAvailability:
    """The event with what a refusal has told of a type: it is newer than the reading."""
    left = UNSET if problem is None else problem.remaining
    if left is UNSET:
        return event
    types = tuple(
        msgspec.structs.replace(each, remaining=min(each.remaining, left))
        if each.name == type_
        else each
        for each in event.types
    )
    return msgspec.structs.replace(event, types=types)


def _notice(language: Language, problem: Problem | None) -> tuple[str, ...]:
    """What is said beside the button, in buyers' words."""
    if problem is None or problem.field in AT_FIELDS:
        return ()
    if problem.field == KEY_HEADER:
        return (language.say("sale.spent"),)
    if problem.code == "outcome-unknown":
        return language.say("sale.unknown"), language.say("sale.again")
    return (problem.detail(language),)


def _lead(language: Language, event: EventAvailability, state: str) -> str:
    match state:
        case "before":
            day = language.moment(event.opens_at or 0.0, event.timezone)
            return language.say("sale.opens", day=day)
        case "past":
            return language.say("sale.past")
        case "closed":
            day = language.moment(sale_ends_at(event) or 0.0, event.timezone)
            return language.say("sale.closed", day=day)
        case "sold-out":
            return language.say("sale.sold-out")
    return ""


def _rows(
    language: Language,
    event: EventAvailability,
    wanted: str,
    problem: Problem | None,
    *,
    is_open: bool,
) -> tuple[TypeRow, ...]:
    able = [type_.name for type_ in event.types if type_.remaining and is_open]
    chosen = wanted if wanted in able else (able[0] if len(able) == 1 else "")
    missing = able[0] if able and problem is not None and problem.field == "type" else ""
    return tuple(
        _row(language, type_, event, _marks(type_.name, able, chosen, missing))
        for type_ in event.types
    )


def _marks(name: str, able: Sequence[str], chosen: str, missing: str) -> str:
    """The attributes of a type's button."""
    marks = {"disabled": name not in able, "checked": name == chosen, "autofocus": name == missing}
    return "".join(f" {mark}" for mark, applies in marks.items() if applies)


def _row(
    language: Language, type_: TypeAvailability, event: EventAvailability, marks: str
) -> TypeRow:
    few = 0 < type_.remaining <= type_.capacity * FEW_SHARE
    text = "left.none" if type_.remaining == 0 else "left.few" if few else "left.some"
    return TypeRow(
        type=type_,
        price=language.money(type_.price, event.currency, event.decimals),
        left=language.say(text, count=type_.remaining, capacity=type_.capacity),
        left_percent=round(100 * type_.remaining / max(1, type_.capacity), 1),
        few=few,
        marks=marks,
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


def stale_text(language: Language, snapshot: Snapshot, timezone: str = UTC_NAME) -> str:
    """How old the reading is, "" if it is fresh."""
    if not snapshot.stale or snapshot.as_of is None:
        return ""
    clock = language.moment(snapshot.as_of, timezone, "format.venue-seconds")
    return language.say("sale.stale", clock=clock)
