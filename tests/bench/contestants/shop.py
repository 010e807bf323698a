"""A contestant that sells over HTTP, and how all of them are measured."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.bench.load import BenchError, Wares, offer
from tests.bench.plan import WARM_UP_CONNECTIONS, Plan
from tests.bench.results import Reading

# This is more than anybody buys in a run.
STOCK = 9_600_000


@dataclass(frozen=True)
class Shop:
    """An open shop; `tickets` checks its books, and counts the sold tickets."""

    url: str
    tickets: Callable[[], int] | None


class Owner(Protocol):
    """Opens a shop for the block, with its files below `scratch`."""

    @property
    def name(self) -> str: ...
    @property
    def wares(self) -> Wares: ...
    def open(self, scratch: Path) -> AbstractContextManager[Shop]: ...


@dataclass(frozen=True)
class OverHttp:
    """Measures a shop with wrk: warm-up, then each number of connections."""

    owner: Owner
    has_targets: bool = False

    @property
    def name(self) -> str:
        return self.owner.name

    def measure(self, plan: Plan, scratch: Path) -> Iterator[Reading]:
        with self.owner.open(scratch) as shop:
            warm_up = offer(shop.url, self.owner.wares, WARM_UP_CONNECTIONS, plan.warm_up_s)
            answered, open_ends = warm_up.sold, WARM_UP_CONNECTIONS + warm_up.failed
            for connections in plan.loads(self.has_targets):
                load = offer(shop.url, self.owner.wares, connections, plan.seconds_at(connections))
                answered += load.sold
                # wrk leaves without the answers to its last requests.
                open_ends += connections + load.failed
                yield Reading(
                    contestant=self.name,
                    at_once=connections,
                    per_second=load.per_second,
                    p50_ms=load.p50_ms,
                    p99_ms=load.p99_ms,
                    failed=load.failed,
                )
            if shop.tickets is not None:
                compare(self.name, answered, shop.tickets(), open_ends)


def compare(name: str, answered: int, sold: int, open_ends: int) -> None:
    """Checks that each answer was a sale, and each sale was answered, unless its buyer had left.

    Raises `BenchError`.
    """
    if not answered <= sold <= answered + open_ends:
        raise BenchError(
            f"{name}: {sold} tickets sold, but {answered} buyers were told so "
            f"and {open_ends} at most had left"
        )
