"""Finds an order by its id, number or code, within a deadline."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from core.errors import BadRequest, BadZnode, NoSuchOrder, Unavailable
from core.schema.order_number import TypedNumber, typed_number
from core.schema.records import ORDER_ID, OrderView
from core.store.orders import order_id_in
from core.store.store import Store

LOOKUP_S = 2.8
# The longest wait for our ZooKeeper server to hear of a change, and the first, short one.
SEEN_S = 1.0
FIRST_LOOK_S = 0.02


class OrderReader(Protocol):
    """A place to read orders from, with their codes."""

    async def order(self, order_id: str) -> OrderView: ...


class TicketReader(OrderReader, Protocol):
    """A place to look orders up by number and code, too."""

    async def numbered(self, typed: TypedNumber) -> Sequence[OrderView]: ...


class CodedOrders:
    """A store's orders, with the codes of their tickets."""

    def __init__(self, store: Store, ticket_key: bytes) -> None:
        self._store = store
        self._ticket_key = ticket_key

    async def order(self, order_id: str) -> OrderView:
        """Raises `NoSuchOrder`, `BadZnode`, `Unavailable`."""
        return (await self._store.order(order_id)).view.coded(self._ticket_key)

    async def numbered(self, typed: TypedNumber) -> Sequence[OrderView]:
        """The orders of all events with that number, or code. Raises `BadZnode`, `Unavailable`."""
        events = await self._store.events()
        found = await self._store.orders.numbered(typed, self._ticket_key, events)
        return [order.view.coded(self._ticket_key) for order in found]


async def find_order(orders: OrderReader, order_id: str) -> OrderView:
    """The order. Raises `NoSuchOrder`, `BadZnode`, and `Unavailable` after `LOOKUP_S`."""
    if not ORDER_ID.fullmatch(order_id):
        raise NoSuchOrder("an order's id is 32 hexadecimal digits")
    try:
        async with asyncio.timeout(LOOKUP_S):
            return await orders.order(order_id)
    except TimeoutError:
        raise Unavailable("ZooKeeper does not answer in time") from None


async def find_ticket(orders: TicketReader, text: str, event: str = "") -> str:
    """The id of the order that its id, its number or its ticket's code or address names.

    An order of `event` comes before one of another event. Raises `BadRequest`, `NoSuchOrder`,
    `BadZnode`, and `Unavailable` after `LOOKUP_S`.
    """
    if order := order_id_in(text):
        return order
    typed = typed_number(text)
    if typed is None:
        raise BadRequest("invalid", "detail.ticket", "order")
    if typed.wrong:
        raise BadRequest("no-such-order", "detail.mistyped", "order")
    found = await find_numbered(orders, typed)
    meant = [order.order for order in found if order.event == event] or [
        order.order for order in found
    ]
    if not meant:
        raise NoSuchOrder("no order has that number")
    if len(meant) > 1:
        raise BadRequest("ambiguous-number", "problem.ambiguous-number", "order")
    return meant[0]


async def find_numbered(orders: TicketReader, typed: TypedNumber) -> Sequence[OrderView]:
    """The orders with that number. Raises `BadZnode`, and `Unavailable` after `LOOKUP_S`."""
    try:
        async with asyncio.timeout(LOOKUP_S):
            return await orders.numbered(typed)
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
