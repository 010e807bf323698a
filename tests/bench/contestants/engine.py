"""zkticket's three workers without HTTP: purchases go straight over their links."""

import asyncio
import itertools
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uvloop

from core.cluster import registry
from core.cluster_secret import Secret, load_secret
from core.transport.link import Answer, Code, Link, Purchase, Reply
from core.zookeeper.client import connect
from tests.bench.contestants.ours import hosts_of, tickets
from tests.bench.contestants.shop import STOCK, compare
from tests.bench.load import HOT_TYPE, BenchError
from tests.bench.plan import Plan
from tests.bench.results import Reading, percentile
from tests.support.instance import running

WORKERS = 3
OPEN_S = 10.0
POLL_S = 0.05
# The web gives a purchase as much time.
PURCHASE_S = 2.8


@dataclass(frozen=True)
class Engine:
    """Keeps 256 purchases under way, spread evenly over the links to three workers."""

    name: str = "zkticket's workers, no HTTP"
    at_once: int = 256

    def measure(self, plan: Plan, scratch: Path) -> Iterator[Reading]:
        with running(scratch / "data", "--quantity", str(STOCK)) as instance:
            secret = load_secret(instance.data_dir)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                crowd = runner.run(_crowd(hosts_of(instance), secret))
                warm_up = runner.run(crowd.buy_for(plan.warm_up_s, self.at_once))
                bought = runner.run(crowd.buy_for(plan.measure_s, self.at_once))
                crowd.leave()
            yield Reading(
                contestant=self.name,
                at_once=self.at_once,
                per_second=len(bought.took_s) / bought.seconds,
                p50_ms=percentile(bought.took_s, 50) * 1000,
                p99_ms=percentile(bought.took_s, 99) * 1000,
                failed=bought.failed,
            )
            answered = len(warm_up.took_s) + len(bought.took_s)
            failed = warm_up.failed + bought.failed
            compare(self.name, answered, tickets(instance, HOT_TYPE), failed)
            instance.down()


@dataclass(frozen=True)
class Bought:
    """A crowd's purchases within `seconds`: the time of each ticket, and the number of failures."""

    seconds: float
    took_s: tuple[float, ...]
    failed: int


class Crowd:
    """Buyers in a closed loop over the workers' links, each link with its even share."""

    def __init__(self, links: list[Link]) -> None:
        self._links = links
        self._keys = (f"{secrets.token_hex(4)}-{number}" for number in itertools.count())
        self._took_s: list[float] = []
        self._failed = 0
        self._open = 0
        self._ends = 0.0
        self._over = asyncio.Event()

    async def buy_for(self, seconds: float, at_once: int) -> Bought:
        """Runs that many buyers for so many seconds, and waits for the last answers."""
        self._took_s, self._failed = [], 0
        began = time.monotonic()
        self._ends = began + seconds
        self._over.clear()
        for _, link in zip(range(at_once), itertools.cycle(self._links), strict=False):
            self._open += 1
            self._ask(link)
        async with asyncio.timeout(seconds + PURCHASE_S + OPEN_S):
            await self._over.wait()
        return Bought(time.monotonic() - began, tuple(self._took_s), self._failed)

    def leave(self) -> None:
        for link in self._links:
            link.close()

    def _ask(self, link: Link) -> None:
        """Asks for one buyer's next purchase; its answer starts the one after it."""
        asked = time.monotonic()

        def hear(reply: Reply | None) -> None:
            now = time.monotonic()
            if isinstance(reply, Answer) and reply.code is Code.SOLD:
                self._took_s.append(now - asked)
            else:
                self._failed += 1
            if now < self._ends and reply is not None:
                self._ask(link)
                return
            self._open -= 1
            if self._open == 0:
                self._over.set()

        link.post(_purchase(link.next_id(), next(self._keys)), hear)


async def _crowd(hosts: str, secret: Secret) -> Crowd:
    """Returns a crowd with links to all workers. Raises `BenchError` where one is missing."""
    zk = await connect(hosts, secret.zookeeper_password)
    try:
        async with asyncio.timeout(OPEN_S):
            while len(workers := await registry.workers(zk)) < WORKERS:
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise BenchError(f"{len(workers)} workers are registered instead of {WORKERS}") from None
    finally:
        await zk.close()
    links = [Link() for _ in workers]
    for link, worker in zip(links, workers, strict=True):
        await link.open(worker.record.address, secret.link_key)
    return Crowd(links)


def _purchase(id_: int, key: str) -> Purchase:
    return Purchase(
        id=id_,
        event="default",
        type="A",
        quantity=1,
        buyer="Ann",
        key=key,
        keyed=False,
        timeout_s=PURCHASE_S,
    )
