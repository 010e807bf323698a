"""The load: wrk's connections, which ignore `Retry-After`, and one buyer that samples the answers.

wrk costs some 10 µs of processor time for each answer, on the same cores as the shop. It does not
separate the times of refusals from those of sales, so a buyer of our own samples both.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException

from tests.bench.load import HOT_TYPE, Load, offer
from tests.bench.overload.usage import Usage
from tests.support.instance import Instance

SAMPLE_S = 0.05


@dataclass
class Samples:
    """Seconds until the answers, for sales and for refusals."""

    sold: list[float] = field(default_factory=list)
    shed: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Rush:
    """The answers to a number of connections in so many seconds."""

    connections: int
    seconds: int
    load: Load
    samples: Samples
    # Processor seconds of the shop's processes, by role, and of wrk.
    cpu_s: dict[str, float]

    @property
    def goodput(self) -> float:
        return self.load.per_second

    @property
    def answers(self) -> float:
        """Sales and refusals a second: the whole load, since everybody is answered."""
        return self.goodput + self.load.failed / self.seconds


def rush(shop: Instance, usage: Usage, connections: int, seconds: int) -> Rush:
    """Offers purchases over that many connections at once. Raises `BenchError`."""
    with usage.counted() as cpu_s, _sampled(shop) as samples:
        url = f"http://127.0.0.1:{shop.port}/api/orders"
        load = offer(url, HOT_TYPE, connections, seconds)
    return Rush(connections, seconds, load, samples, cpu_s)


@contextmanager
def _sampled(shop: Instance) -> Iterator[Samples]:
    samples, stop = Samples(), threading.Event()

    def buy() -> None:
        buyer = shop.buyer()
        while not stop.wait(SAMPLE_S):
            with suppress(OSError, HTTPException):
                reply = buyer.buy("A")
                (samples.sold if reply.status == 201 else samples.shed).append(reply.took_s)

    thread = threading.Thread(target=buy)
    thread.start()
    try:
        yield samples
    finally:
        stop.set()
        thread.join()
