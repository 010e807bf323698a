"""`order …` on a real tree: orders are looked up, explained, cancelled once, exported whole."""

import csv
import io
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from admin.recovery.recount import recount
from core.errors import Unavailable, ZkticketError
from core.eventlog.audit import note
from core.events.edit import EventManager
from core.schema import paths
from core.schema.records import Order, OrderView, Stock, TicketType
from core.store import scan
from core.store.batch import Batch, Sale
from core.store.order_changes import OrderChanger
from core.store.order_lifecycle import Act, OrderChange
from core.store.receipt_keeping import Bookkeeper
from core.store.store import Store
from core.zookeeper.client import Committed, ZooKeeper
from tests.support.commands import Run, commands_on
from tests.support.zookeeper_server import SECRET, Server, ref_of
from workers.selling.stripe_choice import draw
from zkticket import app

IDS = [f"{number * 40:02x}{number:030x}" for number in range(1, 6)]
BUYERS = ["Ann Lee", "Bob", "ＡNN  lee", "x;=cmd|' /C calc'!A0", "王小明"]


@pytest.fixture
def server(zookeeper: Server) -> Server:
    """Twenty tickets of each type, and five orders for two of A."""

    async def stock_up(zk: ZooKeeper) -> None:
        await EventManager(zk).create_default_event(20)
        for id_, buyer in zip(IDS, BUYERS, strict=True):
            await sell(zk, id_, buyer)

    zookeeper.wipe()
    zookeeper.session(stock_up)
    return zookeeper


async def sell(zk: ZooKeeper, id_: str, buyer: str) -> None:
    store = Store(zk)
    ref = await ref_of(store)
    batch = f"worker-1.x.{id_}"
    order = Order(type="A", quantity=2, buyer=buyer, status="sold", at=time.time(), batch=batch)
    counters = draw(await store.counters(ref), 0, 2)
    done = await store.commit(Batch(batch, "", counters, (Sale(ref, id_, order),)))
    assert isinstance(done, Committed)


@pytest.fixture
def run(server: Server, tmp_path: Path) -> Run:
    return commands_on(server, tmp_path, "order")


async def check_in(zk: ZooKeeper, id_: str) -> None:
    changer = OrderChanger(
        Store(zk),
        zk,
        name="worker-2",
        order_key=b"key",
        fence=str,
        books=Bookkeeper(),
        now=time.time,
        rng=random.Random(1),
    )
    [done] = await changer.settle(
        [OrderChange(order=id_, act=Act.CHECK_IN, note="north", key="scan")]
    )
    assert done.changed
    await note(zk, "check-in", f"order {id_}")


def stock_of(server: Server) -> Stock:
    """Returns the stock of A, after a recount has confirmed it."""

    async def read(zk: ZooKeeper) -> Stock:
        proof = await recount(zk)
        assert proof.ok, proof.breach
        store = Store(zk)
        return (await store.type_stock(await ref_of(store))).stock

    return server.session(read)


def refusal(result: Result) -> str:
    assert isinstance(result.exception, ZkticketError), result.exception
    return str(result.exception)


def test_an_order_is_shown_by_its_id_or_its_address(run: Run) -> None:
    found = json.loads(run("show", IDS[0], "--json").stdout)
    assert (found["order"], found["buyer"], found["status"]) == (IDS[0], "Ann Lee", "sold")
    address = f"http://127.0.0.1:8000/orders/{IDS[4]}"
    assert "王小明" in run("show", address).stdout


def test_text_that_is_no_order_is_said_to_be_none(run: Run) -> None:
    find = "`order find --buyer NAME` looks orders up"
    for command in ("show", "explain", "cancel"):
        assert refusal(run(command, "nonsense")) == (
            f"'nonsense' is no order's id: 32 digits from 0 to f; {find}"
        )
        assert refusal(run(command, "f" * 32)) == f"there is no order {'f' * 32}; {find}"


def test_cancelling_asks_first_and_gives_the_tickets_back_once(run: Run, server: Server) -> None:
    assert "without a terminal, add --yes" in refusal(run("cancel", IDS[0]))
    assert (stock_of(server).remaining, stock_of(server).sold) == (10, 10)
    done = run("cancel", IDS[0], "--yes", "--reason", "sent back")
    assert done.stdout == f"order {IDS[0]} is cancelled: 2 of A are for sale again\n"
    assert (stock_of(server).remaining, stock_of(server).sold) == (12, 8)
    again = run("cancel", IDS[0], "--yes")
    assert (again.exit_code, again.stdout) == (0, f"order {IDS[0]} was cancelled before\n")
    assert (stock_of(server).remaining, stock_of(server).sold) == (12, 8)


def test_an_order_that_was_admitted_is_not_cancelled(run: Run, server: Server) -> None:
    server.session(lambda zk: check_in(zk, IDS[1]))
    assert refusal(run("cancel", IDS[1], "--yes")) == (
        f"order {IDS[1]} can't be cancelled: its holder has been let in; nothing was changed"
    )


def test_an_orders_life_is_told_in_the_order_of_time(run: Run, server: Server) -> None:
    run("cancel", IDS[0], "--yes", "--reason", "sent back")
    told = json.loads(run("explain", IDS[0], "--json").stdout)
    assert [(each["who"], each["what"]) for each in told["moments"]] == [
        ("worker-1", "sold"),
        ("operator", "cancel"),
        ("operator", "log"),
    ]
    made, cancelled, _ = told["moments"]
    assert f"batch worker-1.x.{IDS[0]}, zxid " in made["text"]
    assert cancelled["text"].startswith("sent back; stripe 5 to version 1; batch operator.")
    assert told["whole"]
    server.session(lambda zk: check_in(zk, IDS[1]))
    lines = run("explain", IDS[1]).stdout.splitlines()
    assert ["sold" in lines[0], "check-in  north; stripe 4 to version 1; batch" in lines[1]] == [
        True,
        True,
    ]


def test_orders_are_found_by_a_part_of_the_buyers_name_however_it_is_spelled(run: Run) -> None:
    found = run("find", "--buyer", "ann", "--json").stdout.splitlines()
    assert [json.loads(line)["order"] for line in found] == [IDS[0], IDS[2]]
    assert IDS[4] in run("find", "--buyer", "小明").stdout
    assert run("find", "--buyer", "nobody", "--json").stdout == ""


def test_programs_get_buyers_names_as_they_are(run: Run, server: Server) -> None:
    """A terminal gets joiners escaped; markup and emoji names are never interpreted."""
    name = "[red]Zoé[/red] :smile: 👩\u200d👧\u202e"
    server.session(lambda zk: sell(zk, f"{240:02x}{9:030x}", name))
    assert name in run("find", "--buyer", "zoé").stdout
    assert name in run("show", f"{240:02x}{9:030x}").stdout


def test_every_order_is_exported_once_and_safe_for_a_spreadsheet(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run("export").stdout)))
    assert sorted(row["order"] for row in rows) == sorted(IDS)
    buyers = {row["order"]: row["buyer"] for row in rows}
    assert buyers[IDS[3]] == "x;'=cmd|' /C calc'!A0"
    assert buyers[IDS[4]] == "王小明"
    lines = [json.loads(line) for line in run("export", "--json").stdout.splitlines()]
    assert sorted(line["order"] for line in lines) == sorted(IDS)
    assert {line["buyer"] for line in lines} == set(BUYERS)


def test_of_an_event_that_is_not_there_nothing_is_exported(run: Run) -> None:
    for more in ([], ["--json"], ["--event", "default"]):
        refused = run("export", "--event", "ball", *more)
        assert refusal(refused) == "there is no event 'ball'; the events are: default"
        assert refused.stdout == ""


def test_an_export_that_breaks_off_says_so_and_fails(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = scan.every_order

    async def broken(*arguments: Any) -> AsyncIterator[OrderView]:
        async with aclosing(whole(*arguments)) as found:
            async for order in found:
                yield order
                raise Unavailable("ZooKeeper does not answer in time")

    monkeypatch.setattr("admin.actions.orders.every_order", broken)
    done = run("export")
    assert (done.exit_code, refusal(done)) == (1, "ZooKeeper does not answer in time")
    assert len(done.stdout.splitlines()) == 2
    assert run("find", "--buyer", "ann", "--json").stdout == ""


def test_an_export_without_orders_has_its_line_of_names(run: Run, server: Server) -> None:
    async def empty(zk: ZooKeeper) -> None:
        assert await EventManager(zk).create_event("empty", "Empty", {"A": TicketType(capacity=1)})

    server.session(empty)
    assert run("export", "--event", "empty").stdout.startswith('"order","event","type",')
    assert run("export", "--event", "empty", "--json").stdout == ""


def test_a_damaged_order_is_named(run: Run, server: Server) -> None:
    async def path(zk: ZooKeeper) -> str:
        event = await Store(zk).event("default")
        return paths.order("default", event.generation, "ff" + "0" * 30)

    server.plant(server.session(path), b"rubbish")
    assert "is unreadable" in refusal(run("export"))


def test_the_payment_secret_is_in_the_form_of_standard_webhooks(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET.value.hex())
    done = CliRunner().invoke(app, ["admin", "payment-secret", "--data-dir", str(tmp_path)])
    assert done.stdout.startswith("whsec_")
    assert len(done.stdout.strip()) == 6 + 44
