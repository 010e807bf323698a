"""The operator's commands: their options and their printing, nothing else.

`admin_app` holds `admin reset`, `delete-tree`, `log` and `tree`; `status` and `verify` are
commands of the whole.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from admin.commandline import App
from core.errors import Unavailable, ZkticketError
from core.machine import streams
from core.schema.records import DEFAULT_EVENT
from core.settings import Settings, current_settings

# What talks to ZooKeeper is imported by the command that needs it: `--help` is quick.
if TYPE_CHECKING:
    from admin.logs import Reader
    from admin.recovery.audit import ReceiptsProof
    from admin.recovery.recount import Proof
    from admin.recovery.repair import Choice, Plan
    from admin.tree import Deleted
    from core.cluster.status import Status
    from core.eventlog.query import Query
    from core.eventlog.ring import SourcedEntry
    from core.events.restock import ResetType
    from core.zookeeper.client import ZooKeeper

T = TypeVar("T")

DataDir = Annotated[
    Path | None,
    typer.Option(help="The instance's directory, .zkticket unless told.", show_default=False),
]
Zookeeper = Annotated[
    str | None,
    typer.Option(
        "--zookeeper", metavar="HOSTS", help="The ensemble, as host:port,…", show_default=False
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
QUANTITY_MOST = 100_000_000
REFRESH_S = 1.0
POLITE = 10

admin_app = App(name="admin", help="Look after tickets, znodes and logs.", no_args_is_help=True)


class Level(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


# --- status --------------------------------------------------------------------------


def status(
    data_dir: DataDir = None,
    zookeeper: Zookeeper = None,
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", help="Refresh each second.")] = False,
) -> None:
    """Show servers, workers, web and tickets. Exit 1 when degraded, 3 when nothing runs."""
    if watch and as_json:
        raise typer.BadParameter("--watch and --json exclude each other")
    settings = current_settings(data_dir=data_dir, zookeeper=zookeeper)
    if watch:
        with suppress(KeyboardInterrupt):
            asyncio.run(_watch_status(settings))
        return
    found = asyncio.run(_status(settings))
    _print_status(found, as_json)
    raise typer.Exit(0 if found.healthy else 1)


async def _status(settings: Settings) -> "Status":
    from core.cluster import run_file
    from core.cluster.status import collect
    from core.secret import load_secret

    run_file.hosts(settings.data_dir, settings.zookeeper)  # nothing runs: say that first
    return await collect(settings, load_secret(settings.data_dir))


def _print_status(found: "Status", as_json: bool) -> None:
    from admin import screen

    if as_json:
        print_json(found)
    else:
        screen.put(screen.status(found))


async def _watch_status(settings: Settings) -> None:
    from rich.live import Live

    from admin import screen

    found = await _status(settings)
    first = screen.Fitted(screen.status(found, live=True))
    with Live(first, auto_refresh=False, screen=True) as live:
        while True:
            await asyncio.sleep(REFRESH_S)
            try:
                found = await _status(settings)
                shown = screen.status(found, live=True)
            except ZkticketError as error:  # it may come back
                shown = screen.absent(found, str(error))
            live.update(screen.Fitted(shown), refresh=True)


# --- verify --------------------------------------------------------------------------


def verify(
    data_dir: DataDir = None,
    zookeeper: Zookeeper = None,
    as_json: AsJson = False,
    receipts: Annotated[
        bool, typer.Option("--receipts", help="Prove instead that no confirmed order is missing.")
    ] = False,
) -> None:
    """Recount everything from the orders up. Exit 1 at the first breach, naming the znode."""
    from rich.console import Console

    from admin import screen

    settings = current_settings(data_dir=data_dir, zookeeper=zookeeper)
    if receipts:
        _verify_receipts(settings, asyncio.run(_audit(settings)), as_json)
        return
    found = asyncio.run(_verify(settings))
    if as_json:
        print_json(found)
    else:
        Console(soft_wrap=True).print(screen.proof(found))
    if found.breach is not None:
        raise ZkticketError(f"breach at znode {found.breach.znode}: {found.breach.text}")
    if not found.ok:
        raise ZkticketError("nothing is proved: there is no event in the tree")


async def _verify(settings: Settings) -> "Proof":
    from admin.recovery.recount import recount
    from admin.session import session

    # A recount can wait, the sale on the same machine can't.
    os.nice(POLITE)
    async with session(settings) as zk:
        return await recount(zk)


async def _audit(settings: Settings) -> "ReceiptsProof":
    from admin.recovery.audit import audit
    from admin.session import session

    os.nice(POLITE)
    async with session(settings) as zk:
        return await audit(zk, settings.data_dir)


def _verify_receipts(settings: Settings, found: "ReceiptsProof", as_json: bool) -> None:
    from rich.console import Console

    from admin import screen

    if as_json:
        print_json(found)
    else:
        Console(soft_wrap=True).print(screen.receipts(found))
    if found.missing:
        raise ZkticketError(f"{found.missing} confirmed orders are missing; `repair` mends that")
    if found.damaged:
        raise ZkticketError(f"{len(found.damaged)} places in the receipts are unreadable")
    if not found.ok:
        raise ZkticketError(_no_proof(settings, found))


def _no_proof(settings: Settings, found: "ReceiptsProof") -> str:
    from core.receipts.format import FOLDER

    folder = settings.data_dir / FOLDER
    if found.orders:
        return f"nothing is proved: the receipts in {folder} are of none of the tree's orders"
    return (
        f"nothing is proved: there are no receipts in {folder}; they are on the machines "
        "whose workers sell, in the data directories of these"
    )


# --- repair --------------------------------------------------------------------------


def repair(
    oversell: Annotated[
        bool, typer.Option("--oversell", help="Where tickets were sold again, make both orders.")
    ] = False,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Give up for good what can't be put back.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    zookeeper: Zookeeper = None,
) -> None:
    """Put back the orders that the receipts prove and the tree lost, and end the alarm."""
    from admin.recovery.repair import Choice

    settings = current_settings(data_dir=data_dir, zookeeper=zookeeper)
    plan = asyncio.run(_repair(settings, Choice(oversell, leave_out), yes, as_json))
    if not plan.empty:
        typer.echo("the tree is whole; selling goes on", err=True)


async def _repair(settings: Settings, choice: "Choice", yes: bool, as_json: bool) -> "Plan":
    from admin import screen
    from admin.confirm import confirmer
    from admin.recovery.repair import repair
    from admin.session import session
    from core.secret import load_secret

    def show(plan: "Plan") -> None:
        if as_json:
            print_json(plan)
        else:
            screen.put(screen.plan(plan))

    async with session(settings) as zk:
        order_key = load_secret(settings.data_dir).order_key
        return await repair(zk, settings.data_dir, order_key, choice, show, confirmer(yes))


# --- admin reset ---------------------------------------------------------------------


@admin_app.command("reset")
def reset_command(
    quantity: Annotated[
        int, typer.Option(min=0, max=QUANTITY_MOST, help="Tickets for sale from now on.")
    ],
    types: Annotated[list[str] | None, typer.Argument(metavar="[TYPE]...")] = None,
    event: Annotated[str, typer.Option(help="The event.")] = DEFAULT_EVENT,
    yes: Yes = False,
    data_dir: DataDir = None,
    zookeeper: Zookeeper = None,
) -> None:
    """Set the number of tickets for sale, of all types or of those named; sold ones stay sold."""
    from rich.console import Console

    from admin import screen

    settings = current_settings(data_dir=data_dir, zookeeper=zookeeper)
    rows = asyncio.run(_reset(settings, event, types or [], quantity, yes))
    console = Console()
    with console.capture() as shown:
        console.print(screen.reset(rows))
    streams.tell(shown.get().rstrip())


async def _reset(
    settings: Settings, event: str, types: list[str], quantity: int, yes: bool
) -> "list[ResetType]":
    from admin.confirm import confirmer
    from admin.session import session
    from core.events.restock import reset

    async with session(settings) as zk:
        return await reset(zk, event, types, quantity, confirmer(yes))


# --- admin tree, delete-tree ---------------------------------------------------------


@admin_app.command("tree")
def tree_command(
    path: Annotated[str, typer.Argument(help="Inside /zkticket.")] = "/",
    data: Annotated[bool, typer.Option("--data", help="Print what they hold, too.")] = False,
    data_dir: DataDir = None,
    zookeeper: Zookeeper = None,
) -> None:
    """Print the znodes at and below PATH."""
    from core.schema.paths import inside_chroot

    settings = current_settings(data_dir=data_dir, zookeeper=zookeeper)
    asyncio.run(_tree(settings, inside_chroot(path), data))


async def _tree(settings: Settings, path: str, with_data: bool) -> None:
    from admin import tree
    from admin.session import session

    async with session(settings) as zk:
        async for line in tree.lines(zk, path, with_data):
            typer.echo(line)


@admin_app.command("delete-tree")
def delete_tree_command(
    path: Annotated[str, typer.Argument(help="Inside /zkticket.")] = "/",
    yes: Yes = False,
    data_dir: DataDir = None,
    zookeeper: Zookeeper = None,
) -> None:
    """Delete the znodes at and below PATH, with the tickets that they record."""
    from core.schema.paths import inside_chroot

    wanted = inside_chroot(path)
    settings = current_settings(data_dir=data_dir, zookeeper=zookeeper)
    deleted = asyncio.run(_delete_tree(settings, wanted, yes))
    streams.tell(f"{deleted.znodes} znodes deleted")
    if deleted.kept:
        typer.echo(f"{deleted.kept} registrations of living processes kept", err=True)


async def _delete_tree(settings: Settings, path: str, yes: bool) -> "Deleted":
    from admin.confirm import confirmer
    from admin.session import session
    from admin.tree import delete_tree

    async with session(settings) as zk:
        return await delete_tree(zk, path, confirmer(yes))


# --- admin log -----------------------------------------------------------------------


@admin_app.command("log")
def log_command(
    source: Annotated[list[str] | None, typer.Option(help="Of this process only.")] = None,
    level: Annotated[Level, typer.Option(help="Of this level and above.")] = Level.DEBUG,
    since: Annotated[str | None, typer.Option(help="Not older than 30s, 10m, 2h, 1d.")] = None,
    grep: Annotated[str | None, typer.Option(help="Matching this regular expression.")] = None,
    order: Annotated[str | None, typer.Option(help="About this order.")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on as entries come.")] = False,
    tail: Annotated[int | None, typer.Option(min=0, help="The last N only.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    export: Annotated[Path | None, typer.Option(help="Write <source>.log files here.")] = None,
    data_dir: DataDir = None,
    zookeeper: Zookeeper = None,
) -> None:
    """Look up log entries of every worker, web and supervisor, in the order of time."""
    from admin.logs import local_files
    from core.eventlog.query import Query, level_number, pattern, seconds

    if follow and export:
        raise typer.BadParameter("--follow and --export exclude each other")
    query = Query(
        sources=frozenset(source or ()),
        level=level_number(level),
        since=time.time() - seconds(since) if since else 0.0,
        pattern=pattern(grep) if grep else None,
        order=order or "",
    )
    settings = current_settings(data_dir=data_dir, zookeeper=zookeeper)
    output = _Output(as_json, export)
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(_log(settings, query, output, tail, follow))
    except Unavailable as error:
        here = local_files(settings.logs_dir)
        raise ZkticketError(f"{error} The processes' own logs are in {here}") from None


async def _log(
    settings: Settings, query: "Query", output: "_Output", tail: int | None, follow: bool
) -> None:
    from admin import logs
    from admin.session import session

    async with session(settings) as zk:
        await logs.expect_sources(zk, query.sources)
        reader = logs.Reader(zk)
        found = await reader.news(query)
        output.write(found if tail is None else found[max(0, len(found) - tail) :])
        _name_damage(reader)
        if follow:
            async for entry in logs.follow(reader, query):
                output.write([entry])


def _name_damage(reader: "Reader") -> None:
    for damage in reader.damage.values():
        typer.echo(f"skipped: {damage}", err=True)


@admin_app.command("credentials")
def credentials_command(data_dir: DataDir = None) -> None:
    """Print what opens the tree to zkCli, and the operator's token for /api/status."""
    from core.secret import load_secret
    from core.zookeeper.kazoo_adapter import IDENTITY

    secret = load_secret(current_settings(data_dir=data_dir).data_dir)
    typer.echo(f"addauth digest {IDENTITY}:{secret.zookeeper_password}")
    typer.echo(f"Authorization: Bearer {secret.operator_token}")


@admin_app.command("payment-secret")
def payment_secret_command(data_dir: DataDir = None) -> None:
    """Print what a payment provider signs its calls to /api/payments with."""
    from base64 import b64encode

    from core.secret import load_secret

    secret = load_secret(current_settings(data_dir=data_dir).data_dir)
    typer.echo(f"whsec_{b64encode(secret.payment_key).decode()}")


class _Output:
    """Where log entries go: the terminal, JSON lines, or a file for each source."""

    def __init__(self, as_json: bool, directory: Path | None) -> None:
        self._as_json = as_json
        self._directory = directory

    def write(self, found: "list[SourcedEntry]") -> None:
        from admin.logs import export

        if self._directory is not None:
            for path in export(found, self._directory):
                streams.tell(str(path))
        elif self._as_json:
            self._write_json(found)
        else:
            self._write_lines(found)

    def _write_json(self, found: "list[SourcedEntry]") -> None:
        from core.eventlog.ring import as_json

        for entry in found:
            typer.echo(as_json(entry))

    def _write_lines(self, found: "list[SourcedEntry]") -> None:
        from rich.console import Console
        from rich.text import Text

        from admin.logs import line

        styles = {"warning": "yellow", "error": "red", "critical": "bold red"}
        console = Console(soft_wrap=True)
        for entry in found:
            console.print(Text(line(entry), style=styles.get(entry.entry.level, "")))


def print_json(record: object) -> None:
    import msgspec

    pretty = msgspec.json.format(msgspec.json.encode(record), indent=2)
    typer.echo(pretty)


def do(settings: Settings, act: "Callable[[ZooKeeper], Awaitable[T]]") -> T:
    """What the act returns, over a session of its own."""

    async def over_a_session() -> T:
        from admin.session import session

        async with session(settings) as zk:
            return await act(zk)

    return asyncio.run(over_a_session())
