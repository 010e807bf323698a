"""Finds an order by its id, within a deadline."""

import asyncio

from core.errors import NoSuchOrder, Unavailable
from core.models import OrderView
from core.orders import ORDER_ID
from web.deps import Orders

LOOKUP_S = 2.8


async def find_order(orders: Orders, order_id: str) -> OrderView:
    """Raises `NoSuchOrder`, `BadZnode`, and `Unavailable` after `LOOKUP_S`."""
    if not ORDER_ID.fullmatch(order_id):
        raise NoSuchOrder("an order's id is 32 hexadecimal digits")
    try:
        async with asyncio.timeout(LOOKUP_S):
            return (await orders.order(order_id)).view
    except TimeoutError:
        raise Unavailable("ZooKeeper does not answer in time") from None
