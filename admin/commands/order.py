"""`order …`: what its commands take."""

from typing import Annotated

import typer

from admin.commandline import App, AsJson, InstanceSettings, Yes

order_app = App(
    name="order", help="Look up orders, cancel them, write them out.", no_args_is_help=True
)

Id = Annotated[
    str, typer.Argument(metavar="ORDER", help="A number, a ticket's code or address, or an id.")
]
Events = Annotated[list[str] | None, typer.Option("--event", help="Only orders of this event.")]


@order_app.command("show")
def show_command(order: Id, settings: InstanceSettings, as_json: AsJson = False) -> None:
    """Show an order as its buyer sees it."""
    from admin.actions import orders

    orders.show(settings, order, as_json)


@order_app.command("explain")
def explain_command(order: Id, settings: InstanceSettings, as_json: AsJson = False) -> None:
    """Show an order's life: who made it, in which commit, and all that became of it."""
    from admin.actions import orders

    orders.explain(settings, order, as_json)


@order_app.command("cancel")
def cancel_command(
    order: Id,
    settings: InstanceSettings,
    reason: Annotated[str, typer.Option(help="Why; kept with the order.")] = "",
    yes: Yes = False,
) -> None:
    """Cancel a sold order: its tickets are for sale again at once, its buyer's limit as well."""
    from admin.actions import orders

    orders.cancel(settings, order, reason, yes)


@order_app.command("find")
def find_command(
    buyer: Annotated[str, typer.Option(help="Part of a name, however it is spelled.")],
    settings: InstanceSettings,
    events: Events = None,
    as_json: AsJson = False,
) -> None:
    """Find the orders of a buyer. It reads every order, so a million of them take a while."""
    from admin.actions import orders

    orders.find(settings, buyer, events or (), as_json)


@order_app.command("export")
def export_command(
    settings: InstanceSettings,
    as_csv: Annotated[bool, typer.Option("--csv", help="Rows below a line of names.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    events: Events = None,
) -> None:
    """Write every order to stdout, as CSV unless told otherwise."""
    from admin.actions import orders

    if as_csv and as_json:
        raise typer.BadParameter("--csv and --json exclude each other")
    orders.export(settings, events or (), as_json)
