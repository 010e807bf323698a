"""`order show|explain|find|cancel|export`, once their options are read."""

import random
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import TextIO, TypeAlias

import typer
from rich.progress import Progress

from admin.confirm import Confirm, confirmer
from admin.screen import order_tables, output
from admin.zookeeper_session import with_session
from core.cluster_secret import load_secret
from core.errors import ZkticketError
from core.eventlog.audit import SOURCE, note
from core.events.terms import text_of
from core.machine import streams
from core.schema.records import OrderView
from core.settings import Settings
from core.store.order_changes import ChangeOutcome, OrderChanger
from core.store.order_history import Timeline, timeline
from core.store.order_lifecycle import Act, OrderChange
from core.store.orders import no_such_order
from core.store.receipt_keeping import Bookkeeper
from core.store.scan import Tell, every_order, existing, of_buyer
from core.store.store import Store
from core.text.export import Write, csv_rows, json_lines
from core.zookeeper.client import ZooKeeper

Begin: TypeAlias = Callable[[TextIO], Write]

REFUSALS = {
    "not-valid": "it is not sold",
    "already-checked-in": "its holder has been let in",
}


def show(settings: Settings, order: str, as_json: bool) -> None:
    found = with_session(settings, lambda zk: _view(zk, settings, order))
    output.put(found, order_tables.order(found), as_json=as_json)


def explain(settings: Settings, order: str, as_json: bool) -> None:
    found = with_session(settings, lambda zk: _explain(zk, settings, order))
    output.put(found, order_tables.timeline(found), as_json=as_json)
    if not (found.whole or as_json):
        typer.echo("older entries of the log are not shown; see `admin log --order`", err=True)


def cancel(settings: Settings, order: str, reason: str, yes: bool) -> None:
    why = text_of(reason, "--reason")
    done = with_session(settings, lambda zk: _cancel(zk, settings, order, why, confirmer(yes)))
    streams.tell(done)


def find(settings: Settings, buyer: str, events: Sequence[str], as_json: bool) -> None:
    found: list[OrderView] = []
    wanted = of_buyer(buyer)

    def keep(order: OrderView) -> None:
        if wanted(order):
            found.append(order)

    _read_all(settings, events, lambda _out: keep)
    found.sort(key=lambda order: order.created_at)
    if as_json:
        for each in found:
            json_lines(sys.stdout)(each)
    else:
        output.put(found, order_tables.orders(found))


def export(settings: Settings, events: Sequence[str], as_json: bool) -> None:
    _read_all(settings, events, json_lines if as_json else _csv)


def _csv(out: TextIO) -> Write:
    return csv_rows(out, OrderView)


async def _view(zk: ZooKeeper, settings: Settings, order: str) -> OrderView:
    """Returns the order of an id, an address, a number or a code, with its code."""
    ticket_key = load_secret(settings.data_dir).ticket_key
    return (await Store(zk).order_of(order, ticket_key)).view.coded(ticket_key)


async def _explain(zk: ZooKeeper, settings: Settings, order: str) -> Timeline:
    return await timeline(zk, (await _view(zk, settings, order)).order)


async def _cancel(
    zk: ZooKeeper, settings: Settings, order: str, reason: str, confirm: Confirm
) -> str:
    before = await _view(zk, settings, order)
    order_id = before.order
    tickets = f"{before.quantity} of {before.type} of {before.event} for {before.buyer}"
    confirm(f"Cancel order {order_id}, {tickets}?")
    change = OrderChange(
        order=order_id, act=Act.CANCEL, note=reason, key=secrets.token_hex(8), operator=True
    )
    [done] = await _changer(zk, settings).settle([change])
    _expect_done(done, order_id)
    if not done.changed:
        return f"order {order_id} was cancelled before"
    await note(zk, "cancel", f"order {order_id} cancelled by operator")
    return f"order {order_id} is cancelled: {before.quantity} of {before.type} are for sale again"


def _changer(zk: ZooKeeper, settings: Settings) -> OrderChanger:
    return OrderChanger(
        Store(zk),
        zk,
        name=SOURCE,
        order_key=load_secret(settings.data_dir).order_key,
        fence=str,
        books=Bookkeeper(),
        now=time.time,
        rng=random.Random(),  # noqa: S311 - jitter
    )


def _expect_done(done: ChangeOutcome, order_id: str) -> None:
    if done.order is None:
        raise no_such_order(order_id)
    if done.refusal is not None:
        why = REFUSALS.get(done.refusal, done.refusal)
        raise ZkticketError(f"order {order_id} can't be cancelled: {why}; nothing was changed")


def _read_all(settings: Settings, events: Sequence[str], begin: Begin) -> None:
    """Reads orders and writes them; nothing is on stdout before they can be read."""
    with _progress() as tell:
        with_session(settings, lambda zk: _write_all(zk, settings, events, begin, tell))


async def _write_all(
    zk: ZooKeeper, settings: Settings, events: Sequence[str], begin: Begin, tell: Tell
) -> None:
    ticket_key = load_secret(settings.data_dir).ticket_key
    found = await existing(zk, events)
    write = begin(sys.stdout)
    async with aclosing(every_order(zk, found, tell)) as orders:
        async for order in orders:
            write(order.coded(ticket_key))


@contextmanager
def _progress() -> Iterator[Tell]:
    """A bar on stderr, where that is a terminal."""
    console = output.new_console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("orders", total=1.0)
        yield lambda part: bar.update(task, completed=part)
