"""`event …`: what its commands take."""

from pathlib import Path
from typing import Annotated, Any

import typer

from admin.commandline import App, AsJson, InstanceSettings, Yes

event_app = App(
    name="event", help="Make events, change them, open and close their sale.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The event's name in addresses.")]
TIME = "2027-03-01T20:00"


def terms(
    title: Annotated[str | None, typer.Option(help="What buyers read.")] = None,
    description: Annotated[
        str | None, typer.Option(help="Plain text; an empty line between paragraphs.")
    ] = None,
    organiser: Annotated[str | None, typer.Option(help="Whose event it is.")] = None,
    place: Annotated[str | None, typer.Option(help="Where it is.")] = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE", help="The venue's, as Europe/Berlin; times are by its clocks. Else UTC."
        ),
    ] = None,
    starts: Annotated[
        str | None,
        typer.Option(metavar="TIME", help=f"When it starts, as {TIME}, or with an offset."),
    ] = None,
    ends: Annotated[str | None, typer.Option(metavar="TIME", help="When it ends.")] = None,
    doors: Annotated[
        str | None, typer.Option(metavar="TIME", help="When people are let in.")
    ] = None,
    opens: Annotated[str | None, typer.Option(metavar="TIME", help="When its sale opens.")] = None,
    closes: Annotated[
        str | None, typer.Option(metavar="TIME", help="When its sale closes.")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            help="Most tickets for one buyer, 0 for no limit; counts purchases from now on."
        ),
    ] = None,
    hold_minutes: Annotated[float | None, typer.Option(help="How long tickets are held.")] = None,
    extensions: Annotated[
        int | None, typer.Option(help="How often a hold may be extended.")
    ] = None,
    cancellable: Annotated[
        bool | None,
        typer.Option("--cancellable/--not-cancellable", help="Whether buyers may cancel."),
    ] = None,
    currency: Annotated[str | None, typer.Option(help="Three letters: EUR, TWD.")] = None,
    payment: Annotated[
        str | None,
        typer.Option(
            help="none, door (paid at the entrance), or required (no ticket without payment)."
        ),
    ] = None,
    payment_url: Annotated[
        str | None, typer.Option(help="Where buyers pay: see web/PAYMENT.md.")
    ] = None,
) -> dict[str, Any]:
    """The options that describe an event, by the names of its terms."""
    return {**locals()}


TermOptions = Annotated[dict[str, Any], terms]


@event_app.command("create")
def create_command(
    options: TermOptions,
    settings: InstanceSettings,
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
        Path | None, typer.Option("--from", metavar="FILE", help="TOML; options override it.")
    ] = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="At once; without it, it is a draft that nobody sees.")
    ] = False,
) -> None:
    """Make an event with its tickets: a draft, until it is published."""
    from admin.actions import events

    events.create(settings, name, file, types or (), {**options, "hidden": not publish})


@event_app.command("edit")
def edit_command(
    name: Name,
    options: TermOptions,
    settings: InstanceSettings,
    capacity: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE=N", help="Tickets in all, sold ones included; =+N adds some."),
    ] = None,
    price: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE=P", help="From now on; sold tickets keep theirs."),
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(metavar="TYPE=TEXT", help="What buyers read for the type.")
    ] = None,
    add_type: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME:CAPACITY[:PRICE[:COLOUR]]", help="One more type of tickets."),
    ] = None,
    remove_type: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE", help="A type that nobody has bought."),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(help="The texts given here are a translation, into en or zh-TW."),
    ] = None,
    publish: Annotated[
        bool | None,
        typer.Option("--publish/--hide", help="Whether buyers see it, and can buy."),
    ] = None,
) -> None:
    """Change what is named, and nothing else; a time may be `none`."""
    from admin.actions import events

    hidden = None if publish is None else not publish
    options |= {"hidden": hidden, "language": language}
    changes = (capacity or (), price or (), label or ())
    events.edit(settings, name, options, changes, add_type or (), remove_type or ())


@event_app.command("delete")
def delete_command(
    name: Name,
    settings: InstanceSettings,
    with_orders: Annotated[
        bool,
        typer.Option("--with-orders", help="Also an event that has orders, and these with it."),
    ] = False,
    yes: Yes = False,
) -> None:
    """Delete an event for good; one with orders only if that is said."""
    from admin.actions import events

    events.delete(settings, name, with_orders, yes)


@event_app.command("open")
def open_command(name: Name, settings: InstanceSettings) -> None:
    """Open the sale now, also one that was closed."""
    from admin.actions import events

    events.open_sale(settings, name)


@event_app.command("close")
def close_command(name: Name, settings: InstanceSettings, yes: Yes = False) -> None:
    """Close the sale now; what is held may still be confirmed."""
    from admin.actions import events

    events.close_sale(settings, name, yes)


@event_app.command("list")
def list_command(settings: InstanceSettings, as_json: AsJson = False) -> None:
    """Show every event: its sale, its time, how much is sold."""
    from admin.actions import events

    events.show_all(settings, as_json)


@event_app.command("show")
def show_command(name: Name, settings: InstanceSettings, as_json: AsJson = False) -> None:
    """Show an event's terms, and what is left of each type."""
    from admin.actions import events

    events.show(settings, name, as_json)
