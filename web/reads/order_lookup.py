"""Finds an order by its id, within a deadline."""

import asyncio
from contextlib import suppress
from typing import Protocol

from core.errors import BadZnode, NoSuchOrder, Unavailable
from core.schema.records import ORDER_ID, OrderView
from core.store.orders import StoredOrder

LOOKUP_S = 2.8
# The longest wait for our ZooKeeper server to hear of a change, and the first, short one.
SEEN_S = 1.0
FIRST_LOOK_S = 0.02


class OrderReader(Protocol):
    """A place to read orders from; `core.store.store.Store` is one."""

    async def order(self, order_id: str) -> StoredOrder: ...


async def find_order(orders: OrderReader, order_id: str) -> OrderView:
    """The order. Raises `NoSuchOrder`, `BadZnode`, and `Unavailable` after `LOOKUP_S`."""
    if not ORDER_ID.fullmatch(order_id):
        raise NoSuchOrder("an order's id is 32 hexadecimal digits")
    try:
        async with asyncio.timeout(LOOKUP_S):
            return (await orders.order(order_id)).view
    except TimeoutError:
        raise Unavailable("ZooKeeper does not answer in time") from None


async def await_order(orders: OrderReader, changed: OrderView) -> None:
    """Waits until the order can be read here as a worker has left it, at most `SEEN_S`.

    Our ZooKeeper server may hear of a change a moment later than the worker's.
    """
    pause_s = FIRST_LOOK_S
    with suppress(TimeoutError):
        async with asyncio.timeout(SEEN_S):
            while not await _is_seen(orders, changed):
                await asyncio.sleep(pause_s)
                pause_s *= 2


async def _is_seen(orders: OrderReader, changed: OrderView) -> bool:
    with suppress(NoSuchOrder, Unavailable, BadZnode):
        found = await find_order(orders, changed.order)
        return (found.status, found.held_until) == (changed.status, changed.held_until)
    return False
