"""Creates events, changes their terms, opens and closes their sale."""

import secrets
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from core.errors import EventExists, NoSuchEvent, NoSuchType, WrongTerm, WrongUsage, ZkticketError
from core.eventlog.audit import note
from core.events.create import create_event
from core.events.edit import NO_TYPES, ChangeType, Edited, EventManager
from core.schema.records import DEFAULT_CURRENCY, NAME, Event, Stock, TicketType
from core.schema.sale_window import is_over
from core.store.store import Store
from core.text.money import decimals_of, price
from core.text.names import brief, clean, is_shown
from core.zookeeper.client import ZooKeeper

MOST_CHARACTERS = 200
MOST_TYPES = 10_000
# How many characters of a wrong name an error repeats.
MOST_SHOWN = 40

Change = Callable[[Event], Event]
Checked = TypeVar("Checked", Event, TicketType)


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """An organiser's terms for an event, by the names of `Event`; what is unset stays."""

    title: str | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    place: str | UnsetType = UNSET
    starts_at: float | UnsetType | None = UNSET
    ends_at: float | UnsetType | None = UNSET
    opens_at: float | UnsetType | None = UNSET
    closes_at: float | UnsetType | None = UNSET
    limit: int | UnsetType = UNSET
    hold_s: float | UnsetType = UNSET
    extensions: int | UnsetType = UNSET
    cancellable: bool | UnsetType = UNSET

    @property
    def said(self) -> dict[str, Any]:
        """The terms that were given, by name."""
        said: dict[str, Any] = msgspec.to_builtins(self)
        return said


class TypeTerms(msgspec.Struct, frozen=True, kw_only=True):
    """An organiser's terms for a type that is on sale; what is unset stays.

    `capacity` is the total, including sold and held tickets; `added` is a number of more tickets;
    `price` is as people write it.
    """

    capacity: int | UnsetType = UNSET
    added: int = 0
    price: str | UnsetType = UNSET


def currency_of(terms: Terms) -> str:
    """Returns the currency of an event that is made under these terms."""
    return DEFAULT_CURRENCY if isinstance(terms.currency, UnsetType) else terms.currency


async def create(zk: ZooKeeper, name: str, terms: Terms, types: Mapping[str, TicketType]) -> Event:
    """Makes an event with all its stock.

    Raises `WrongUsage` for terms that can't be, `EventExists`, `BadZnode`,
    `Unavailable`, `Ambiguous`.
    """
    for each in (name, *types):
        expect_name(each)
    if not 1 <= len(types) <= MOST_TYPES:
        raise WrongUsage(f"an event has from 1 to {MOST_TYPES:,} types, not {len(types):,}")
    currency = currency_of(terms)
    blank = Event(
        generation=secrets.token_hex(4),
        title=name,
        currency=currency,
        decimals=decimals_of(currency),
    )
    event = changed(blank, terms)
    stock = {each: _checked(types[each], f"types.{each}.") for each in types}
    if not await create_event(zk, name, event, stock):
        raise EventExists(f"event {name!r} exists; change it with `event edit`")
    await note(zk, "event", f"{name} made by operator: {', '.join(types)}")
    return event


async def edit(
    zk: ZooKeeper, name: str, terms: Terms, types: Mapping[str, TypeTerms] | None = None
) -> Edited:
    """Changes the given terms and nothing else, all or none of them.

    Raises as `create`, `NoSuchEvent`, `NoSuchType`, and `ZkticketError` for a capacity below what
    is sold and held.
    """
    types = types or {}
    changes = {each: partial(_retyped, each, types[each]) for each in types}
    edited = await _change(zk, name, lambda event: changed(event, terms), changes)
    said = [*terms.said, *(f"{each} {_said_of(types[each])}" for each in types)]
    await note(zk, "event", f"{name} changed by operator: {', '.join(said)}")
    return edited


def _retyped(
    name: str, said: TypeTerms, event: Event, type_: TicketType, stock: Stock
) -> TicketType:
    """Returns the type under these terms. Raises `ZkticketError` where its stock forbids it."""
    capacity = type_.capacity if said.capacity is UNSET else said.capacity
    capacity += said.added
    if capacity < stock.taken:
        raise ZkticketError(
            f"{capacity} tickets of {name} in all are too few: {stock.sold} are sold and "
            f"{stock.held} held; nothing was changed"
        )
    cost = type_.price
    if said.price is not UNSET:
        cost = price(said.price, event.currency, event.decimals, f"types.{name}.price")
    return _checked(msgspec.structs.replace(type_, capacity=capacity, price=cost), f"types.{name}.")


def _said_of(said: TypeTerms) -> str:
    """Describes a change for the log."""
    found = [] if said.capacity is UNSET else [f"capacity {said.capacity}"]
    found += [f"capacity +{said.added}"] if said.added else []
    found += [] if said.price is UNSET else [f"price {said.price}"]
    return " and ".join(found)


async def open_sale(zk: ZooKeeper, name: str, now: float) -> Event:
    """Opens the sale now, even a closed one; `now` is in Unix seconds.

    One that is open already stays as it is. Raises as `edit`.
    """

    def opened(event: Event) -> Event:
        if is_over(event, now) and (event.closes_at is None or event.closes_at <= now):
            raise ZkticketError(
                f"event {name!r} is over; `event edit {name}` with a later --ends or --closes "
                "puts it on sale again"
            )
        starts = event.opens_at if event.opens_at is None else min(event.opens_at, now)
        ends = event.closes_at
        return msgspec.structs.replace(
            event, opens_at=starts, closes_at=None if ends is not None and ends <= now else ends
        )

    event = (await _change(zk, name, opened)).event
    await note(zk, "event", f"{name} opened by operator")
    return event


async def close_sale(zk: ZooKeeper, name: str, now: float) -> Event:
    """Ends the sale now, unless it has ended; held tickets may still be confirmed."""

    def closed(event: Event) -> Event:
        ends = now if event.closes_at is None else min(event.closes_at, now)
        return msgspec.structs.replace(event, closes_at=ends)

    event = (await _change(zk, name, closed)).event
    await note(zk, "event", f"{name} closed by operator")
    return event


def changed(event: Event, terms: Terms) -> Event:
    """Returns the event under these terms. Raises `WrongUsage`, which names what can't be."""
    said = terms.said
    said |= {name: text_of(said[name], name) for name in ("title", "place") if name in said}
    after = _checked(msgspec.structs.replace(event, **said))
    if not after.title:
        raise WrongTerm("title", "empty", "it is empty")
    if not (len(after.currency) == 3 and after.currency.isascii() and after.currency.isupper()):
        raise WrongTerm("currency", "currency", f"{after.currency!r} is no code like EUR")
    if after.currency != event.currency and decimals_of(after.currency) != event.decimals:
        why = f"{after.currency} has other decimals than the prices; make a new event"
        raise WrongTerm("currency", "decimals", why)
    for first, then in (("starts_at", "ends_at"), ("opens_at", "closes_at")):
        # A sale may have been closed before it opened: only what is said now has to make sense.
        begins, ends = getattr(after, first), getattr(after, then)
        if {first, then} & said.keys() and None not in (begins, ends) and ends <= begins:
            raise WrongTerm(then.removesuffix("_at"), "order", "it is not after the beginning")
    return after


def expect_name(name: str) -> None:
    """Raises `WrongUsage` for what can't be the name of an event or a type."""
    if not NAME.fullmatch(name):
        shown = repr(brief(name, MOST_SHOWN))
        raise WrongUsage(
            f"{shown} is no name: write 1 to 32 of A-Z a-z 0-9 - _, a letter or digit first"
        )


def text_of(text: str, field: str) -> str:
    """Cleans a short text, which may be empty. Raises `WrongTerm`."""
    found = clean(text)
    if len(found) > MOST_CHARACTERS or (found and not is_shown(found)):
        raise WrongTerm(field, "text", f"at most {MOST_CHARACTERS} printable characters")
    return found


async def _change(
    zk: ZooKeeper, name: str, change: Change, types: Mapping[str, ChangeType] = NO_TYPES
) -> Edited:
    def of_whole(event: Event) -> Event:
        if event.draft:
            raise ZkticketError(f"event {name!r} is half made; finish it with `event create`")
        return change(event)

    try:
        return await EventManager(zk).edit(name, of_whole, types)
    except NoSuchEvent:
        raise await Store(zk).no_such_event(name) from None
    except NoSuchType as error:
        known = await Store(zk).type_names(name, await Store(zk).event(name))
        raise NoSuchType(f"{error}; its types are: {', '.join(known)}") from None


def _checked(record: Checked, above: str = "") -> Checked:
    """Returns the record if its fields are within their bounds. Raises `WrongUsage`."""
    try:
        return msgspec.convert(msgspec.to_builtins(record), type(record))
    except msgspec.ValidationError as error:
        raise WrongUsage(above + in_words(error)) from None


def in_words(error: msgspec.ValidationError) -> str:
    """Describes a field that does not fit, its name first: `types.A.price: expected `int` >= 0`."""
    what, at, where = str(error).rpartition(" - at `$.")
    if not at:
        return brief(str(error))
    return brief(f"{where.rstrip('`')}: {what[:1].lower()}{what[1:]}")
