"""`order show|explain|find|cancel|export`: their options and their printing."""

import random
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from admin.commandline import App
from admin.commands.instance import AsJson, DataDir, Yes, Zookeeper, do, print_json
from core.errors import NoSuchOrder, ZkticketError
from core.machine import streams
from core.settings import Settings, current_settings

# What talks to ZooKeeper is imported by the command that needs it: `--help` is quick.
if TYPE_CHECKING:
    from admin.confirm import Confirm
    from admin.export import Begin
    from core.schema.records import OrderView
    from core.store.order_changes import Amender, Done
    from core.store.scan import Tell
    from core.zookeeper.client import ZooKeeper

order_app = App(
    name="order", help="Look up orders, cancel them, write them out.", no_args_is_help=True
)

Id = Annotated[str, typer.Argument(metavar="ID", help="An order's id, or its ticket's address.")]
Events = Annotated[list[str] | None, typer.Option("--event", help="Of this event only.")]
# So much of what is no order is repeated.
MOST_SHOWN = 80
REFUSALS = {
    "not-valid": "it is not sold",
    "already-checked-in": "its holder has been let in",
}


@order_app.command("show")
def show_command(
    order: Id, as_json: AsJson = False, data_dir: DataDir = None, zookeeper: Zookeeper = None
) -> None:
    """Show an order as its buyer sees it."""
    from rich.console import Console

    from admin import screen

    settings = current_settings(data_dir=data_dir, zookeeper=zookeeper)
    found = do(settings, lambda zk: _view(zk, _id(order)))
    if as_json:
        print_json(found)
    else:
        Console(soft_wrap=True).print(screen.order(found))


@order_app.command("explain")
def explain_command(
    order: Id, as_json: AsJson = False, data_dir: DataDir = None, zookeeper: Zookeeper = None
) -> None:
    """Show an order's life: who made it, in which commit, and all that became of it."""
    from rich.console import Console

    from admin import screen
    from core.store.order_history import timeline

    settings = current_settings(data_dir=data_dir, zookeeper=zookeeper)
    found = do(settings, lambda zk: timeline(zk, _id(order)))
    if as_json:
        print_json(found)
        return
    Console(soft_wrap=True).print(screen.timeline(found))
    if not found.whole:
        typer.echo("older entries of the log are not shown; see `admin log --order`", err=True)


@order_app.command("cancel")
def cancel_command(
    order: Id,
    reason: Annotated[str, typer.Option(help="Why; kept with the order.")] = "",
    yes: Yes = False,
    data_dir: DataDir = None,
    zookeeper: Zookeeper = None,
) -> None:
    """Cancel a sold order: its tickets are for sale again at once, its buyer's limit as well."""
    from admin.confirm import confirmer
    from core.events.service import text_of

    why = text_of(reason, "--reason")
    settings = current_settings(data_dir=data_dir, zookeeper=zookeeper)
    streams.tell(do(settings, lambda zk: _cancel(zk, settings, _id(order), why, confirmer(yes))))


@order_app.command("find")
def find_command(
    buyer: Annotated[str, typer.Option(help="Part of a name, however it is spelled.")],
    events: Events = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    zookeeper: Zookeeper = None,
) -> None:
    """Find the orders of a buyer. It reads every order: with a million, it takes its time."""
    from rich.console import Console

    from admin import screen
    from admin.export import json_lines
    from core.store.scan import of_buyer

    settings = current_settings(data_dir=data_dir, zookeeper=zookeeper)
    found: list[OrderView] = []
    wanted = of_buyer(buyer)

    def keep(order: "OrderView") -> None:
        if wanted(order):
            found.append(order)

    _read_all(settings, events, lambda _out: keep)
    found.sort(key=lambda order: order.created_at)
    if as_json:
        for each in found:
            json_lines(sys.stdout)(each)
    else:
        Console().print(screen.orders(found))


@order_app.command("export")
def export_command(
    as_csv: Annotated[bool, typer.Option("--csv", help="Rows below a line of names.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    events: Events = None,
    data_dir: DataDir = None,
    zookeeper: Zookeeper = None,
) -> None:
    """Write every order to stdout, as CSV unless told otherwise."""
    from admin.export import csv_rows, json_lines

    if as_csv and as_json:
        raise typer.BadParameter("--csv and --json exclude each other")
    settings = current_settings(data_dir=data_dir, zookeeper=zookeeper)
    _read_all(settings, events, json_lines if as_json else csv_rows)


# --- acts ----------------------------------------------------------------------------


async def _view(zk: "ZooKeeper", order_id: str) -> "OrderView":
    from core.store.store import Store

    return (await Store(zk).order(order_id)).view


async def _cancel(
    zk: "ZooKeeper", settings: Settings, order_id: str, reason: str, confirm: "Confirm"
) -> str:
    from core.eventlog.audit import note
    from core.store.lifecycle import Act, OrderChange

    before = await _view(zk, order_id)
    tickets = f"{before.quantity} of {before.type} of {before.event} for {before.buyer}"
    confirm(f"Cancel order {order_id}, {tickets}?")
    change = OrderChange(
        order=order_id, act=Act.CANCEL, note=reason, key=secrets.token_hex(8), operator=True
    )
    [done] = await _amender(zk, settings).settle([change])
    _expect_done(done, order_id)
    if not done.changed:
        return f"order {order_id} was cancelled before"
    await note(zk, "cancel", f"order {order_id} cancelled by operator")
    return f"order {order_id} is cancelled: {before.quantity} of {before.type} are for sale again"


def _amender(zk: "ZooKeeper", settings: Settings) -> "Amender":
    from core.eventlog.audit import SOURCE
    from core.secret import load_secret
    from core.store.bookkeeping import NoBooks
    from core.store.order_changes import Amender
    from core.store.store import Store

    return Amender(
        Store(zk),
        zk,
        name=SOURCE,
        order_key=load_secret(settings.data_dir).order_key,
        fence=str,
        books=NoBooks(),
        now=time.time,
        rng=random.Random(),  # noqa: S311 - jitter
    )


def _expect_done(done: "Done", order_id: str) -> None:
    from core.store.orders import no_such_order

    if done.order is None:
        raise no_such_order(order_id)
    if done.refusal is not None:
        why = REFUSALS.get(done.refusal, done.refusal)
        raise ZkticketError(f"order {order_id} can't be cancelled: {why}; nothing was changed")


def _read_all(settings: Settings, events: list[str] | None, begin: "Begin") -> None:
    """Begins to write once the orders can be read: before that, nothing is to be on stdout."""
    with _progress() as tell:
        do(settings, lambda zk: _write_all(zk, events or [], begin, tell))


async def _write_all(zk: "ZooKeeper", events: list[str], begin: "Begin", tell: "Tell") -> None:
    from core.store.scan import every_order, existing

    found = await existing(zk, events)
    write = begin(sys.stdout)
    async with aclosing(every_order(zk, found, tell)) as orders:
        async for order in orders:
            write(order)


@contextmanager
def _progress() -> "Iterator[Tell]":
    """A bar on stderr, where that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("orders", total=1.0)
        yield lambda part: bar.update(task, completed=part)


# --- printing ------------------------------------------------------------------------


def _id(text: str) -> str:
    from core.store.orders import FIND, ORDER_ID

    found = ORDER_ID.search(text)
    if found is None:
        raise NoSuchOrder(f"{text[:MOST_SHOWN]!r} is no order's id: 32 digits from 0 to f; {FIND}")
    return found.group()
