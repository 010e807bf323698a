"""Buyers straight on the workers' links: a million would take several times as long over HTTP."""

import asyncio
import itertools
import random
import secrets
import time
from collections.abc import Iterator

from core.cluster import registry
from core.cluster_secret import Secret
from core.errors import LinkLost
from core.transport.link import Answer, Code, Link, Purchase, Reply
from core.zookeeper.client import connect
from tests.bench.results import percentile
from tests.bench.scale.results import Step
from tests.support.instance import Instance

TYPES = ("A", "B", "C")
PURCHASE_S = 2.8
# A buyer that was refused, or whose link broke, asks again with the same key within this time.
AGAIN_S = 0.5
POLL_S = 0.02
# The sale has ended for good after so long without a ticket.
STUCK_S = 120.0
SAMPLE_ORDERS = 200


class Crowd:
    """Keeps so many purchases under way, in turns of the types and of the links."""

    def __init__(self, addresses: dict[str, str], key: bytes, at_once: int) -> None:
        """Takes the workers' `addresses` by name, and the `key` of their links."""
        self._addresses = addresses
        self._key = key
        self._at_once = at_once
        self._links: dict[str, Link] = {}
        self._names = itertools.cycle(sorted(addresses))
        self._numbers = itertools.count()
        self._run = secrets.token_hex(4)
        self._answers: list[tuple[float, float]] = []
        self._wanted = 0
        self._open = 0
        self._refused = 0
        self._over = asyncio.Event()
        # Some of the orders, which are looked up later.
        self.sample: list[str] = []

    async def buy(self, count: int, orders: int, window: int) -> Step:
        """Buys `count` tickets and a few more; `orders` were sold before."""
        await self._link_up()
        # No window contains the filling of the pipe, or its emptying.
        self._answers, self._refused, self._wanted = [], 0, count + 2 * self._at_once
        self._over.clear()
        started = time.monotonic()
        for _ in range(self._at_once):
            self._open += 1
            self._ask(f"{self._run}-{next(self._numbers)}", time.monotonic())
        async with asyncio.timeout(STUCK_S + count / 100):
            await self._over.wait()
        return self._step(started, orders, window)

    @property
    def bought(self) -> int:
        """Counts the purchases of the present step."""
        return len(self._answers)

    def finish(self) -> None:
        """Ends the present step before all of it is bought."""
        self._wanted = 0

    async def relink(self, addresses: dict[str, str]) -> None:
        """Links to restarted workers."""
        self.leave()
        self._links.clear()
        self._addresses = addresses
        await self._link_up()

    def leave(self) -> None:
        for link in self._links.values():
            link.close()

    async def _link_up(self) -> None:
        for name, address in self._addresses.items():
            link = self._links.get(name)
            if link is None or link.lost:
                self._links[name] = Link()
                await self._links[name].open(address, self._key)

    def _ask(self, key: str, since: float) -> None:
        link = self._links[next(self._names)]

        def hear(reply: Reply | None) -> None:
            self._hear(reply, key, since)

        try:
            link.post(_purchase(link.next_id(), key), hear)
        except LinkLost:
            self._ask_again(key, since)

    def _hear(self, reply: Reply | None, key: str, since: float) -> None:
        order = reply.order if isinstance(reply, Answer) else None
        if not isinstance(reply, Answer) or reply.code not in (Code.SOLD, Code.REPLAYED):
            self._ask_again(key, since)
            return
        now = time.monotonic()
        self._answers.append((now, now - since))
        if len(self._answers) % 1000 == 0 and order is not None:
            self.sample.append(order.order)
        if len(self._answers) + self._open <= self._wanted:
            self._ask(f"{self._run}-{next(self._numbers)}", now)
            return
        self._open -= 1
        if self._open == 0:
            self._over.set()

    def _ask_again(self, key: str, since: float) -> None:
        self._refused += 1
        pause_s = random.uniform(AGAIN_S / 5, AGAIN_S)
        asyncio.get_running_loop().call_later(pause_s, self._ask, key, since)

    def _step(self, started: float, orders: int, window: int) -> Step:
        times = [at for at, _ in self._answers]
        took_ms = [took * 1000 for _, took in self._answers]
        gaps = [after - before for before, after in itertools.pairwise([started, *times])]
        return Step(
            orders=orders + len(times),
            sold=len(times),
            per_second=len(times) / (times[-1] - started),
            windows=tuple(_rates(times[self._at_once : -self._at_once], window)),
            window=window,
            p50_ms=percentile(took_ms, 50),
            p99_ms=percentile(took_ms, 99),
            longest_gap_ms=max(gaps) * 1000,
            refused=self._refused,
        )


def _rates(times: list[float], window: int) -> Iterator[float]:
    """Returns the tickets a second of each whole window."""
    for end in range(window, len(times) + 1, window):
        yield (window - 1) / (times[end - 1] - times[end - window])


async def addresses(hosts: str, secret: Secret, workers: int) -> dict[str, str]:
    """Returns the workers' links by name, once so many are registered and ready."""
    zk = await connect(hosts, secret.zookeeper_password, timeout_s=STUCK_S)
    try:
        async with asyncio.timeout(STUCK_S):
            while True:
                live = [worker.record for worker in await registry.workers(zk)]
                ready = {each.name: each.address for each in live if each.state == "ready"}
                if len(ready) == workers:
                    return ready
                await asyncio.sleep(POLL_S)
    finally:
        await zk.close()


def hosts_of(instance: Instance, servers: int) -> str:
    ports = range(instance.zookeeper_port, instance.zookeeper_port + servers)
    return ",".join(f"127.0.0.1:{port}" for port in ports)


def _purchase(id_: int, key: str) -> Purchase:
    return Purchase(
        id=id_,
        event="default",
        type=TYPES[id_ % len(TYPES)],
        quantity=1,
        buyer="Ann Example",
        key=key,
        keyed=False,
        timeout_s=PURCHASE_S,
    )
