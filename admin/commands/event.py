"""`event …`: what its commands take."""

from pathlib import Path
from typing import Annotated

import typer

from admin.commandline import App, AsJson, DataDir, Yes, Zookeeper
from core.settings import current_settings

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
    options = {**locals()}  # an option has the name of its term
    from admin.actions import events

    settings = current_settings(data_dir=data_dir, zookeeper=zookeeper)
    events.create(settings, name, file, types or (), options)


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
    options = {**locals()}
    from admin.actions import events

    settings = current_settings(data_dir=data_dir, zookeeper=zookeeper)
    events.edit(settings, name, options, capacity or (), price or ())


@event_app.command("open")
def open_command(name: Name, data_dir: DataDir = None, zookeeper: Zookeeper = None) -> None:
    """Open the sale now, also one that was closed."""
    from admin.actions import events

    events.open_sale(current_settings(data_dir=data_dir, zookeeper=zookeeper), name)


@event_app.command("close")
def close_command(
    name: Name, yes: Yes = False, data_dir: DataDir = None, zookeeper: Zookeeper = None
) -> None:
    """Close the sale now; what is held may still be confirmed."""
    from admin.actions import events

    events.close_sale(current_settings(data_dir=data_dir, zookeeper=zookeeper), name, yes)


@event_app.command("list")
def list_command(
    as_json: AsJson = False, data_dir: DataDir = None, zookeeper: Zookeeper = None
) -> None:
    """Show every event: its sale, its time, how much is sold."""
    from admin.actions import events

    events.show_all(current_settings(data_dir=data_dir, zookeeper=zookeeper), as_json)


@event_app.command("show")
def show_command(
    name: Name, as_json: AsJson = False, data_dir: DataDir = None, zookeeper: Zookeeper = None
) -> None:
    """Show an event's terms, and what is left of each type."""
    from admin.actions import events

    events.show(current_settings(data_dir=data_dir, zookeeper=zookeeper), name, as_json)
