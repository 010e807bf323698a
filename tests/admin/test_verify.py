"""`verify` counts correctly during a sale, and names every planted fault."""

import asyncio
import itertools

import pytest

from admin.recovery.recount import Proof, recount
from core.errors import BadVersion
from core.events.edit import EventManager
from core.schema import paths
from core.schema.records import Event, Order, Stock, encode
from core.store.batch import Batch, Sale
from core.store.store import Store
from core.zookeeper.client import Committed, ZooKeeper
from core.zookeeper.multi import Create
from tests.support.zookeeper_server import Server, ref_of, sell
from workers.selling.stripe_choice import draw


def stocked(zookeeper: Server, stripes: int) -> Server:
    """Ten tickets of each type; three of A are sold, in two orders."""

    async def stock_up(zk: ZooKeeper) -> None:
        await EventManager(zk).create_default_event(10, stripes)
        await sell(zk, 1, 1)
        await sell(zk, 2, 2)

    zookeeper.wipe()
    zookeeper.session(stock_up)
    return zookeeper


@pytest.fixture
def server(zookeeper: Server) -> Server:
    """One counter for each type."""
    return stocked(zookeeper, 1)


@pytest.fixture
def striped(zookeeper: Server) -> Server:
    """Three counters for each type."""
    return stocked(zookeeper, 3)


def generation(server: Server) -> str:
    async def read(zk: ZooKeeper) -> Event:
        return await Store(zk).event("default")

    return server.session(read).generation


def order_paths(server: Server) -> list[str]:
    async def read(zk: ZooKeeper) -> list[str]:
        life = (await Store(zk).event("default")).generation
        orders = Store(zk).orders.all_of("default", life)
        return [paths.order("default", life, order.id) async for order in orders]

    return server.session(read)


def breach(server: Server, path: str, *words: str) -> Proof:
    """Expects that `verify` finds a breach at that path, with those words."""
    proof = server.session(recount)
    assert not proof.ok
    assert proof.breach is not None
    assert proof.breach.znode == paths.CHROOT + path
    for word in words:
        assert word in proof.breach.text
    return proof


def counter_path(server: Server, type_: str = "A") -> str:
    return paths.counter("default", generation(server), type_)


def test_sound_books_are_proved(server: Server) -> None:
    proof = server.session(recount)
    assert proof.ok
    assert proof.breach is None
    (event,) = proof.events
    a = event.types[0]
    assert (event.orders, a.capacity, a.sold, a.held, a.remaining, a.orders) == (2, 10, 3, 0, 7, 2)
    assert a.zxid > 0


def test_of_a_tree_without_events_nothing_is_proved(server: Server) -> None:
    server.remove("/events/default")
    assert server.session(recount) == Proof(ok=False, events=())


def test_a_reset_type_is_sound(server: Server) -> None:
    async def reset(zk: ZooKeeper) -> None:
        store = Store(zk)
        await EventManager(zk).resize(await ref_of(store), lambda stock: stock.taken + 100)

    server.session(reset)
    proof = server.session(recount)
    assert proof.ok
    assert proof.events[0].types[0].capacity == 103


def test_a_lost_order_is_found(server: Server) -> None:
    server.remove(order_paths(server)[0])
    breach(server, counter_path(server), "3 sold", "add up to")


def test_a_doubled_order_is_found_and_named(server: Server) -> None:
    order = Order(type="A", quantity=1, buyer="Ann", status="sold", at=1.0, batch="b1")
    path = paths.order("default", generation(server), "ab" + "0" * 30)
    server.plant(path, encode(order))
    breach(server, path, "never counted")


def test_a_doubled_order_is_found_also_when_selling_went_on(server: Server) -> None:
    order = Order(type="A", quantity=1, buyer="Ann", status="sold", at=1.0, batch="b1")
    server.plant(paths.order("default", generation(server), "ab" + "0" * 30), encode(order))
    server.session(lambda zk: sell(zk, 3))
    breach(server, counter_path(server), "4 sold", "add up to 5")


def test_negative_stock_is_found(server: Server) -> None:
    server.plant(counter_path(server, "B"), b'{"v":1,"remaining":-1,"held":0,"sold":11}')
    breach(server, counter_path(server, "B"), ">= 0")


def test_an_oversold_type_is_found(server: Server) -> None:
    server.plant(counter_path(server), encode(Stock(remaining=0, sold=11)))
    breach(server, counter_path(server), "11 sold", "capacity is 10")


def test_stock_from_nowhere_is_found(server: Server) -> None:
    server.plant(counter_path(server), encode(Stock(remaining=8, sold=3)))
    breach(server, counter_path(server), "8 remaining", "is 11")


def test_stranded_stock_is_found(server: Server) -> None:
    server.plant(counter_path(server), encode(Stock(remaining=5, held=2, sold=3)))
    breach(server, counter_path(server), "it says 2 held")


@pytest.mark.parametrize("rubbish", [b"", b"rubbish", b"\xff", b'{"v":9}', b"[" * 10_000])
def test_rubbish_is_named_wherever_it_lies(server: Server, rubbish: bytes) -> None:
    life = generation(server)
    for path in (
        order_paths(server)[0],
        paths.counter("default", life, "C"),
        paths.type_("default", life, "C"),
        paths.event("default"),
    ):
        server.plant(path, rubbish)
        breach(server, path)


def test_an_order_in_the_wrong_bucket_is_found(server: Server) -> None:
    bucket = paths.bucket("default", generation(server), "00")
    order = Order(type="A", quantity=1, buyer="Ann", status="sold", at=1.0, batch="b")
    server.plant(f"{bucket}/{'ab' + '0' * 30}", encode(order))
    breach(server, f"{bucket}/{'ab' + '0' * 30}", "bucket")


@pytest.mark.parametrize(
    ("order", "word"),
    [
        (Order(type="X", quantity=1, buyer="", status="sold", at=1, batch=""), "type"),
        (
            Order(type="A", quantity=1, buyer="", status="paid?", at=1, batch=""),  # type: ignore[arg-type]
            "status",
        ),
        (Order(type="A", quantity=0, buyer="", status="sold", at=1, batch=""), ">= 1"),
    ],
    ids=["type", "status", "quantity"],
)
def test_an_order_that_no_worker_writes_is_found(server: Server, order: Order, word: str) -> None:
    path = order_paths(server)[1]
    server.plant(path, encode(order))
    breach(server, path, word)


def test_a_missing_bucket_and_a_missing_counter_are_found(server: Server) -> None:
    bucket = paths.bucket("default", generation(server), "ff")
    server.remove(bucket)
    breach(server, bucket, "missing")
    server.remove(counter_path(server, "B"))
    breach(server, counter_path(server, "B"), "missing")


def test_stock_that_vanished_between_stripes_is_found(striped: Server) -> None:
    path = paths.counter("default", generation(striped), "B", 2)
    striped.plant(path, encode(Stock(remaining=2)))
    breach(striped, paths.parent(path), "9 remaining", "capacity is 10")
    striped.remove(path)
    breach(striped, path, "missing")


# --- while selling goes on -----------------------------------------------------------


async def keep_selling(zk: ZooKeeper, first: int) -> None:
    """Sells one ticket of A after another for ever, beside other sellers."""
    number = first
    while True:
        number += 1
        store = Store(zk)
        ref = await ref_of(store)
        counters = await store.counters(ref)
        order = Order(type="A", quantity=1, buyer="Ann", status="sold", at=1, batch=f"b{number}")
        sale = Sale(ref, f"{number * 7919 % 256:02x}{number:030x}", order)
        after = draw(counters, number % len(counters), 1)
        batch = Batch(f"b{number}", paths.worker("test.1"), after, (sale,))
        await store.commit(batch)


async def keep_resetting(zk: ZooKeeper) -> None:
    store = Store(zk)
    quantities = itertools.count(100_000)
    while True:
        try:
            ref = await ref_of(store)
            await EventManager(zk).resize(ref, lambda stock: stock.taken + next(quantities))
        except BadVersion:
            continue
        await asyncio.sleep(0.02)


def test_books_are_proved_while_selling_and_resetting_goes_on(striped: Server) -> None:
    async def work(zk: ZooKeeper) -> list[Proof]:
        store = Store(zk)
        await EventManager(zk).resize(await ref_of(store), lambda stock: stock.taken + 100_000)
        tasks = [
            asyncio.create_task(keep_selling(zk, 1000)),
            asyncio.create_task(keep_selling(zk, 9_000_000)),
            asyncio.create_task(keep_resetting(zk)),
        ]
        proofs = [await recount(zk) for _ in range(4)]
        assert not any(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        return proofs

    proofs = striped.session(work)
    assert [proof.breach for proof in proofs] == [None] * 4
    sold = [proof.events[0].types[0].sold for proof in proofs]
    assert sold == sorted(sold)
    assert sold[-1] > sold[0]


def test_a_fault_is_found_while_selling_goes_on(striped: Server) -> None:
    async def work(zk: ZooKeeper) -> Proof:
        store = Store(zk)
        ref = await ref_of(store)
        await EventManager(zk).resize(ref, lambda stock: stock.taken + 100_000)
        life = ref.generation
        stray = Order(type="B", quantity=1, buyer="", status="sold", at=1, batch="x")
        path = paths.order("default", life, "00" + "0" * 30)
        assert isinstance(await zk.multi([Create(path, encode(stray))]), Committed)
        selling = asyncio.create_task(keep_selling(zk, 1000))
        proof = await recount(zk)
        selling.cancel()
        await asyncio.wait([selling])
        return proof

    proof = striped.session(work)
    assert proof.breach is not None
    assert "never counted" in proof.breach.text
