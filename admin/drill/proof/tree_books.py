"""Reads what the tree holds after a sale, for the checker: stock and orders."""

from functools import partial

import msgspec

from core.store.orders import StoredOrder
from core.store.stock import TypeRef
from core.store.store import Store
from core.zookeeper import lost_answers
from core.zookeeper.client import ZooKeeper


class TypeBooks(msgspec.Struct, frozen=True):
    """The sums of a type's counters."""

    event: str
    name: str
    capacity: int
    remaining: int
    held: int
    sold: int


class Books(msgspec.Struct, frozen=True):
    types: tuple[TypeBooks, ...]
    orders: tuple[StoredOrder, ...]


async def read_books(zk: ZooKeeper, event: str) -> Books:
    """Reads the event's books; they are consistent only when nothing is sold meanwhile.

    Raises `NoSuchEvent`, `NoSuchType`, `BadZnode`, `Unavailable`.
    """
    await lost_answers.read(zk, zk.sync)
    store = Store(zk)
    found = await store.event(event)
    types = []
    for name in await store.type_names(event, found):
        ref = TypeRef(event, found.generation, name)
        shelf = await lost_answers.read(zk, partial(store.type_stock, ref))
        stock = shelf.stock
        types.append(
            TypeBooks(event, name, shelf.type.capacity, stock.remaining, stock.held, stock.sold)
        )
    orders = [order async for order in store.orders.all_of(event, found.generation)]
    return Books(tuple(types), tuple(orders))
