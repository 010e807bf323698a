"""Reads orders: one by its id, many at once, or all of an event."""

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence
from functools import partial

import msgspec

from core.errors import AmbiguousNumber, BadZnode, NoNode, NoSuchOrder
from core.schema import paths
from core.schema.order_number import TypedNumber
from core.schema.records import ORDER_ID, Event, Order, OrderView, decode, view
from core.store.batch import Sale
from core.store.stock import TypeRef
from core.zookeeper import lost_answers
from core.zookeeper.client import Znode, ZooKeeper

ALONE = re.compile(rf"(?<![0-9a-f]){ORDER_ID.pattern}(?![0-9a-f])")
FIND = "`order find --buyer NAME` looks orders up"
# Orders are read page by page, a few pages ahead of the caller: never all in memory at once.
PAGE_ORDERS = 500
# An error repeats so much of a wrong id.
MOST_SHOWN = 80


class Haste(msgspec.Struct, frozen=True):
    """The pace of reading orders: the number of pages ahead, and a pause after each page."""

    pages_ahead: int = 3
    pause_s: float = 0.0


QUICKLY = Haste()


class StoredOrder(msgspec.Struct, frozen=True):
    """An order as ZooKeeper has it; `zxid` is that of the commit that made it.

    `version` and `changed_zxid` are those of its last change.
    """

    id: str
    event: str
    order: Order
    zxid: int
    generation: str = ""
    version: int = 0
    changed_zxid: int = 0

    @property
    def ref(self) -> TypeRef:
        return TypeRef(self.event, self.generation, self.order.type)

    @property
    def view(self) -> OrderView:
        return view(self.id, self.event, self.order, self.zxid)


class StoredOrders:
    """Reads the orders of a tree over one session."""

    def __init__(self, zk: ZooKeeper) -> None:
        self._zk = zk

    async def locate(
        self, order_ids: Collection[str], events: Mapping[str, Event | BadZnode]
    ) -> dict[str, StoredOrder]:
        """Returns those of the orders that exist in one of these events, by id.

        Raises `BadZnode`, also for an order that may be one of an event that can't be read;
        `Unavailable`.
        """
        wanted = {
            paths.order(name, event.generation, order_id): name
            for order_id in order_ids
            for name, event in events.items()
            if isinstance(event, Event)
        }
        znodes = await self._zk.get_many(list(wanted))
        orders = [_stored(wanted[znode.path], znode) for znode in znodes if znode is not None]
        found = {order.id: order for order in orders}
        damage = [event for event in events.values() if isinstance(event, BadZnode)]
        if damage and not found.keys() >= set(order_ids):
            raise damage[0]
        return found

    async def numbered(
        self, typed: TypedNumber, ticket_key: bytes, events: Mapping[str, Event | BadZnode]
    ) -> list[StoredOrder]:
        """Returns the orders of these events with that number, and that code if there was one.

        Reads one bucket of each event, again after a sync where none is found. Raises `BadZnode`
        also where none is found and an event can't be read; `Unavailable`.
        """
        if typed.wrong:
            return []
        readable = {name: each for name, each in events.items() if isinstance(each, Event)}
        found = await self._numbered(typed, ticket_key, readable)
        if not found:
            await self._zk.sync()
            found = await self._numbered(typed, ticket_key, readable)
        damage = [event for event in events.values() if isinstance(event, BadZnode)]
        if damage and not found:
            raise damage[0]
        return found

    async def _numbered(
        self, typed: TypedNumber, ticket_key: bytes, events: Mapping[str, Event]
    ) -> list[StoredOrder]:
        wanted = [
            paths.bucket(name, event.generation, typed.bucket) for name, event in events.items()
        ]
        listed = await asyncio.gather(*map(self._zk.below, wanted))
        fitting = {
            paths.child(bucket, id_): name
            for name, bucket, ids in zip(events, wanted, listed, strict=True)
            for id_ in ids
            if typed.fits(ticket_key, id_)
        }
        znodes = await self._zk.get_many(list(fitting))
        return [_stored(fitting[znode.path], znode) for znode in znodes if znode is not None]

    async def find(self, name: str, generation: str, order_id: str) -> StoredOrder | None:
        znode = await self._zk.find(paths.order(name, generation, order_id))
        return _stored(name, znode) if znode else None

    async def find_many(
        self, name: str, generation: str, order_ids: Iterable[str]
    ) -> dict[str, StoredOrder]:
        """Returns those of the orders that exist, by id. Raises `BadZnode`, `Unavailable`."""
        wanted = [paths.order(name, generation, order_id) for order_id in order_ids]
        found = await self._zk.get_many(wanted)
        orders = [_stored(name, znode) for znode in found if znode is not None]
        return {order.id: order for order in orders}

    async def find_sales(self, sales: Sequence[Sale]) -> list[StoredOrder | BadZnode | None]:
        """Returns what stands in the place of each order. Raises `Unavailable`."""
        found = await self._zk.get_many([sale.path for sale in sales])
        return [
            _stored_or_bad(sale.ref.event, znode) if znode else None
            for sale, znode in zip(sales, found, strict=True)
        ]

    async def has_bucket(self, sale: Sale) -> bool:
        return await self._zk.find(paths.parent(sale.path)) is not None

    async def all_of(
        self, name: str, generation: str, haste: Haste = QUICKLY
    ) -> AsyncGenerator[StoredOrder, None]:
        """Yields every order of an event's life, bucket by bucket; outlasts a change of leader.

        Raises `BadZnode`, `Unavailable`.
        """
        pages: deque[asyncio.Task[dict[str, StoredOrder]]] = deque()
        try:
            async for ids in self.ids(name, generation):
                read = partial(self.find_many, name, generation, ids)
                pages.append(asyncio.create_task(lost_answers.read(self._zk, read)))
                if len(pages) > haste.pages_ahead:
                    for order in (await pages.popleft()).values():
                        yield order
                    await asyncio.sleep(haste.pause_s)
            while pages:
                for order in (await pages.popleft()).values():
                    yield order
        finally:
            for page in pages:
                page.cancel()
            await asyncio.gather(*pages, return_exceptions=True)

    async def ids(self, name: str, generation: str) -> AsyncGenerator[Sequence[str], None]:
        """Yields the ids of all orders, a page at a time. Raises `BadZnode`, `Unavailable`."""
        for bucket in paths.BUCKETS:
            path = paths.bucket(name, generation, bucket)
            try:
                ids = await lost_answers.read(self._zk, partial(self._zk.children, path))
            except NoNode:
                raise BadZnode(path, "the bucket is missing") from None
            for order_id in ids:
                if not (ORDER_ID.fullmatch(order_id) and order_id.startswith(bucket)):
                    why = "no order of that name belongs into this bucket"
                    raise BadZnode(f"{path}/{order_id}", why)
            for start in range(0, len(ids), PAGE_ORDERS):
                yield ids[start : start + PAGE_ORDERS]


def _stored(event: str, znode: Znode) -> StoredOrder:
    order = decode(Order, znode.data, znode.path)
    return StoredOrder(
        paths.name(znode.path),
        event,
        order,
        znode.created_zxid,
        paths.generation_of(znode.path),
        znode.version,
        znode.modified_zxid,
    )


def _stored_or_bad(event: str, znode: Znode) -> StoredOrder | BadZnode:
    try:
        return _stored(event, znode)
    except BadZnode as error:
        return error


def no_such_order(order_id: str) -> NoSuchOrder:
    """Makes an error that tells people how to look orders up."""
    return NoSuchOrder(f"there is no order {order_id}; {FIND}")


def only_one(found: Sequence[StoredOrder], number: str) -> StoredOrder:
    """Returns the only order found. Raises `NoSuchOrder`, `AmbiguousNumber`."""
    if not found:
        raise no_such_order(number)
    if len(found) > 1:
        ids = ", ".join(order.id for order in found)
        raise AmbiguousNumber(f"{len(found)} orders have the number {number}; name one: {ids}")
    return found[0]


def order_id_in(text: str) -> str:
    """Finds the order's id in typed or scanned text: an address, or an id in groups; or "".

    Two ids without a gap between them are none.
    """
    found = ALONE.search(text) or ORDER_ID.fullmatch("".join(text.split()).lower())
    return found.group() if found else ""


def order_id_of(text: str) -> str:
    """Finds the id in an order's id or its ticket's address. Raises `NoSuchOrder`."""
    if found := order_id_in(text):
        return found
    shown = repr(text[:MOST_SHOWN])
    raise NoSuchOrder(f"{shown} is no order's id: 32 digits from 0 to f; {FIND}")
