"""Finds an order by its id, within a deadline."""

import asyncio
from contextlib import suppress

from core.errors import BadZnode, NoSuchOrder, Unavailable
from core.models import OrderView
from core.orders import ORDER_ID
from web.deps import Orders

LOOKUP_S = 2.8
LOOKS, LOOK_S = 50, 0.02


async def find_order(orders: Orders, order_id: str) -> OrderView:
    """Raises `NoSuchOrder`, `BadZnode`, and `Unavailable` after `LOOKUP_S`."""
    if not ORDER_ID.fullmatch(order_id):
        raise NoSuchOrder("an order's id is 32 hexadecimal digits")
    try:
        async with asyncio.timeout(LOOKUP_S):
            return (await orders.order(order_id)).view
    except TimeoutError:
        raise Unavailable("ZooKeeper does not answer in time") from None


async def await_order(orders: Orders, changed: OrderView) -> None:
    """Waits until the order is read here as a worker has left it, a second at the most.

    Our ZooKeeper server may hear of a change a moment later than the worker's.
    """
    for _ in range(LOOKS):
        with suppress(NoSuchOrder, Unavailable, BadZnode):
            if _standing(await find_order(orders, changed.order)) == _standing(changed):
                return
        await asyncio.sleep(LOOK_S)


def _standing(order: OrderView) -> tuple[str, str | None]:
    return order.status, order.held_until
