"""`event create|list|show|edit|open|close`: their options and their printing."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from admin.commandline import App
from admin.commands.instance import AsJson, DataDir, Yes, Zookeeper, do, print_json
from core.errors import NoSuchEvent, WrongUsage
from core.machine import streams
from core.settings import current_settings

# What talks to ZooKeeper is imported by the command that needs it: `--help` is quick.
if TYPE_CHECKING:
    from rich.console import RenderableType

    from core.store.availability import EventAvailability
    from core.zookeeper.client import ZooKeeper

event_app = App(
    name="event", help="Make events, change them, open and close their sale.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The event's name in addresses.")]
Title = Annotated[str | None, typer.Option(help="What buyers read.")]
Place = Annotated[str | None, typer.Option(help="Where it is.")]
Currency = Annotated[str | None, typer.Option(help="Three letters: EUR, TWD.")]
TIME = "2027-03-01T20:00:00+01:00"
Starts = Annotated[str | None, typer.Option(metavar="TIME", help=f"When it starts, as {TIME}.")]
Ends = Annotated[str | None, typer.Option(metavar="TIME", help="When it ends.")]
Opens = Annotated[str | None, typer.Option(metavar="TIME", help="When its sale opens.")]
Closes = Annotated[str | None, typer.Option(metavar="TIME", help="When its sale closes.")]
Limit = Annotated[
    int | None,
    typer.Option(help="Most tickets of one buyer, 0 for no limit; counts what is bought from now."),
]
HoldMinutes = Annotated[float | None, typer.Option(help="How long tickets are held.")]
Extensions = Annotated[int | None, typer.Option(help="How often a hold may be extended.")]
Cancellable = Annotated[
    bool | None,
    typer.Option("--cancellable/--not-cancellable", help="Whether buyers may cancel."),
]


@event_app.command("create")
def create_command(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The event's name in addresses.")
    ] = None,
    types: Annotated[
        list[str] | None,
        typer.Option(
            "--type", metavar="NAME:CAPACITY[:PRICE[:COLOUR]]", help="Like A:100:48.00:#cc0000."
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="TOML; options go before it.")
    ] = None,
    title: Title = None,
    place: Place = None,
    starts: Starts = None,
    ends: Ends = None,
    opens: Opens = None,
    closes: Closes = None,
    limit: Limit = None,
    hold_minutes: HoldMinutes = None,
    extensions: Extensions = None,
    cancellable: Cancellable = None,
    currency: Currency = None,
    data_dir: DataDir = None,
    zookeeper: Zookeeper = None,
) -> None:
    """Make an event with its tickets; they are on sale at once unless --opens says otherwise."""
    from admin.commands import event_options
    from core.events import service
    from core.events.terms_file import priced

    options = {**locals()}  # an option has the name of its term
    known, said, stock = event_options.read(file) if file else ("", event_options.NOTHING, {})
    said = event_options.both(said, event_options.of_options(options))
    stock |= event_options.ticket_types(types or ())
    if not (chosen := name or known):
        raise WrongUsage("the event has no name; give it one: event create NAME")
    settings = current_settings(data_dir=data_dir, zookeeper=zookeeper)
    made = priced(stock, said)
    do(settings, lambda zk: service.create(zk, chosen, said, made))
    streams.tell(f"event {chosen} made: {', '.join(stock)}")


@event_app.command("edit")
def edit_command(
    name: Name,
    title: Title = None,
    place: Place = None,
    starts: Starts = None,
    ends: Ends = None,
    opens: Opens = None,
    closes: Closes = None,
    limit: Limit = None,
    hold_minutes: HoldMinutes = None,
    extensions: Extensions = None,
    cancellable: Cancellable = None,
    currency: Currency = None,
    capacity: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE=N", help="Tickets in all, sold ones included; =+N adds some."),
    ] = None,
    price: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE=P", help="From now on; sold tickets keep theirs."),
    ] = None,
    data_dir: DataDir = None,
    zookeeper: Zookeeper = None,
) -> None:
    """Change what is named, and nothing else; a time may be `none`."""
    from admin.commands import event_options
    from core.events import service

    said = event_options.of_options({**locals()})
    types = event_options.type_terms(capacity or (), price or ())
    if said == event_options.NOTHING and not types:
        raise WrongUsage("nothing to change was named; see `event edit --help`")
    settings = current_settings(data_dir=data_dir, zookeeper=zookeeper)
    edited = do(settings, lambda zk: service.edit(zk, name, said, types))
    streams.tell(f"event {name} changed")
    for type_, stock in edited.stock.items():
        streams.tell(
            f"{type_}: {stock.capacity} in all, {stock.sold} sold, {stock.held} held, "
            f"{stock.remaining} for sale"
        )


@event_app.command("open")
def open_command(name: Name, data_dir: DataDir = None, zookeeper: Zookeeper = None) -> None:
    """Open the sale now, also one that was closed."""
    from core.events import service

    settings = current_settings(data_dir=data_dir, zookeeper=zookeeper)
    do(settings, lambda zk: service.open_sale(zk, name, time.time()))
    streams.tell(f"event {name} is open")


@event_app.command("close")
def close_command(
    name: Name, yes: Yes = False, data_dir: DataDir = None, zookeeper: Zookeeper = None
) -> None:
    """Close the sale now; what is held may still be confirmed."""
    from admin.confirm import confirmer
    from core.events import service

    settings = current_settings(data_dir=data_dir, zookeeper=zookeeper)
    confirmer(yes)(f"Close the sale of event {name}?")
    do(settings, lambda zk: service.close_sale(zk, name, time.time()))
    streams.tell(f"event {name} is closed")


@event_app.command("list")
def list_command(
    as_json: AsJson = False, data_dir: DataDir = None, zookeeper: Zookeeper = None
) -> None:
    """Show every event: its sale, its time, how much is sold."""
    from admin import screen

    settings = current_settings(data_dir=data_dir, zookeeper=zookeeper)
    found = do(settings, _every)
    _print(found, screen.events(found, time.time()), as_json)


@event_app.command("show")
def show_command(
    name: Name, as_json: AsJson = False, data_dir: DataDir = None, zookeeper: Zookeeper = None
) -> None:
    """Show an event's terms, and what is left of each type."""
    from admin import screen

    settings = current_settings(data_dir=data_dir, zookeeper=zookeeper)
    found = do(settings, lambda zk: _one(zk, name))
    _print(found, screen.event(found, time.time()), as_json)


async def _every(zk: "ZooKeeper") -> "list[EventAvailability]":
    from core.store.store import Store

    store = Store(zk)
    return [await store.availability(name) for name in await store.event_names()]


async def _one(zk: "ZooKeeper", name: str) -> "EventAvailability":
    from core.store.store import Store

    store = Store(zk)
    try:
        return await store.availability(name)
    except NoSuchEvent:
        raise await store.no_such_event(name) from None


def _print(
    found: "EventAvailability | list[EventAvailability]", table: "RenderableType", as_json: bool
) -> None:
    from admin import screen

    if as_json:
        print_json(found)
    else:
        screen.put(table)
