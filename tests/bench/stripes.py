"""Measures how many stripes a type should have: `python -m tests.bench.stripes`.

Three workers in this process, over one ZooKeeper server, sell events whose types have that many
stripes, in turns. Buyers buy, or hold tickets and confirm or release them. The result is how many
commits met another one on a counter and had to be decided again.
"""

import asyncio
import random
import secrets
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from core.events.edit import EventManager
from core.schema.records import TicketType
from core.store.batch import Failure
from core.store.order_lifecycle import Act
from core.transport.link import Code
from core.zookeeper.client import connect
from tests.support.throwaway import thrown_away
from tests.support.two_workers import MovableClock, Worker, working
from tests.support.zookeeper_server import PASSWORD, Server, serving

STRIPES = (3, 4, 6, 8)
WORKERS = 3
ROUNDS = 6
SECONDS = 2.0
BUYERS = 60
STOCK = 9_600_000
RELEASED = 0.25


class Tally:
    """The outcomes of the workers' commits, and the number of served buyers."""

    def __init__(self) -> None:
        self.commits = self.again = self.served = 0

    def watch(self, worker: Worker) -> None:
        commit = worker.store.commit

        async def counted(*given: Any) -> Any:
            outcome = await commit(*given)
            self.commits += 1
            self.again += outcome is Failure.MOVED
            return outcome

        worker.store.commit = counted  # type: ignore[method-assign,assignment]

    def take(self) -> tuple[float, float]:
        """Returns the commits of a hundred that were decided again, and the buyers a second."""
        taken = 100 * self.again / self.commits, self.served / SECONDS
        self.commits = self.again = self.served = 0
        return taken


async def buy_until(
    ends: float, event: str, hold: bool, workers: list[Worker], tally: Tally
) -> None:
    rng = random.Random()
    while time.monotonic() < ends:
        answer = await rng.choice(workers).buy(event=event, hold=hold)
        if answer.code is Code.SOLD and answer.order is not None and hold:
            act = Act.RELEASE if rng.random() < RELEASED else Act.CONFIRM
            await rng.choice(workers).amend(answer.order.order, act)
        tally.served += 1


async def measure(server: Server) -> None:
    tally, clock = Tally(), MovableClock()
    async with AsyncExitStack() as stack:
        workers = []
        for number in range(1, WORKERS + 1):
            zk = await connect(server.hosts, PASSWORD)
            stack.push_async_callback(zk.close)
            workers.append(await stack.enter_async_context(working(zk, f"worker-{number}", clock)))
            tally.watch(workers[-1])
        events = {stripes: f"s{stripes}-{secrets.token_hex(2)}" for stripes in STRIPES}
        for stripes, event in events.items():
            types = {"A": TicketType(capacity=STOCK, stripes=stripes)}
            await EventManager(workers[0].zk).create_event(event, "Bench", types)
        for hold in (False, True):
            found: dict[int, list[tuple[float, float]]] = {stripes: [] for stripes in STRIPES}
            for number in range(ROUNDS):
                for stripes in STRIPES if number % 2 else STRIPES[::-1]:
                    ends = time.monotonic() + SECONDS
                    crowd = (
                        buy_until(ends, events[stripes], hold, workers, tally)
                        for _ in range(BUYERS)
                    )
                    await asyncio.gather(*crowd)
                    found[stripes].append(tally.take())
            for stripes, taken in found.items():
                again, served = (statistics.median(each) for each in zip(*taken, strict=True))
                what = "hold and confirm" if hold else "buy"
                print(f"{what}, {stripes} stripes: {again:.1f} of 100 again, {served:.0f}/s")


def main() -> int:
    with thrown_away(), tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        Path(scratch).chmod(0o711)
        with serving(Path(scratch)) as server:
            asyncio.run(measure(server))
    return 0


if __name__ == "__main__":
    sys.exit(main())
