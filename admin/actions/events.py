"""`event …` and `admin reset`, once their options are read."""

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from admin.actions import event_options
from admin.confirm import confirmer
from admin.screen import event_tables, output
from admin.zookeeper_session import with_session
from core.errors import NoSuchEvent, WrongUsage
from core.events import event_manager
from core.events.deletion import delete_event
from core.events.edit import Edited
from core.events.restock import reset
from core.events.terms import Terms
from core.events.terms_file import priced
from core.machine import streams
from core.schema.records import Event
from core.settings import Settings
from core.store.availability import EventReport, reported
from core.store.store import Store
from core.text.timezones import moment
from core.zookeeper.client import ZooKeeper


def create(
    settings: Settings,
    name: str | None,
    file: Path | None,
    types: Iterable[str],
    options: Mapping[str, Any],
) -> None:
    known, said, stock = event_options.read(file) if file else ("", Terms(), {})
    said = replace(said, **event_options.of_options(options, said.timezone or "").said)
    stock |= event_options.ticket_types(types)
    if not (chosen := name or known):
        raise WrongUsage("the event has no name; give it one: event create NAME")
    made = priced(stock, said)
    event = with_session(
        settings, lambda zk: event_manager.create(zk, chosen, said, made, time.time())
    )
    streams.tell(f"event {chosen} made: {', '.join(stock)}")
    _tell_time(event)
    if event.hidden:
        streams.tell(f"it is a draft; `event edit {chosen} --publish` puts it on sale")


def edit(
    settings: Settings,
    name: str,
    options: Mapping[str, Any],
    changes: tuple[Iterable[str], Iterable[str], Iterable[str]],
    more: Iterable[str],
    fewer: Sequence[str],
) -> None:
    """Changes an event; `changes` are those of types: capacities, prices and labels."""
    types = event_options.type_terms(*changes, options["language"])
    added = event_options.ticket_types(more, "--add-type")
    if not (types or added or fewer) and all(value is None for value in options.values()):
        raise WrongUsage("nothing to change was named; see `event edit --help`")

    async def change(zk: ZooKeeper) -> Edited:
        zone = options["timezone"] or (await _one(zk, name)).timezone
        said = event_options.of_options(options, zone)
        return await event_manager.edit(
            zk, name, said, types, time.time(), added=added, removed=fewer
        )

    edited = with_session(settings, change)
    streams.tell(f"event {name} changed")
    _tell_time(edited.event)
    for type_, stock in edited.stock.items():
        streams.tell(
            f"{type_}: {stock.capacity} in all, {stock.sold} sold, {stock.held} held, "
            f"{stock.remaining} for sale"
        )


def delete(settings: Settings, name: str, with_orders: bool, yes: bool) -> None:
    confirm = confirmer(yes)
    with_session(settings, lambda zk: delete_event(zk, name, confirm, with_orders=with_orders))
    streams.tell(f"event {name} is deleted")


def _tell_time(event: Event) -> None:
    """Shows how the start was understood, and by whose clocks pages will tell it."""
    if event.starts_at is not None:
        streams.tell(f"it starts on {moment(event.starts_at, event.timezone)}")


def open_sale(settings: Settings, name: str) -> None:
    with_session(settings, lambda zk: event_manager.open_sale(zk, name, time.time()))
    streams.tell(f"event {name} is open")


def close_sale(settings: Settings, name: str, yes: bool) -> None:
    confirmer(yes)(f"Close the sale of event {name}?")
    with_session(settings, lambda zk: event_manager.close_sale(zk, name, time.time()))
    streams.tell(f"event {name} is closed")


def reset_stock(settings: Settings, event: str, types: list[str], quantity: int, yes: bool) -> None:
    stock = with_session(settings, lambda zk: reset(zk, event, types, quantity, confirmer(yes)))
    console = output.new_console()
    with console.capture() as shown:
        console.print(event_tables.reset(stock))
    streams.tell(shown.get().rstrip())


def show_all(settings: Settings, as_json: bool) -> None:
    found = with_session(settings, _every)
    output.put(found, event_tables.events(found, time.time()), as_json=as_json)


def show(settings: Settings, name: str, as_json: bool) -> None:
    found = with_session(settings, lambda zk: _one(zk, name))
    output.put(found, event_tables.event(found, time.time()), as_json=as_json)


async def _every(zk: ZooKeeper) -> list[EventReport]:
    store, now = Store(zk), time.time()
    return [reported(await store.availability(name), now) for name in await store.event_names()]


async def _one(zk: ZooKeeper, name: str) -> EventReport:
    store = Store(zk)
    try:
        return reported(await store.availability(name), time.time())
    except NoSuchEvent:
        raise await store.no_such_event(name) from None
