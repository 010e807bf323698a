"""Puts orders back that the tree has lost, each with its id, batch and time."""

from collections.abc import Sequence
from functools import partial

from msgspec.structs import replace

from core.batch import Sale
from core.errors import Ambiguous, BadVersion, Unavailable, ZkticketError
from core.insist import insist
from core.lifecycle import has_tickets
from core.models import encode
from core.orders import StoredOrder
from core.stock import Counter, Shelf
from core.store import Store
from core.transaction import Create, Operation, SetData
from core.zk import Committed, ZooKeeper

TRIES = 50
RECONNECT_S = 5.0


async def restore(zk: ZooKeeper, sales: Sequence[Sale], *, oversell: bool) -> int:
    """Makes the missing ones of these orders, all of one type, in one transaction with its stock.

    None of them is held. Returns how many were missing. With `oversell` the type's capacity grows
    by what lacks; without, `ZkticketError` where too few tickets are left. Raises `Unavailable`,
    and `BadVersion` when sales never let it in.
    """
    store = Store(zk)
    for _ in range(TRIES):
        missing = await _missing(zk, store, sales)
        if not missing:
            return 0
        shelf = await insist(zk, partial(store.shelf, missing[0].ref))
        lacking = _lacking(shelf, missing, oversell)
        counters = _counters(shelf, _tickets(missing), lacking)
        restored = [_counted_by(counters[0], sale) for sale in missing]
        if await _happens(zk, store, restored, _operations(shelf, counters, restored, lacking)):
            return len(missing)
    raise BadVersion("tickets were sold faster than orders could be put back; try again")


async def _missing(zk: ZooKeeper, store: Store, sales: Sequence[Sale]) -> list[Sale]:
    found = await insist(zk, partial(store.orders.find_sales, sales))
    return [sale for sale, there in zip(sales, found, strict=True) if there is None]


def _tickets(sales: Sequence[Sale]) -> int:
    return sum(sale.order.quantity for sale in sales if has_tickets(sale.order))


def _lacking(shelf: Shelf, sales: Sequence[Sale], oversell: bool) -> int:
    """By how much the capacity has to grow. Raises `ZkticketError` where it may not."""
    lacking = max(0, _tickets(sales) - shelf.stock.remaining)
    if lacking and not oversell:
        raise ZkticketError(f"there are {lacking} tickets of type {shelf.ref.type} too few")
    return lacking


def _counters(shelf: Shelf, tickets: int, lacking: int) -> list[Counter]:
    """Those that change: one at least, for a recount takes an order that no counter knows of
    for a stray.
    """
    first, *others = shelf.counters
    grown = [replace(first, stock=first.stock.add(lacking)), *others]
    return _sold_from(grown, tickets) or [first]


def _counted_by(counter: Counter, sale: Sale) -> Sale:
    """The sale with its changes counted there: those that had counted them have gone back."""
    changes = tuple(
        replace(change, stripe=counter.number, version=counter.version + 1)
        if change.version
        else change
        for change in sale.order.changes
    )
    return replace(sale, order=replace(sale.order, changes=changes)) if changes else sale


def _operations(
    shelf: Shelf, counters: Sequence[Counter], sales: Sequence[Sale], lacking: int
) -> list[Operation]:
    operations: list[Operation] = [
        SetData(counter.path, encode(counter.stock), counter.version) for counter in counters
    ]
    operations += [Create(sale.path, encode(sale.order)) for sale in sales]
    if lacking:
        grown = replace(shelf.type, capacity=shelf.type.capacity + lacking)
        operations.append(SetData(shelf.ref.path, encode(grown), shelf.type_version))
    return operations


def _sold_from(counters: Sequence[Counter], tickets: int) -> list[Counter]:
    """The counters that change when so many are sold, the fullest first."""
    changed = []
    for counter in sorted(counters, key=lambda counter: -counter.stock.remaining):
        taken = min(tickets, counter.stock.remaining)
        if taken:
            changed.append(replace(counter, stock=counter.stock.sell(taken)))
            tickets -= taken
    return changed


async def _happens(
    zk: ZooKeeper, store: Store, sales: Sequence[Sale], operations: Sequence[Operation]
) -> bool:
    """Commits all, or nothing. After a lost answer the same is sent again: it can't happen twice,
    and where it is refused then, the first order tells whether it had happened.
    """
    for attempt in range(TRIES):
        try:
            outcome = await zk.multi(operations)
        except (Ambiguous, Unavailable):
            await zk.wait_connected(RECONNECT_S)
            continue
        if isinstance(outcome, Committed):
            return True
        if attempt:
            [there] = await insist(zk, partial(store.orders.find_sales, sales[:1]))
            return isinstance(there, StoredOrder) and there.order == sales[0].order
        return False
    raise Unavailable("ZooKeeper gives no definite answer; run it again")
