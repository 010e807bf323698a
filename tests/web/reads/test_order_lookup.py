"""How long the web waits to read what a worker has just written."""

import asyncio
import time
from dataclasses import dataclass, field

import msgspec

from core.errors import Unavailable
from core.schema.records import Order, OrderView
from core.store.orders import StoredOrder
from web.reads.order_lookup import SEEN_S, await_order

SOLD = Order(type="A", quantity=1, buyer="Ann", status="sold", at=1750000000.0, batch="w.b")


def stored(order: Order) -> StoredOrder:
    return StoredOrder("a" * 32, "default", order, 4294967301)


@dataclass
class Lagging:
    """Gives each answer `pause_s` late, and the last one again and again."""

    answers: list[StoredOrder | Unavailable]
    pause_s: float = 0.0
    looks: int = field(default=0, init=False)

    async def order(self, _id: str) -> OrderView:
        await asyncio.sleep(self.pause_s)
        answer = self.answers[min(self.looks, len(self.answers) - 1)]
        self.looks += 1
        if isinstance(answer, Unavailable):
            raise answer
        return answer.view


def wait_for_cancelled(orders: Lagging) -> float:
    """Returns the seconds that it waits for the order to be cancelled."""
    cancelled = stored(msgspec.structs.replace(SOLD, status="cancelled"))
    began = time.monotonic()
    asyncio.run(await_order(orders, cancelled.view))
    return time.monotonic() - began


def test_what_a_server_hears_a_moment_later_is_waited_for() -> None:
    cancelled = stored(msgspec.structs.replace(SOLD, status="cancelled"))
    orders = Lagging([stored(SOLD), Unavailable("gone for a moment"), cancelled])
    assert wait_for_cancelled(orders) < SEEN_S
    assert orders.looks == 3


def test_a_server_that_never_hears_of_it_or_does_not_answer_is_not_waited_for_any_longer() -> None:
    deaf, slow = Lagging([stored(SOLD)]), Lagging([stored(SOLD)], pause_s=60.0)
    assert SEEN_S <= wait_for_cancelled(deaf) < 2 * SEEN_S
    assert deaf.looks < 10
    assert SEEN_S <= wait_for_cancelled(slow) < 2 * SEEN_S
