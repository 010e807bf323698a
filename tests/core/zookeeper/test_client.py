"""The ZooKeeper client against a real server, and who may touch the tree."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from kazoo import exceptions as kz
from kazoo.client import KazooClient
from kazoo.security import OPEN_ACL_UNSAFE, make_digest_acl
from msgspec.structs import replace

from core.errors import (
    AccessDenied,
    Ambiguous,
    BadVersion,
    NodeExists,
    NoNode,
    NotEmpty,
    Unavailable,
    ZooKeeperError,
)
from core.events.edit import EventManager
from core.schema import paths
from core.schema.records import Marker, encode
from core.store.batch import Batch, Failure
from core.store.store import Store
from core.zookeeper.client import Committed, Refused, Znode, ZooKeeper, connect
from core.zookeeper.multi import Check, Create, Delete, SetData
from core.zookeeper.tree_setup import prepare_tree
from tests.support.instance import stopped
from tests.support.zookeeper_server import PASSWORD, Server, ref_of, sell

CHROOT = paths.CHROOT


# --- reads and writes ----------------------------------------------------------------


async def test_a_znode_is_written_read_and_deleted(zk: ZooKeeper) -> None:
    await zk.create("/log/a", b"1")
    assert await zk.set("/log/a", b"2", 0) == 1
    znode = await zk.get("/log/a")
    assert (znode.data, znode.version, znode.children) == (b"2", 1, 0)
    assert znode.created_zxid < znode.modified_zxid
    assert await zk.children("/log") == ["a"]
    await zk.delete("/log/a", 1)
    assert await zk.find("/log/a") is None


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda zk: zk.get("/none"), NoNode),
        (lambda zk: zk.children("/none"), NoNode),
        (lambda zk: zk.create("/none/below"), NoNode),
        (lambda zk: zk.create("/log"), NodeExists),
        (lambda zk: zk.set("/log", b"", 99), BadVersion),
        (lambda zk: zk.delete("/log", 99), BadVersion),
        (lambda zk: zk.delete("/"), ZooKeeperError),
    ],
)
async def test_errors_are_our_own(
    zk: ZooKeeper, act: Callable[[ZooKeeper], Awaitable[Any]], error: type[ZooKeeperError]
) -> None:
    with pytest.raises(error):
        await act(zk)


async def test_a_watch_is_called_once_at_a_change(zk: ZooKeeper) -> None:
    changed = asyncio.Event()
    await zk.children("/log", changed.set)
    await zk.create("/log/a")
    async with asyncio.timeout(5):
        await changed.wait()


async def test_many_reads_at_once_wait_for_each_other(zk: ZooKeeper) -> None:
    found = await asyncio.gather(*(zk.get("/") for _ in range(1000)))
    assert len(found) == 1000


def test_an_ephemeral_znode_goes_with_its_session(server: Server) -> None:
    async def work(zk: ZooKeeper) -> None:
        await zk.create("/workers/w", ephemeral=True)
        assert (await zk.get("/workers/w")).ephemeral

    server.session(work)
    assert server.session(lambda zk: zk.children("/workers")) == []


# --- transactions --------------------------------------------------------------------


async def test_a_transaction_that_commits_names_its_zxid(zk: ZooKeeper) -> None:
    outcome = await zk.multi([Create("/log/a"), SetData("/log", b"x", -1), Check("/log/a", 0)])
    assert outcome == Committed((await zk.get("/log/a")).created_zxid)


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (Check("/none"), NoNode),
        (Check("/log", 99), BadVersion),
        (Create("/log"), NodeExists),
        (SetData("/log", b"", 99), BadVersion),
        (Delete("/none"), NoNode),
        (Delete("/events/full"), NotEmpty),
    ],
    ids=repr,
)
async def test_a_transaction_that_is_refused_names_the_operation_and_does_nothing(
    zk: ZooKeeper,
    operation: Check | Create | SetData | Delete,
    error: type[ZooKeeperError],
) -> None:
    await zk.ensure("/events/full", "/events/full/child")
    outcome = await zk.multi([Create("/log/a"), operation, Create("/log/b")])
    assert isinstance(outcome, Refused)
    assert outcome.index == 1
    assert isinstance(outcome.error, error)
    assert await zk.children("/log") == []


async def test_the_same_batch_sent_twice_happens_once(zk: ZooKeeper) -> None:
    store = Store(zk)
    await EventManager(zk).create_default_event(10)
    sale = await sell(zk, 1, 2)
    shelf = await store.type_stock(await ref_of(store))
    counter = next(found for found in shelf.counters if found.version)
    stale = replace(counter, version=counter.version - 1)
    again = Batch("b1", paths.worker("test.1"), (stale,), (sale,))
    assert await store.commit(again) is Failure.MOVED
    fresh = Batch("b1", paths.worker("test.1"), (counter,), (sale,))
    assert await store.commit(fresh) is Failure.REPEATED
    fenced = Batch("b1", paths.worker("gone"), (counter,), (sale,))
    assert await store.commit(fenced) is Failure.FENCED
    assert (await store.type_stock(shelf.ref)).stock.sold == 2


async def test_an_event_made_twice_stays_as_it_was(zk: ZooKeeper) -> None:
    store = Store(zk)
    assert await EventManager(zk).create_default_event(10)
    generation = (await store.event("default")).generation
    assert not await EventManager(zk).create_default_event(99)
    assert (await store.event("default")).generation == generation
    assert [type_.capacity for type_ in (await store.availability("default")).types] == [10] * 3


# --- a server that does not answer ---------------------------------------------------


async def test_a_write_to_a_frozen_server_is_ambiguous_and_a_read_unavailable(
    server: Server, zk: ZooKeeper
) -> None:
    with stopped(server.process.pid):
        started = time.monotonic()
        with pytest.raises(Ambiguous):
            await zk.set("/log", b"late")
        with pytest.raises(Unavailable):
            await zk.get("/log")
        with pytest.raises(Unavailable):
            await zk.multi([Create("/log/a")])
        assert time.monotonic() - started < 4
    await zk.wait_connected(10)
    assert (await zk.get("/log")).path == "/log"


async def test_no_server_is_unavailable_within_the_deadline() -> None:
    started = time.monotonic()
    with pytest.raises(Unavailable, match="running"):
        await connect("127.0.0.1:1", PASSWORD, timeout_s=0.5)
    assert time.monotonic() - started < 3


# --- who may do what -----------------------------------------------------------------


def strangers(server: Server) -> Iterator[KazooClient]:
    with server.client() as anonymous:
        yield anonymous
    with server.client("zkticket", "wrong") as wrong:
        yield wrong
    with server.client("somebody", PASSWORD) as other:
        yield other


async def _stock_up(zk: ZooKeeper) -> None:
    await EventManager(zk).create_default_event(10)
    await sell(zk, 1)


async def _every_znode(zk: ZooKeeper) -> list[Znode]:
    found, waiting = [], ["/"]
    while waiting:
        path = waiting.pop()
        found.append(await zk.get(path))
        waiting += [f"{path.rstrip('/')}/{name}" for name in await zk.children(path)]
    return found


def test_nobody_without_the_secret_reads_or_changes_the_tree(server: Server) -> None:
    server.session(_stock_up)
    before = server.session(_every_znode)
    tree = [CHROOT + znode.path.rstrip("/") for znode in before]
    buckets = [path for path in tree if path.count("/") == 6 and "/orders/" in path]
    assert len(buckets) == 256
    sample = [path for path in tree if path not in buckets] + buckets[:1]
    for client in strangers(server):
        for path in sample:
            attempts: tuple[tuple[Callable[..., Any], *tuple[Any, ...]], ...] = (
                (client.get, path),
                (client.get_children, path),
                (client.set, path, b"mine"),
                (client.create, f"{path}/mine"),
                (client.set_acls, path, OPEN_ACL_UNSAFE),
                (client.delete, path),
            )
            for act, *arguments in attempts:
                with pytest.raises((kz.NoAuthError, kz.NotEmptyError)):
                    act(*arguments)
    assert server.session(_every_znode) == before


@pytest.mark.parametrize("path", ["/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"])
def test_nobody_without_the_secret_creates_beside_the_tree_or_changes_its_acl(
    server: Server, path: str
) -> None:
    for client in strangers(server):
        with pytest.raises(kz.NoAuthError):
            client.create(f"{path.rstrip('/')}/mine")
        with pytest.raises(kz.NoAuthError):
            client.set_acls(path, OPEN_ACL_UNSAFE)
        with pytest.raises(kz.NoAuthError):
            client.set(path, b"mine")


async def test_a_wrong_secret_is_told_at_the_start(server: Server) -> None:
    with pytest.raises(AccessDenied, match="secret"):
        await connect(server.hosts, "wrong")


async def test_a_tree_of_another_secret_is_not_taken_over(server: Server) -> None:
    with pytest.raises(AccessDenied):
        await prepare_tree(server.hosts, "wrong", encode(Marker()), close_root=True, timeout_s=5)


ABOVE = ("/", "/zookeeper", "/zookeeper/quota")


def open_root(client: KazooClient) -> None:
    """Opens the root, which is ZooKeeper's default."""
    for path in ABOVE:
        client.set_acls(path, OPEN_ACL_UNSAFE)


def prepare_elsewhere(server: Server) -> bool:
    """Does what `up --zookeeper` does; returns whether the root is closed then."""
    return asyncio.run(
        prepare_tree(server.hosts, PASSWORD, encode(Marker()), close_root=False, timeout_s=5)
    )


def test_the_root_of_an_ensemble_elsewhere_is_closed_where_nobody_else_is(server: Server) -> None:
    with server.client("zkticket", PASSWORD) as owner:
        open_root(owner)
    assert prepare_elsewhere(server)
    assert prepare_elsewhere(server)
    with server.client() as stranger:
        for path in ABOVE:
            with pytest.raises(kz.NoAuthError):
                stranger.create(f"{path.rstrip('/')}/mine")
            with pytest.raises(kz.NoAuthError):
                stranger.set_acls(path, OPEN_ACL_UNSAFE)


def test_the_root_of_an_ensemble_that_others_use_is_left_to_them_and_told(server: Server) -> None:
    with server.client("zkticket", PASSWORD) as owner:
        open_root(owner)
        owner.create("/theirs", acl=OPEN_ACL_UNSAFE)
        try:
            assert not prepare_elsewhere(server)
            with server.client() as other:
                other.create("/theirs/too")
                other.create("/more")
                other.set_acls("/", [make_digest_acl("root", "theirs", all=True)])
            assert prepare_elsewhere(server)  # its owner closed it, to us as well
            with server.client("root", "theirs") as root:
                root.set_acls("/", OPEN_ACL_UNSAFE)
        finally:
            owner.delete("/theirs", recursive=True)
            owner.delete("/more", recursive=True)
    server.prepare()


def test_a_chroot_that_is_open_to_others_is_not_used(server: Server) -> None:
    acl = [make_digest_acl("zkticket", PASSWORD, all=True)]
    with server.client("zkticket", PASSWORD) as owner:
        owner.set_acls(CHROOT, OPEN_ACL_UNSAFE)
        try:
            with pytest.raises(AccessDenied, match="open to others"):
                server.prepare()
        finally:
            owner.set_acls(CHROOT, acl)
