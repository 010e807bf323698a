"""Reads in bulk: the records as ZooKeeper's protocol has them, and a real server's answers."""

import asyncio
import struct
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from core.errors import AccessDenied, BadZnode, NoSuchOrder, NoSuchType, Unavailable
from core.events.edit import EventManager
from core.schema.records import TicketType
from core.store.availability import TypeAvailability
from core.store.orders import StoredOrder
from core.store.store import Store
from core.zookeeper import lost_answers
from core.zookeeper.client import READS_AT_ONCE, ZooKeeper
from core.zookeeper.multi import Create
from core.zookeeper.multi_read import NO_NODE, MultiRead, Read, Stat
from tests.support.fakes.fake_zookeeper import FakeZooKeeper
from tests.support.zookeeper_server import Server, ref_of, sell

STAT = Stat(258, 259, 1, 2, 3, 4, 5, 0, 2, 6, 260)
# A record's head: type, whether it is the last, error.
DATA_HEAD = bytes.fromhex("00000004 00 00000000")
ERROR_HEAD = bytes.fromhex("ffffffff 00 00000000")
LAST = bytes.fromhex("ffffffff 01 ffffffff")
STAT_BYTES = bytes.fromhex(
    "0000000000000102 0000000000000103 0000000000000001 0000000000000002"
    "00000003 00000004 00000005 0000000000000000 00000002 00000006 0000000000000104"
)
HI = bytes.fromhex("00000002") + b"hi" + STAT_BYTES
NULL = bytes.fromhex("ffffffff") + STAT_BYTES
GONE = bytes.fromhex("ffffff9b")
REPLY_HEADER = b"sixteen bytes..."


# --- the records ---------------------------------------------------------------------


def test_a_request_is_one_record_for_each_path_and_a_last() -> None:
    asked = bytes.fromhex("00000004 00 ffffffff")
    assert MultiRead(["/a", "/é"]).serialize() == (
        asked
        + bytes.fromhex("00000002")
        + b"/a\0"
        + asked
        + bytes.fromhex("00000003")
        + b"/\xc3\xa9\0"
        + LAST
    )
    assert MultiRead.type == 22


@pytest.mark.parametrize(
    ("records", "found"),
    [
        (b"", []),
        (DATA_HEAD + HI, [(b"hi", STAT)]),
        (DATA_HEAD + NULL, [(b"", STAT)]),
        (ERROR_HEAD + GONE, [NO_NODE]),
        (DATA_HEAD + HI + ERROR_HEAD + GONE + DATA_HEAD + NULL, [(b"hi", STAT), -101, (b"", STAT)]),
    ],
    ids=["none", "data", "no data", "no node", "mixed"],
)
def test_an_answer_is_data_with_its_stat_or_an_error(records: bytes, found: list[Read]) -> None:
    request = MultiRead(["/a"] * len(found))
    reply = REPLY_HEADER + records + LAST
    assert request.deserialize(reply, len(REPLY_HEADER)) == found


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        DATA_HEAD + HI,
        DATA_HEAD + HI[:-1],
        DATA_HEAD + bytes.fromhex("7fffffff") + b"hi",
        DATA_HEAD + HI + DATA_HEAD + HI + LAST,
        LAST,
        bytes.fromhex("00000005 00 00000000") + STAT_BYTES + LAST,
    ],
    ids=["empty", "no end", "cut", "too long", "too many", "too few", "another type"],
)
def test_what_is_no_answer_is_refused(reply: bytes) -> None:
    with pytest.raises((ValueError, struct.error)):
        MultiRead(["/a"]).deserialize(reply, 0)


# --- a server ------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 2, READS_AT_ONCE, 2 * READS_AT_ONCE + 1])
async def test_many_znodes_are_read_as_one_is(zk: ZooKeeper, count: int) -> None:
    wanted = [f"/log/é{number}" for number in range(count)]
    for start in range(0, count, 200):
        some = wanted[start : start + 200]
        await zk.multi([Create(path, f"🎫 {path}".encode()) for path in some])
    found = await zk.get_many(wanted)
    assert [znode and znode.path for znode in found] == wanted
    for path in wanted[:3]:
        assert await zk.get(path) in found


async def test_the_chroot_itself_and_ephemeral_znodes_are_read(zk: ZooKeeper) -> None:
    await zk.create("/workers/w", b"x", ephemeral=True)
    found = await zk.get_many(["/", "/workers", "/workers/w"])
    assert found == [await zk.get("/"), await zk.get("/workers"), await zk.get("/workers/w")]
    assert found[2] is not None
    assert found[2].ephemeral


async def test_a_znode_that_is_not_there_is_none(zk: ZooKeeper) -> None:
    await zk.create("/log/a", b"1")
    await zk.create("/log/b", b"2")
    await zk.delete("/log/a")
    missing, there, below = await zk.get_many(["/log/a", "/log/b", "/none/below"])
    assert there is not None
    assert (missing, there.data, below) == (None, b"2", None)


async def test_znodes_deleted_while_they_are_read_are_there_or_not(zk: ZooKeeper) -> None:
    wanted = [f"/log/{number}" for number in range(100)]
    await zk.multi([Create(path, path.encode()) for path in wanted])

    async def delete_all() -> None:
        for path in wanted:
            await zk.delete(path)

    deleting = asyncio.create_task(delete_all())
    left = len(wanted)
    while left:
        found = await zk.get_many(wanted)
        for path, znode in zip(wanted, found, strict=True):
            assert znode is None or znode.data == path.encode()
        assert sum(znode is not None for znode in found) <= left
        left = sum(znode is not None for znode in found)
    await deleting


async def test_a_wrong_secret_is_told(server: Server) -> None:
    zk = ZooKeeper(server.hosts, "wrong")
    zk.start()
    try:
        await zk.wait_connected(5)
        with pytest.raises(AccessDenied, match="secret"):
            await zk.get_many(["/", "/events"])
    finally:
        await zk.close()


async def test_data_near_the_largest_that_there_is_comes_whole(zk: ZooKeeper) -> None:
    wanted = [f"/log/{number}" for number in range(4)]
    for path in wanted:
        await zk.create(path, b"x" * 1_000_000)
    assert [len(znode.data) for znode in await zk.get_many(wanted) if znode] == [1_000_000] * 4


# --- orders and stock ----------------------------------------------------------------


async def test_orders_are_read_page_by_page_and_by_name(
    zk: ZooKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.store.orders.PAGE_ORDERS", 2)
    store = Store(zk)
    await EventManager(zk).create_default_event(100)
    # Numbers 256 apart share a bucket.
    sales = [await sell(zk, number * 256 + bucket) for number in range(5) for bucket in (1, 2)]
    ref = await ref_of(store)
    ids = [sale.order_id for sale in sales]
    assert sorted([order.id async for order in store.orders.all_of("default", ref.generation)]) == (
        sorted(ids)
    )
    found = await store.orders.find_many("default", ref.generation, [*ids[:3], "0" * 32])
    assert sorted(found) == sorted(ids[:3])
    assert found[ids[0]] == await store.orders.find("default", ref.generation, ids[0])
    assert await store.orders.find_many("default", ref.generation, []) == {}
    await EventManager(zk).create_event("another", "Another", {})
    assert await store.order(ids[0]) == found[ids[0]]
    with pytest.raises(NoSuchOrder):
        await store.order("0" * 32)


async def orders_of(store: Store) -> AsyncGenerator[StoredOrder, None]:
    generation = (await store.event("default")).generation
    async with aclosing(store.orders.all_of("default", generation)) as orders:
        async for order in orders:
            yield order


async def test_a_recount_outlasts_a_lost_connection(
    zk: ZooKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.store.orders.PAGE_ORDERS", 1)
    await EventManager(zk).create_default_event(100)
    for number in range(30):
        await sell(zk, number)
    count = 0
    async with aclosing(orders_of(Store(zk))) as orders:
        async for _ in orders:
            count += 1
            if count % 10 == 0:
                zk._cut()
    assert count == 30


async def test_a_read_is_given_up_after_so_many_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost_answers, "PAUSE_S", 0)
    tries = []

    async def read() -> None:
        tries.append(1)
        raise Unavailable("away")

    with pytest.raises(Unavailable, match="away"):
        await lost_answers.read(FakeZooKeeper().as_zookeeper(), read)
    assert len(tries) == lost_answers.TRIES


async def test_many_types_are_read_and_what_is_wrong_with_one_is_said_of_it(
    zk: ZooKeeper,
) -> None:
    store = Store(zk)
    names = [f"T{number:04d}" for number in range(500)]
    kinds = {name: TicketType(capacity=7, stripes=2) for name in names}
    assert await EventManager(zk).create_event("many", "Many", kinds)
    event = await store.event("many")
    assert [type_.name for type_ in (await store.availability("many")).types] == names
    refs = [await ref_of(store, name, "many") for name in ("T0001", "T0002", "T0003", "X")]
    assert event.generation == refs[0].generation
    await zk.set(f"{refs[1].path}/stock/1", b"rubbish")
    await zk.delete(f"{refs[2].path}/stock/0")
    good, damaged, without, missing = await store.availabilities(refs)
    assert isinstance(good, TypeAvailability)
    assert (good.name, good.capacity, good.remaining) == ("T0001", 7, 7)
    assert isinstance(damaged, BadZnode)
    assert damaged.path == f"{refs[1].path}/stock/1"
    assert isinstance(without, NoSuchType)
    assert isinstance(missing, NoSuchType)
    assert (without.path, missing.path) == (f"{refs[2].path}/stock/0", refs[3].path)
