"""Creates events, changes their terms, opens and closes their sale."""

import secrets
from collections.abc import Callable, Collection, Mapping
from functools import partial

from msgspec import UNSET
from msgspec.structs import replace

from core.errors import EventExists, NoSuchEvent, NoSuchType, WrongUsage, ZkticketError
from core.eventlog.audit import SOURCE, note
from core.events.create import create_event
from core.events.edit import (
    NO_NEW_TYPES,
    NO_TYPES,
    ChangeType,
    Edited,
    EventManager,
    MakeType,
)
from core.events.terms import (
    Terms,
    TypeTerms,
    changed,
    currency_of,
    expect_bounds,
    expect_language,
    expect_name,
    in_order,
    text_of,
)
from core.events.terms_file import TypeSaid
from core.schema.records import Event, Stock, TicketType
from core.schema.sale_window import is_over
from core.store.store import Store
from core.text.money import decimals_of, price
from core.zookeeper.client import ZooKeeper

MOST_TYPES = 10_000

Change = Callable[[Event], Event]


async def create(
    zk: ZooKeeper,
    name: str,
    terms: Terms,
    types: Mapping[str, TicketType],
    now: float | None = None,
    *,
    by: str = SOURCE,
) -> Event:
    """Makes an event with all its stock; its types stay in their order.

    `now`, in Unix seconds, refuses an event that is over. The log says that `by` made it.

    Raises `WrongUsage` for terms that can't be, `EventExists`, `BadZnode`, `Unavailable`,
    `Ambiguous`.
    """
    for each in (name, *types):
        expect_name(each)
    if not 1 <= len(types) <= MOST_TYPES:
        raise WrongUsage(f"an event has from 1 to {MOST_TYPES:,} types, not {len(types):,}")
    event = changed(blank(name, terms), terms, now)
    stock = {each: expect_bounds(types[each], f"types.{each}.") for each in types}
    stock = in_order(stock.items())
    if not await create_event(zk, name, event, stock):
        raise EventExists(f"event {name!r} exists; change it with `event edit`")
    await note(zk, "event", f"{name} made by {by}: {', '.join(types)}")
    return event


def blank(name: str, terms: Terms) -> Event:
    """Returns a new event of that name before its terms; prices are in their currency."""
    currency = currency_of(terms)
    return Event(
        generation=secrets.token_hex(4),
        title=name,
        currency=currency,
        decimals=decimals_of(currency),
    )


async def edit(
    zk: ZooKeeper,
    name: str,
    terms: Terms,
    types: Mapping[str, TypeTerms] | None = None,
    now: float | None = None,
    *,
    added: Mapping[str, TypeSaid] | None = None,
    removed: Collection[str] = (),
    by: str = SOURCE,
) -> Edited:
    """Changes the given terms and nothing else, all or none of them.

    Types may be `added`, and `removed` where nobody ever bought one.

    `now`, in Unix seconds, refuses what makes the event over.

    Raises as `create`, `NoSuchEvent`, `NoSuchType`, and `ZkticketError` for a capacity below what
    is sold and held.
    """
    types = types or {}
    changes = {each: partial(_retyped, each, types[each]) for each in types}
    new = {each: partial(_made, each, said) for each, said in (added or {}).items()}
    edited = await _change(
        zk, name, lambda event: changed(event, terms, now), changes, new, removed
    )
    said = [*terms.said, *(f"{each} {_said_of(types[each])}" for each in types)]
    said += [f"{each} added" for each in new] + [f"{each} removed" for each in removed]
    await note(zk, "event", f"{name} changed by {by}: {', '.join(said)}")
    return edited


def _made(name: str, said: TypeSaid, event: Event) -> TicketType:
    expect_name(name)
    return expect_bounds(said.priced(event.currency, event.decimals), said.where)


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
    after = replace(
        type_,
        capacity=capacity,
        price=cost,
        label=type_.label if said.label is UNSET else text_of(said.label, f"types.{name}.label"),
        labels=_labels(name, type_.labels, said),
        colour=type_.colour if said.colour is UNSET else said.colour.lower(),
    )
    return expect_bounds(after, f"types.{name}.")


def _labels(name: str, before: Mapping[str, str], said: TypeTerms) -> dict[str, str]:
    found = dict(before)
    for tag, label in ({} if said.labels is UNSET else said.labels).items():
        expect_language(tag)
        found[tag] = text_of(label, f"types.{name}.label")
    return {tag: label for tag, label in found.items() if label}


def _said_of(said: TypeTerms) -> str:
    """Describes a change for the log."""
    found = [] if said.capacity is UNSET else [f"capacity {said.capacity}"]
    found += [f"capacity +{said.added}"] if said.added else []
    for what in ("price", "label", "labels", "colour"):
        value = getattr(said, what)
        found += [] if value is UNSET else [f"{what} {value}"]
    return " and ".join(found)


async def open_sale(zk: ZooKeeper, name: str, now: float, by: str = SOURCE) -> Event:
    """Opens the sale now, even a closed one; `now` is in Unix seconds.

    One that is open already stays as it is. One that was closed by hand closes when that was
    planned. Raises as `edit`.
    """

    def opened(event: Event) -> Event:
        if is_over(event, now) and (event.closes_at is None or event.closes_at <= now):
            raise ZkticketError(
                f"event {name!r} is over; `event edit {name}` with a later --ends or --closes "
                "puts it on sale again"
            )
        if event.hidden:
            raise ZkticketError(
                f"event {name!r} is a draft; `event edit {name} --publish` puts it on sale"
            )
        starts = event.opens_at if event.opens_at is None else min(event.opens_at, now)
        ends = event.closes_at
        if ends is not None and ends <= now:
            planned = event.planned_closes_at
            ends = planned if planned is not None and planned > now else None
        return replace(event, opens_at=starts, closes_at=ends, planned_closes_at=None)

    event = (await _change(zk, name, opened)).event
    await note(zk, "event", f"{name} opened by {by}")
    return event


async def close_sale(zk: ZooKeeper, name: str, now: float, by: str = SOURCE) -> Event:
    """Ends the sale now, unless it has ended; held tickets may still be confirmed."""

    def closed(event: Event) -> Event:
        if event.closes_at is not None and event.closes_at <= now:
            return event
        return replace(event, closes_at=now, planned_closes_at=event.closes_at)

    event = (await _change(zk, name, closed)).event
    await note(zk, "event", f"{name} closed by {by}")
    return event


async def _change(
    zk: ZooKeeper,
    name: str,
    change: Change,
    types: Mapping[str, ChangeType] = NO_TYPES,
    added: Mapping[str, MakeType] = NO_NEW_TYPES,
    removed: Collection[str] = (),
) -> Edited:
    def of_whole(event: Event) -> Event:
        if event.unfinished:
            raise ZkticketError(f"event {name!r} is half made; finish it with `event create`")
        return change(event)

    try:
        return await EventManager(zk).edit(name, of_whole, types, added, removed)
    except NoSuchEvent:
        raise await Store(zk).no_such_event(name) from None
    except NoSuchType as error:
        known = await Store(zk).type_names(name, await Store(zk).event(name))
        raise NoSuchType(f"{error}; its types are: {', '.join(known)}") from None
