"""Load beyond capacity is refused early, quickly and cheaply, while sales go on."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, cast

import pytest
from granian.rsgi import Scope

from core.transport.link import Code
from tests.bench.overload.delay import slow_shop
from tests.support.buyers.stampede import Stampede, stampede
from tests.support.fakes.fake_worker import FakeWorker, is_mute, sells
from tests.support.instance import Instance
from tests.web.dispatch.test_dispatch import Box, until
from web.dispatch.concurrency_limit import FIRST
from web.http.i18n import Languages
from web.load_shedding import LoadShedder
from web.metrics.counters import Metrics
from web.server.adapter import Adapter, HttpProtocol

# One worker commits a batch of 200 in a round of that length.
DELAY_S = 0.3


@dataclass(frozen=True)
class Head:
    """A request's head, with as much as the gate looks at."""

    method: str
    path: str
    headers: dict[str, str]


def head(method: str = "POST", path: str = "/api/orders", **headers: str) -> Scope:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return cast(Scope, Head(method, path, names))


def gate(box: Box) -> LoadShedder:
    return LoadShedder(box.dispatcher, Metrics(time.monotonic), Languages(), random.Random(1))


@pytest.mark.timeout(30)
async def test_while_every_worker_is_full_purchases_are_turned_away_at_the_gate() -> None:
    worker = FakeWorker("w-1", is_mute)
    async with Box(worker, deadline_s=0.5) as box:
        shut = gate(box)
        assert shut.turns_away(head()) is None
        buying = asyncio.ensure_future(box.buy_many(FIRST))
        await until(lambda: len(worker.asked) == FIRST)
        assert (await box.buy("one more")).code is Code.OVERLOADED
        refusal = shut.turns_away(head())
        assert refusal is not None
        assert refusal.status == 503
        assert 1 <= int(dict(refusal.headers)["retry-after"]) <= 5
        assert b'"code":"overloaded"' in refusal.body
        chinese = shut.turns_away(head(accept_language="zh-TW"))
        assert chinese is not None
        assert dict(chinese.headers)["content-language"].startswith("zh")
        # Requests that do not buy are let in.
        assert shut.turns_away(head("GET")) is None
        assert shut.turns_away(head(path="/")) is None
        await buying
        assert shut.turns_away(head()) is None


@pytest.mark.timeout(60)
async def test_a_refusal_costs_a_small_part_of_a_sale() -> None:
    """Compares processor time in this process; a sale's includes the fake worker's, and no HTTP."""

    async with Box(FakeWorker("w-1", sells)) as box:
        adapter = Adapter(
            cast(Any, None),
            trouble=cast(Any, None),
            observe=cast(Any, None),
            clock=time.monotonic,
            turn_away=gate(box).turns_away,
            live=lambda _path, _known: None,
            most_bytes=cast(Any, None),
            front=cast(Any, None),
        )
        scope, protocol = head(), cast(HttpProtocol, Deaf())
        box.dispatcher.full = True
        refusal_s = await _cost(lambda: adapter(scope, protocol))
        sale_s = await _cost(box.buy)
    assert refusal_s < 0.25 * sale_s, (refusal_s, sale_s)


class Deaf:
    """Takes an answer and sends it nowhere."""

    def response_bytes(self, *_answer: Any) -> None:
        return


async def _cost(work: Callable[[], Awaitable[object]], times: int = 1000) -> float:
    began = time.process_time()
    for _ in range(times):
        await work()
    return time.process_time() - began


# --- a whole shop --------------------------------------------------------------------


def test_offered_far_more_than_it_can_sell_a_shop_sells_as_much_and_refuses_quickly(
    tmp_path: Path,
) -> None:
    """`make bench OVERLOAD=1` measures ten times the load, for a minute, with its targets."""
    with slow_shop(tmp_path, DELAY_S, "--workers", "1", "--quantity", "90000") as shop:
        _offer(shop, 300, 3.0)
        before = _offer(shop, 300, 5.0)
        over = _offer(shop, 1000, 7.0)
        # What the machine has left for the shop changes with its other work.
        after = _offer(shop, 300, 5.0)
        assert over.broken == 0
        assert len(over.shed_s) > 2 * len(over.sold_s)
        peak = min(len(before.sold_s), len(after.sold_s))
        assert len(over.sold_s) / 7.0 > 0.6 * peak / 5.0
        assert median(over.shed_s) < 0.5 * median(over.sold_s)
        assert shop.types()["A"]["sold"] >= len(before.sold_s) + len(over.sold_s)


def _offer(shop: Instance, connections: int, seconds: float) -> Stampede:
    return asyncio.run(stampede(shop.port, connections, seconds))
