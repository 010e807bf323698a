"""One throw-away ZooKeeper server, and sessions on it."""

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

from core.cluster_secret import Secret
from core.machine import private_files
from core.schema import paths
from core.schema.records import Marker, Order, encode
from core.store.batch import Batch, Sale
from core.store.stock import TypeRef
from core.store.store import Store
from core.zookeeper import lost_answers
from core.zookeeper.client import ZooKeeper, connect
from core.zookeeper.tree_setup import prepare_tree
from supervisor.zookeeper.java import find_class_path, find_java
from tests.support.instance import free_port
from workers.selling.stripe_choice import draw

SECRET = Secret(b"s" * 32)
PASSWORD = SECRET.zookeeper_password
START_S = 30.0
DELETES_AT_ONCE = 500
MAIN = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
# Of a run whose machine loses its power nothing is kept: its disk is not waited for.
JVM = (
    *("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"),
    "-Dzookeeper.forceSync=no",
)
CONFIG = """\
tickTime=500
dataDir={data}
clientPort={port}
clientPortAddress=127.0.0.1
admin.enableServer=false
4lw.commands.whitelist=srvr
"""

T = TypeVar("T")
Work = Callable[[ZooKeeper], Awaitable[T]]


@dataclass(frozen=True)
class Server:
    """A standalone server with a prepared tree."""

    hosts: str
    process: subprocess.Popen[bytes]

    def session(self, work: Work[T]) -> T:
        """Returns what `work` does with a connected client."""
        return asyncio.run(self._session(work))

    async def _session(self, work: Work[T]) -> T:
        async with self.connected() as zk:
            return await work(zk)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[ZooKeeper]:
        """Opens a client for the block."""
        zk = await connect(self.hosts, PASSWORD)
        try:
            yield zk
        finally:
            await zk.close()

    def prepare(self) -> None:
        """Makes the tree if it is missing."""
        asyncio.run(
            prepare_tree(self.hosts, PASSWORD, encode(Marker()), close_root=True, timeout_s=START_S)
        )

    def wipe(self) -> None:
        """Leaves an empty tree, whatever was there before."""
        self.session(_wipe)
        self.prepare()

    @contextmanager
    def client(self, user: str = "", password: str = "") -> Iterator[KazooClient]:
        """Opens a plain kazoo client outside the chroot, anonymous unless told otherwise."""
        auth = [("digest", f"{user}:{password}")] if user else None
        client = KazooClient(self.hosts, timeout=6.0, auth_data=auth)
        client.start(timeout=START_S)
        try:
            yield client
        finally:
            client.stop()
            client.close()

    def plant(self, path: str, data: bytes) -> None:
        """Puts data into the tree that zkticket would not write; `path` is inside the chroot."""
        with self.client("zkticket", PASSWORD) as client:
            try:
                client.set(paths.CHROOT + path, data)
            except NoNodeError:
                acl = client.get_acls(paths.CHROOT)[0]
                client.create(paths.CHROOT + path, data, acl=acl, makepath=True)

    def remove(self, path: str) -> None:
        with self.client("zkticket", PASSWORD) as client:
            client.delete(paths.CHROOT + path, recursive=True)


async def _wipe(zk: ZooKeeper) -> None:
    found, level = [], ["/"]
    while level:
        reads = (lost_answers.read(zk, partial(zk.children, path)) for path in level)
        names = await asyncio.gather(*reads)
        level = [
            f"{path.rstrip('/')}/{name}"
            for path, below in zip(level, names, strict=True)
            for name in below
        ]
        found += level
    for start in range(0, len(found), DELETES_AT_ONCE):
        some = found[::-1][start : start + DELETES_AT_ONCE]
        assert await lost_answers.remove(zk, *some) is None
    marker = encode(Marker())
    if (await lost_answers.read(zk, partial(zk.get, "/"))).data != marker:
        await zk.set("/", marker)


@contextmanager
def serving(directory: Path) -> Iterator[Server]:
    """Runs a server for the block."""
    port = free_port()
    config = directory / "zoo.cfg"
    config.write_text(CONFIG.format(data=directory / "data", port=port))
    class_path = os.environ.get("ZKTICKET_TEST_CLASSPATH") or find_class_path(os.environ).text
    command = [str(find_java(os.environ)), "-Xmx256m", *JVM, "-cp", class_path, MAIN]
    with (directory / "out").open("wb") as out:
        process = subprocess.Popen(
            [*command, str(config)], stdout=out, stderr=out, umask=private_files.UMASK
        )
    try:
        server = Server(f"127.0.0.1:{port}", process)
        _wait_for(port)
        server.prepare()
        yield server
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the ZooKeeper server does not listen")


# --- selling without workers ---------------------------------------------------------


async def ref_of(store: Store, type_: str = "A", event: str = "default") -> TypeRef:
    return TypeRef(event, (await store.event(event)).generation, type_)


async def sell(zk: ZooKeeper, number: int, quantity: int = 1, type_: str = "A") -> Sale:
    """Commits one sale as a worker would; its id is made from `number`."""
    store = Store(zk)
    await zk.ensure(paths.WORKERS, paths.worker("test.1"))
    ref = await ref_of(store, type_)
    counters = await store.counters(ref)
    order = Order(
        type=type_, quantity=quantity, buyer="Ann", status="sold", at=1.0, batch=f"b{number}"
    )
    sale = Sale(ref, f"{number * 7919 % 256:02x}{number:030x}", order)
    after = draw(counters, number % len(counters), quantity)
    outcome: Any = await store.commit(Batch(f"b{number}", paths.worker("test.1"), after, (sale,)))
    assert getattr(outcome, "zxid", 0) > 0, outcome
    return sale
