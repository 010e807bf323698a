"""`verify`: recounts everything from the orders up, while selling goes on.

A sale changes its counter and creates its orders in one transaction, so with one zxid. A
counter that was read at zxid N therefore counts exactly those orders of its type that were
created at or before N. A later change of an order names the version of the counter that it made.
Orders from after N must be covered by the counter when it is read again after the count. Where
they are not, tickets came back meanwhile, or were sold beside the counter: a second count, from a
later N, tells which.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

import msgspec

from core.errors import BadZnode, Breach, NoSuchType
from core.schema import paths
from core.schema.records import Event, Order, copied
from core.store.order_lifecycle import status_at
from core.store.orders import StoredOrder
from core.store.stock import TypeRef, TypeStock
from core.store.store import Store
from core.zookeeper import lost_answers
from core.zookeeper.client import ZooKeeper

TYPES_AT_ONCE = 16
COUNTS = 2


class TypeProof(msgspec.Struct, frozen=True, kw_only=True):
    """Proves P1 of one type at `zxid`: capacity = sold + held + remaining, as `orders` add up."""

    name: str
    capacity: int
    sold: int
    held: int
    remaining: int
    orders: int
    zxid: int


class EventProof(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    orders: int
    types: tuple[TypeProof, ...]


class BreachFound(msgspec.Struct, frozen=True, kw_only=True):
    znode: str
    text: str


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """The result: every event's sums, up to the first breach if there is one.

    It is not `ok` without an event, because then nothing is proved.
    """

    ok: bool
    events: tuple[EventProof, ...]
    breach: BreachFound | None = None


@dataclass
class _Tally:
    """Adds up the orders of one type: those that `shelf` counts, and those that came later."""

    shelf: TypeStock
    # The shelf would compute these anew for each order.
    zxid: int
    versions: tuple[int, ...]
    orders: int = 0
    sold: int = 0
    held: int = 0
    later_tickets: int = 0
    # Tickets may have come back while they were counted.
    amended: bool = False
    newest: StoredOrder | None = None

    def add(self, order: StoredOrder) -> None:
        self.amended |= bool(order.order.changes)
        if order.zxid <= self.zxid:
            self.orders += 1
            self._count(order.order)
            return
        self.later_tickets += order.order.quantity
        if self.newest is None or order.zxid > self.newest.zxid:
            self.newest = order

    def _count(self, order: Order) -> None:
        status = status_at(order, self.versions) if order.changes else order.status
        if status == "sold":
            self.sold += order.quantity
        elif status == "held":
            self.held += order.quantity

    @property
    def proof(self) -> TypeProof:
        shelf = self.shelf
        return copied(
            TypeProof, shelf.stock, name=shelf.ref.type, orders=self.orders, zxid=self.zxid
        )


async def recount(zk: ZooKeeper) -> Proof:
    """Recounts every event. Raises `Unavailable`; a breach is part of the result."""
    await zk.sync()
    proofs: list[EventProof] = []
    try:
        for name in await Store(zk).event_names():
            proofs.append(await _verify_event(zk, name))
    except (Breach, BadZnode) as error:
        found = BreachFound(znode=paths.CHROOT + error.path, text=error.why)
        return Proof(ok=False, events=tuple(proofs), breach=found)
    return Proof(ok=bool(proofs), events=tuple(proofs))


async def _verify_event(zk: ZooKeeper, name: str) -> EventProof:
    store = Store(zk)
    event = await store.event(name)
    for _ in range(COUNTS):
        proof, covered = await _count(zk, store, name, event)
        if covered:
            break
    return proof


async def _count(zk: ZooKeeper, store: Store, name: str, event: Event) -> tuple[EventProof, bool]:
    """Returns what it counts, and whether the later orders are covered. Raises `Breach`."""
    refs = [TypeRef(name, event.generation, each) for each in await store.type_names(name, event)]
    before = await _shelves(zk, store, refs)
    tallies = {shelf.ref.type: _Tally(shelf, shelf.zxid, shelf.versions) for shelf in before}
    count = 0
    async with aclosing(store.orders.all_of(name, event.generation)) as orders:
        async for order in orders:
            count += 1
            _tally(order, tallies)
    await lost_answers.read(zk, zk.sync)
    after = await _shelves(zk, store, refs)
    covered = [_covers(tally, again) for tally, again in zip(tallies.values(), after, strict=True)]
    proofs = tuple(tally.proof for tally in tallies.values())
    return EventProof(name=name, orders=count, types=proofs), all(covered)


def _tally(order: StoredOrder, tallies: Mapping[str, _Tally]) -> None:
    tally = tallies.get(order.order.type)
    if tally is None:
        raise _wrong(order, f"an order of the unknown type {order.order.type!r}")
    counted = [payment.id for _, payment in order.order.payments if not payment.refused]
    if len(counted) > 1:
        raise _wrong(order, f"it counts {len(counted)} payments: {', '.join(counted)}")
    try:
        tally.add(order)
    except (IndexError, ValueError):
        raise _wrong(order, "a change that fits none of the counters") from None


def _wrong(order: StoredOrder, why: str) -> Breach:
    return Breach(paths.order(order.event, order.generation, order.id), why)


async def _shelves(zk: ZooKeeper, store: Store, refs: Sequence[TypeRef]) -> list[TypeStock]:
    """Reads each type's stock, some side by side. Raises the first `Breach`, `BadZnode`."""
    shelves: list[TypeStock] = []
    for start in range(0, len(refs), TYPES_AT_ONCE):
        reads = [
            lost_answers.read(zk, partial(_balanced, store, ref))
            for ref in refs[start : start + TYPES_AT_ONCE]
        ]
        for found in await asyncio.gather(*reads, return_exceptions=True):
            if isinstance(found, BaseException):
                raise found
            shelves.append(found)
    return shelves


async def _balanced(store: Store, ref: TypeRef) -> TypeStock:
    """Reads the type's stock at one moment and checks its sums. Raises `Breach`, `BadZnode`."""
    try:
        shelf = await store.type_stock(ref)
    except NoSuchType as error:
        raise Breach(error.path, "it is missing") from None
    _check_stock(shelf)
    return shelf


def _check_stock(shelf: TypeStock) -> None:
    stock, path, capacity = shelf.stock, shelf.path, shelf.type.capacity
    if stock.capacity != capacity:
        raise Breach(
            path,
            f"{stock.sold} sold + {stock.held} held + {stock.remaining} remaining "
            f"is {stock.capacity}, but the capacity is {capacity}",
        )
    for name, tickets in (("held", stock.held), ("sold", stock.sold)):
        if tickets < 0:
            raise Breach(path, f"{tickets} {name} is less than none")


def _covers(tally: _Tally, again: TypeStock) -> bool:
    """Compares the orders with the counter as it was before the count and as it is after it.

    Returns False where the later orders have taken more than the counter. Raises `Breach`.
    """
    counter, path = tally.shelf, tally.shelf.path
    stock = counter.stock
    for name, said, found in (("sold", stock.sold, tally.sold), ("held", stock.held, tally.held)):
        if said != found:
            raise Breach(
                path,
                f"it says {said} {name} as of zxid {counter.zxid}, "
                f"but the orders add up to {found}",
            )
    if tally.newest is not None and tally.newest.zxid > again.zxid:
        raise _wrong(
            tally.newest,
            f"an order of zxid {tally.newest.zxid} that the counter, last changed at "
            f"{again.zxid}, never counted",
        )
    return tally.amended or tally.later_tickets <= again.stock.taken - stock.taken
