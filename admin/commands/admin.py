"""`admin …`: what its commands take."""

from base64 import b64encode
from pathlib import Path
from typing import Annotated, Literal

import typer

from admin.commandline import App, AsJson, DataDir, InstanceSettings, Yes
from core.schema.paths import DEFAULT_EVENT, IDENTITY
from core.settings import current_settings

QUANTITY_MOST = 100_000_000

admin_app = App(name="admin", help="Look after tickets, znodes and logs.", no_args_is_help=True)

token_app = App(name="token", help="Tokens of people and devices, by role.", no_args_is_help=True)
admin_app.add_typer(token_app, name="token")

Role = Literal["door", "organiser", "operator"]
Level = Literal["debug", "info", "warning", "error"]
Top = Annotated[str, typer.Argument(help="A path inside /zkticket.")]


@admin_app.command("reset")
def reset_command(
    quantity: Annotated[
        int, typer.Option(min=0, max=QUANTITY_MOST, help="Tickets for sale from now on.")
    ],
    settings: InstanceSettings,
    types: Annotated[list[str] | None, typer.Argument(metavar="[TYPE]...")] = None,
    event: Annotated[str, typer.Option(help="The event.")] = DEFAULT_EVENT,
    yes: Yes = False,
) -> None:
    """Set the number of tickets for sale, of all types or of those named; sold ones stay sold."""
    from admin.actions import events

    events.reset_stock(settings, event, types or [], quantity, yes)


@admin_app.command("tree")
def tree_command(
    settings: InstanceSettings,
    path: Top = "/",
    data: Annotated[bool, typer.Option("--data", help="Print what they hold, too.")] = False,
) -> None:
    """Print the znodes at and below PATH."""
    from admin.actions import znodes

    znodes.show(settings, path, data)


@admin_app.command("delete-tree")
def delete_tree_command(settings: InstanceSettings, path: Top = "/", yes: Yes = False) -> None:
    """Delete the znodes at and below PATH, with the tickets that they record."""
    from admin.actions import znodes

    znodes.delete(settings, path, yes)


@admin_app.command("log")
def log_command(
    settings: InstanceSettings,
    source: Annotated[list[str] | None, typer.Option(help="Only what this process wrote.")] = None,
    level: Annotated[Level, typer.Option(help="This level and above.")] = "debug",
    since: Annotated[str | None, typer.Option(help="Not older than 30s, 10m, 2h, 1d.")] = None,
    grep: Annotated[str | None, typer.Option(help="Matching this regular expression.")] = None,
    order: Annotated[str | None, typer.Option(metavar="ORDER", help="About this order.")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on as entries come.")] = False,
    tail: Annotated[int | None, typer.Option(min=0, help="The last N only.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    export: Annotated[Path | None, typer.Option(help="Write <source>.log files here.")] = None,
) -> None:
    """Look up log entries of every worker, web and supervisor, in the order of time."""
    from admin.actions import log

    if follow and export:
        raise typer.BadParameter("--follow and --export exclude each other")
    query = log.query_of(source or [], level, since, grep, order)
    log.look_up(settings, query, log.LogWriter(as_json, export), tail, follow)


@admin_app.command("credentials")
def credentials_command(data_dir: DataDir = None) -> None:
    """Print what opens the tree to zkCli, and the operator's token for /api/status."""
    from core.cluster_secret import load_secret

    secret = load_secret(current_settings(data_dir=data_dir).data_dir)
    typer.echo(f"addauth digest {IDENTITY}:{secret.zookeeper_password}")
    typer.echo(f"Authorization: Bearer {secret.operator_token}")


@token_app.command("create")
def create_token_command(
    role: Annotated[Role, typer.Option(help="What it opens.")],
    name: Annotated[
        str, typer.Option(metavar="WHO", help="The person or the device; the log names it.")
    ],
    settings: InstanceSettings,
    event: Annotated[str, typer.Option(help="A door's only event; every one unless told.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a token, and print it this once."""
    from admin.actions import tokens

    tokens.create(settings, role, name, event, as_json)


@token_app.command("list")
def list_tokens_command(settings: InstanceSettings, as_json: AsJson = False) -> None:
    """List whose tokens there are, and what they open."""
    from admin.actions import tokens

    tokens.show_all(settings, as_json)


@token_app.command("revoke")
def revoke_token_command(
    name: Annotated[str, typer.Argument(metavar="WHO", help="As `list` has it.")],
    settings: InstanceSettings,
) -> None:
    """End a token, and all that is signed in with it."""
    from admin.actions import tokens

    tokens.revoke(settings, name)


@admin_app.command("payment-secret")
def payment_secret_command(data_dir: DataDir = None) -> None:
    """Print what a payment provider signs its calls to /api/payments with."""
    from core.cluster_secret import load_secret

    secret = load_secret(current_settings(data_dir=data_dir).data_dir)
    typer.echo(f"whsec_{b64encode(secret.payment_key).decode()}")
