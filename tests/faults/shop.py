"""A shop for tests to break: an instance, its processes by what they do, its buyers."""

import asyncio
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from admin.drill.proof.checker import Finding, Reset, check
from admin.drill.proof.tree_books import Books, read_books
from core.cluster_secret import load_secret
from core.schema.paths import DEFAULT_EVENT
from core.schema.records import order_id
from core.zookeeper.client import connect
from core.zookeeper.probe import probe_all
from supervisor import orphans
from supervisor.processes.spawned_process import Role
from tests.support.buyers.crowd import Crowd
from tests.support.instance import Instance, eventually, running

# B and C are often sold out; A never is.
QUANTITY = 1_000_000
SCARCE = 500
SERVERS = 3
RECOVERY_S = 60.0
CONNECT_S = 30.0


class Shop:
    """A shop that nemeses strike; `rng` chooses the victims."""

    def __init__(self, instance: Instance, rng: random.Random) -> None:
        self.instance = instance
        self.rng = rng
        self.resets: list[Reset] = []

    # --- who is who ------------------------------------------------------------------

    def pids(self, role: Role) -> list[int]:
        """Returns the living processes of that role."""
        found = orphans.find(self.instance.data_dir)
        return [left.process.pid for left in found if left.role is role]

    @property
    def supervisor(self) -> list[int]:
        process = self.instance.process
        return [process.pid] if process is not None and process.poll() is None else []

    @property
    def hosts(self) -> str:
        first = self.instance.zookeeper_port
        return ",".join(f"127.0.0.1:{first + n}" for n in range(SERVERS))

    def roles(self) -> list[str]:
        """Returns the role of each ZooKeeper server: leader, follower, down."""
        return [state.role for state in asyncio.run(probe_all(self.hosts))]

    def server(self, number: int) -> int:
        """Returns the pid of a server, which has to live."""
        name = f"zookeeper-{number}"
        found = orphans.find(self.instance.data_dir)
        return next(left.process.pid for left in found if left.name == name)

    def servers(self, *roles: str) -> list[int]:
        """Returns the living ZooKeeper servers of those roles."""
        wanted = {f"zookeeper-{n}" for n, role in enumerate(self.roles(), 1) if role in roles}
        found = orphans.find(self.instance.data_dir)
        return [left.process.pid for left in found if left.name in wanted]

    def one(self, pids: list[int]) -> list[int]:
        """Chooses one of them at random, or none where there are none."""
        return [self.rng.choice(pids)] if pids else []

    # --- what is done to it ----------------------------------------------------------

    def signal(self, pids: list[int], number: signal.Signals) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def operate(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a command; it may fail while something is broken, but has to say so in one line."""
        done = self.instance.run(*arguments)
        assert done.returncode in (0, 1, 3), done.stderr
        assert "unexpected" not in done.stderr, done.stderr
        said = [line for line in done.stderr.splitlines() if not line.startswith("waiting: ")]
        assert len(said) <= 2 or done.returncode == 0, done.stderr
        return done

    def reset(self, type_: str, quantity: int) -> None:
        """Puts stock on sale; refusals from before its end may be old, whether it worked or not."""
        self.operate("admin", "reset", type_, "--quantity", str(quantity), "--yes")
        self.resets.append(Reset(DEFAULT_EVENT, type_, time.monotonic()))

    # --- what has become of it -------------------------------------------------------

    def await_sales(self, crowd: Crowd) -> float:
        """Waits for the sale of a purchase that begins from now on; returns the seconds it took."""
        since = time.monotonic()
        eventually("sold again", lambda: crowd.sold_at > since, RECOVERY_S)
        return time.monotonic() - since

    def audit(self, crowd: Crowd) -> None:
        """Fails with what the checker or `verify` finds, once the crowd has stopped."""
        crowd.settle()
        self.instance.expect_health()
        findings = self.findings(crowd)
        assert not findings, findings[:5]

    def findings(self, crowd: Crowd) -> tuple[Finding, ...]:
        """Returns what the checker finds, after `verify` has found nothing."""
        self.instance.verify()
        secret = load_secret(self.instance.data_dir)
        books = asyncio.run(_books(self.hosts, secret.zookeeper_password))
        id_of = partial(order_id, secret.order_key)
        return check(crowd.history.attempts, books, id_of, self.resets)


async def _books(hosts: str, password: str) -> Books:
    zk = await connect(hosts, password, timeout_s=CONNECT_S)
    try:
        return await read_books(zk, DEFAULT_EVENT)
    finally:
        await zk.close()


@contextmanager
def open_shop(data_dir: Path, seed: int) -> Iterator[Shop]:
    with running(data_dir, "--quantity", str(QUANTITY)) as instance:
        shop = Shop(instance, random.Random(f"victims {seed}"))
        for type_ in ("B", "C"):
            shop.reset(type_, SCARCE)
        yield shop
