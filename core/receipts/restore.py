"""Restores confirmed orders that the tree has lost, or later changes to them."""

from collections import Counter as Sums
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import msgspec
from msgspec.structs import replace

from core.errors import BadVersion, BadZnode, ZkticketError
from core.receipts.format import is_preserved, is_same_purchase
from core.schema import paths
from core.schema.records import PAYMENT, Change, Order, buyer_id, encode, payment_key
from core.store.batch import Account, ClaimedPayment, Sale
from core.store.order_lifecycle import Act, Refusal, effect, has_tickets, inside
from core.store.orders import StoredOrder
from core.store.stock import StripeCounter, TypeStock
from core.store.store import Store
from core.zookeeper import lost_answers
from core.zookeeper.client import ZooKeeper
from core.zookeeper.multi import Create, Operation, SetData

TRIES = 50
# What may have happened to a hold if the tree had forgotten that it was sold.
OVERRULED_BY_A_SALE = frozenset({Act.EXPIRE, Act.EXTEND})


class Mend(msgspec.Struct, frozen=True):
    """An order as it is to be, and what stands in its place, if anything does."""

    sale: Sale
    there: StoredOrder | None

    @property
    def takes(self) -> int:
        """The number of tickets that it takes off sale; negative where it gives some back."""
        had = self.there is not None and has_tickets(self.there.order)
        return self.sale.order.quantity * (has_tickets(self.sale.order) - had)

    @property
    def operation(self) -> Operation:
        data = encode(self.sale.order)
        if self.there is None:
            return Create(self.sale.path, data)
        return SetData(self.sale.path, data, self.there.version)


def mend(confirmed: Sale, there: StoredOrder | BadZnode | None) -> Mend | None:
    """Decides how to put back what was confirmed; returns None where that can't be.

    A hold is not put back: it has run out, or will, and its buyer can take another. An order that
    has changed since, in a way that the receipt does not know, is not overruled, unless its hold
    ran out because the tree had forgotten that it was sold.
    """
    order = confirmed.order
    if order.status == "held" or isinstance(there, BadZnode):
        return None
    if there is None:
        return Mend(confirmed, None)
    if not is_same_purchase(order, there.order) or order.batch != there.order.batch:
        return None
    proved = {change.batch for change in order.changes}
    known = {change.batch for change in there.order.changes}
    since = {change.act for change in there.order.changes if change.batch not in proved} - {PAYMENT}
    lost = tuple(change for change in order.changes if change.batch not in known)
    only_money = bool(lost) and all(change.act == PAYMENT for change in lost)
    if only_money or _paid_otherwise(order, there.order):
        # Money that came in conflicts with nothing.
        changes = (*there.order.changes, *_as_money(there.order, lost))
        return Mend(replace(confirmed, order=replace(there.order, changes=changes)), there)
    if not since <= (OVERRULED_BY_A_SALE if order.status == "sold" else {Act.EXPIRE}):
        return None
    changed = replace(order, changes=(*there.order.changes, *_once(there.order, lost)))
    return Mend(replace(confirmed, order=changed), there)


def _paid_otherwise(order: Order, there: Order) -> bool:
    """Whether the tree lost the order's payment, and the order was paid again since."""
    if order.paid is None or there.paid is None:
        return False
    return order.paid.id != there.paid.id and order.status == there.status == "sold"


def _as_money(there: Order, lost: Iterable[Change]) -> Iterator[Change]:
    """Turns lost changes into records of the money that came in."""
    for change in _once(there, lost):
        yield replace(change, act=PAYMENT, stripe=0, version=0) if change.payment else change


def _once(there: Order, lost: Iterable[Change]) -> Iterator[Change]:
    """Lets one of two payments count: the one in the tree."""
    for change in lost:
        payment = change.payment
        if payment is not None and not payment.refused and there.paid is not None:
            payment = replace(payment, refused=Refusal.PAID_ALREADY.value)
        yield replace(change, payment=payment)


async def restore(zk: ZooKeeper, sales: Sequence[Sale], order_key: bytes, *, oversell: bool) -> int:
    """Puts back what is lost of these orders, all of one type, in one transaction with its stock.

    Returns how many were put back. With `oversell` the type's capacity grows by what lacks;
    without, `ZkticketError` where too few tickets are left. Raises `Unavailable`, and
    `BadVersion` when sales never let it in.
    """
    store = Store(zk)
    for _ in range(TRIES):
        decide = partial(_decide, zk, store, sales, order_key, oversell)
        mends, operations = await lost_answers.read(zk, decide)
        if not mends or await _happens(zk, store, mends[0].sale, operations):
            return len(mends)
    raise BadVersion("tickets were sold faster than orders could be put back; try again")


async def _decide(
    zk: ZooKeeper, store: Store, sales: Sequence[Sale], order_key: bytes, oversell: bool
) -> tuple[list[Mend], list[Operation]]:
    """Returns what is put back, and the transaction that does it; nothing where nothing is lost."""
    mends = await _mends(store, sales)
    if not mends:
        return [], []
    shelf = await store.type_stock(mends[0].sale.ref)
    lacking = _lacking(shelf, mends, oversell)
    counters = _counters(shelf, mends, lacking)
    mends = [_counted_by(counters[0], each) for each in mends]
    accounts = await _accounts(store, order_key, mends)
    claims = await _claims(zk, store, order_key, mends)
    moved: list[StripeCounter | Mend | Account | ClaimedPayment]
    moved = [*counters, *mends, *accounts, *claims]
    operations = [each.operation for each in moved]
    if lacking:
        grown = replace(shelf.type, capacity=shelf.type.capacity + lacking)
        operations.append(SetData(shelf.ref.path, encode(grown), shelf.type_version))
    return mends, operations


async def _mends(store: Store, sales: Sequence[Sale]) -> list[Mend]:
    found = zip(sales, await store.orders.find_sales(sales), strict=True)
    lost = [mend(sale, there) for sale, there in found if not is_preserved(sale.order, there)]
    return [each for each in lost if each is not None]


def _lacking(shelf: TypeStock, mends: Sequence[Mend], oversell: bool) -> int:
    """Returns how far the capacity has to grow. Raises `ZkticketError` where it may not."""
    lacking = max(0, sum(each.takes for each in mends) - shelf.stock.remaining)
    if lacking and not oversell:
        raise ZkticketError(f"there are {lacking} tickets of type {shelf.ref.type} too few")
    return lacking


def _counters(shelf: TypeStock, mends: Sequence[Mend], lacking: int) -> list[StripeCounter]:
    """Returns the counters that change, at least one.

    A recount takes an order that no counter knows for a stray.
    """
    first, *others = shelf.counters
    stock = first.stock.add(lacking)
    for each in mends:
        if each.there is not None and each.takes <= 0:
            stock = effect(stock, each.there.order, each.sale.order)
        else:
            stock = stock.move(admitted=inside(each.sale.order))
    taken = sum(each.takes for each in mends if each.takes > 0)
    after = _sold_from([replace(first, stock=stock), *others], taken)
    changed = [now for now, was in zip(after, shelf.counters, strict=True) if now != was]
    return changed or [first]


def _sold_from(counters: Sequence[StripeCounter], tickets: int) -> list[StripeCounter]:
    """Returns all counters after selling so many tickets, the fullest first."""
    after = {counter.number: counter for counter in counters}
    for counter in sorted(counters, key=lambda counter: -counter.stock.remaining):
        taken = min(tickets, counter.stock.remaining)
        after[counter.number] = replace(counter, stock=counter.stock.sell(taken))
        tickets -= taken
    return list(after.values())


def _counted_by(counter: StripeCounter, each: Mend) -> Mend:
    """Counts the lost changes on that counter, since their own ones have gone back."""
    known = () if each.there is None else each.there.order.changes
    lost = tuple(
        replace(change, stripe=counter.number, version=counter.version + 1)
        if change.version
        else change
        for change in each.sale.order.changes[len(known) :]
    )
    order = replace(each.sale.order, changes=(*known, *lost))
    return Mend(replace(each.sale, order=order), each.there)


async def _accounts(store: Store, order_key: bytes, mends: Sequence[Mend]) -> list[Account]:
    """Returns the accounts of the buyers at a limited event, as they are afterwards."""
    ref = mends[0].sale.ref
    if not (await store.event(ref.event)).limit:
        return []
    tickets: Sums[str] = Sums()
    for each in mends:
        tickets[buyer_id(order_key, ref.event, each.sale.order.buyer)] += each.takes
    accounts = await store.accounts(ref.event, ref.generation, tickets)
    return [
        accounts[buyer].add(number)
        for buyer, number in tickets.items()
        if number > 0 or (number < 0 and accounts[buyer].version >= 0)
    ]


async def _claims(
    zk: ZooKeeper, store: Store, order_key: bytes, mends: Sequence[Mend]
) -> list[ClaimedPayment]:
    """Makes the payment claims that the tree lacks, and room for them."""
    wanted: dict[str, str] = {}
    for each in mends:
        for _, payment in each.sale.order.payments:
            if payment.refused != Refusal.PAYMENT_USED:
                wanted.setdefault(payment_key(order_key, payment.id), each.sale.order_id)
    known = await store.claims(wanted) if wanted else {}
    claims = [
        ClaimedPayment(paths.payment(key), id_) for key, id_ in wanted.items() if key not in known
    ]
    if claims:
        await zk.ensure(paths.PAYMENTS, *(paths.parent(claim.path) for claim in claims))
    return claims


async def _happens(
    zk: ZooKeeper, store: Store, first: Sale, operations: Sequence[Operation]
) -> bool:
    """Commits all, or nothing. After a lost answer the first order tells whether it happened."""

    async def happened() -> bool:
        [there] = await store.orders.find_sales([first])
        return isinstance(there, StoredOrder) and there.order == first.order

    return await lost_answers.commit(zk, operations, happened) is None
