"""Compares what buyers were told with what the tree has: a pure function.

In the manner of Jepsen's set and counter checkers (Kingsbury): every attempt of every
buyer is known with its beginning and its end, and the orders are read after the last sale.
An attempt without a definite answer may have sold or not; everything else is decided.
"""

import enum
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from math import inf

import msgspec
from msgspec.structs import replace

from admin.drill.proof.history import PurchaseAttempt
from admin.drill.proof.tree_books import Books, TypeBooks
from core.schema.records import OrderView
from core.store.orders import StoredOrder

SOLD, HELD = "sold", "held"

IdOf = Callable[[str, str], str]
Purchase = tuple[str, str]
Shelf = tuple[str, str]


class Kind(enum.StrEnum):
    """The kinds of broken promises."""

    LOST = "lost"
    DOUBLED = "doubled"
    OVERSOLD = "oversold"
    STRANDED = "stranded"
    MISREPORTED = "misreported"
    FOREIGN = "foreign"


class Finding(msgspec.Struct, frozen=True):
    """One broken promise, with the event, key, order or type that it concerns."""

    kind: Kind
    text: str
    event: str
    key: str = ""
    order: str = ""
    type: str = ""


class Reset(msgspec.Struct, frozen=True):
    """An operator's reset: refusals from before its end say nothing about what is left."""

    event: str
    type: str
    ended_s: float


def check(
    attempts: Sequence[PurchaseAttempt], books: Books, id_of: IdOf, resets: Sequence[Reset] = ()
) -> tuple[Finding, ...]:
    """Finds what is wrong, purchases first; needs all attempts on the event of `books`.

    `id_of(event, key)` is the id that a key's order must have.
    """
    return tuple(_Checker(attempts, books, id_of, resets).findings())


class _Checker:
    def __init__(
        self,
        attempts: Sequence[PurchaseAttempt],
        books: Books,
        id_of: IdOf,
        resets: Sequence[Reset],
    ) -> None:
        self._books = books
        self._resets = resets
        self._orders = {order.id: order for order in books.orders}
        self._purchases = _by_purchase(attempts)
        self._ids = {purchase: id_of(*purchase) for purchase in self._purchases}
        self._named = {
            attempt.order.order: (attempt.event, attempt.key)
            for attempt in attempts
            if attempt.order is not None
        }
        self._keys_of_buyers: dict[tuple[str, str], set[str]] = defaultdict(set)
        for attempt in attempts:
            self._keys_of_buyers[attempt.event, attempt.buyer].add(attempt.key)
        self._lost: list[PurchaseAttempt] = []

    def findings(self) -> Iterator[Finding]:
        for purchase, attempts in self._purchases.items():
            yield from self._check_purchase(purchase, attempts)
        yield from self._check_strays()
        for type_ in self._books.types:
            yield from self._check_stock(type_)
            yield from self._check_refusals(type_)

    # --- purchases -------------------------------------------------------------------

    def _check_purchase(
        self, purchase: Purchase, attempts: Sequence[PurchaseAttempt]
    ) -> Iterator[Finding]:
        event, key = purchase
        stored = self._orders.get(self._ids[purchase])
        told = [attempt for attempt in attempts if attempt.sold]
        for text in _contradictions(told):
            yield Finding(Kind.MISREPORTED, text, event, key)
        for order, attempt in {self._order_told(each): each for each in told}.items():
            if order not in self._orders:
                self._lost.append(attempt)
                yield _lost(order, attempt)
        if stored is not None:
            for text in (*_differences(stored.view, attempts), *_denials(attempts)):
                yield Finding(Kind.MISREPORTED, text, event, key, stored.id)

    def _order_told(self, attempt: PurchaseAttempt) -> str:
        purchase = (attempt.event, attempt.key)
        return attempt.order.order if attempt.order else self._ids[purchase]

    # --- orders that are not those of their keys -------------------------------------

    def _check_strays(self) -> Iterator[Finding]:
        expected = set(self._ids.values())
        for order in self._books.orders:
            if order.id not in expected:
                yield self._stray(order)

    def _stray(self, order: StoredOrder) -> Finding:
        purchase = self._named.get(order.id) or self._by_buyer(order)
        if purchase is None:
            text = f"an order of {order.order.buyer!r} that nobody asked for"
            return Finding(Kind.FOREIGN, text, order.event, order=order.id)
        text = "a second order for one key, or one under a wrong id"
        return Finding(Kind.DOUBLED, text, order.event, purchase[1], order.id)

    def _by_buyer(self, order: StoredOrder) -> Purchase | None:
        """Finds an order's purchase by its buyer, where each buyer has one key only."""
        asked = self._keys_of_buyers.get((order.event, order.order.buyer), set())
        return (order.event, next(iter(asked))) if len(asked) == 1 else None

    # --- stock -----------------------------------------------------------------------

    def _check_stock(self, type_: TypeBooks) -> Iterator[Finding]:
        """Checks P1 and P4 by the counters, and the counters against the orders."""
        sold, held = self._tickets(type_, SOLD), self._tickets(type_, HELD)
        counted = type_.remaining + type_.held + type_.sold
        sums = f"{type_.remaining} remaining + {type_.held} held + {type_.sold} sold"
        lost = sum(each.quantity for each in self._lost if _is_about(each, type_))
        taken = type_.sold - sold - lost
        for kind, wrong, text in (
            (Kind.OVERSOLD, counted > type_.capacity, f"{sums} exceed {type_.capacity}"),
            (Kind.STRANDED, counted < type_.capacity, f"{sums} fall short of {type_.capacity}"),
            (Kind.OVERSOLD, type_.remaining < 0, f"{type_.remaining} tickets remain"),
            (Kind.OVERSOLD, sold > type_.sold, f"{sold} are ordered, {type_.sold} counted as sold"),
            (Kind.OVERSOLD, sold > type_.capacity, f"{sold} are ordered of {type_.capacity}"),
            (Kind.DOUBLED, taken > 0, f"{taken} tickets were taken twice, or for no order"),
            (Kind.STRANDED, type_.held > held, f"{type_.held - held} are held by nobody"),
        ):
            if wrong:
                yield Finding(kind, f"type {type_.name}: {text}", type_.event, type=type_.name)

    def _tickets(self, type_: TypeBooks, status: str) -> int:
        return sum(
            order.order.quantity
            for order in self._books.orders
            if _shelf_of(order) == (type_.event, type_.name) and order.order.status == status
        )

    def _check_refusals(self, type_: TypeBooks) -> Iterator[Finding]:
        """Finds refusals as sold out at a time when enough tickets must have been left."""
        takings = self._takings(type_)
        since = max((r.ended_s for r in self._resets if _is_about(r, type_)), default=-inf)
        for attempts in self._purchases.values():
            for attempt in attempts:
                refused = attempt.code == "sold-out" and _is_about(attempt, type_)
                if refused and attempt.began_s >= since:
                    left = type_.capacity - type_.held - takings.before(attempt.ended_s)
                    if left >= attempt.quantity:
                        yield _not_sold_out(attempt, left, type_)

    def _takings(self, type_: TypeBooks) -> "_Takings":
        """Returns what was taken by the orders that are there, and by those that were lost."""
        began = {
            self._ids[purchase]: attempts[0].began_s
            for purchase, attempts in self._purchases.items()
        }
        there = [
            (began.get(order.id, -inf), order.order.quantity)
            for order in self._books.orders
            if _shelf_of(order) == (type_.event, type_.name)
        ]
        lost = [
            (self._purchases[each.event, each.key][0].began_s, each.quantity)
            for each in self._lost
            if _is_about(each, type_)
        ]
        return _Takings(there + lost)


class _Takings:
    """The most tickets that can have been taken by a time: all that had been asked for by then."""

    def __init__(self, takings: Sequence[tuple[float, int]]) -> None:
        ordered = sorted(takings)
        self._times = [began for began, _ in ordered]
        self._sums = [0, *accumulate(quantity for _, quantity in ordered)]

    def before(self, moment: float) -> int:
        return self._sums[bisect_right(self._times, moment)]


def _by_purchase(attempts: Sequence[PurchaseAttempt]) -> dict[Purchase, list[PurchaseAttempt]]:
    purchases: dict[Purchase, list[PurchaseAttempt]] = defaultdict(list)
    for attempt in sorted(attempts, key=lambda each: each.began_s):
        purchases[attempt.event, attempt.key].append(attempt)
    return purchases


def _contradictions(told: Sequence[PurchaseAttempt]) -> Iterator[str]:
    """Describes answers "sold" that don't agree with each other."""
    if not told:
        return
    first = min(told, key=lambda attempt: attempt.ended_s)
    for attempt in told:
        if attempt.order != first.order:
            yield f"two answers differ: {first.order} and {attempt.order}"
        if attempt.began_s > first.ended_s and not attempt.replayed:
            yield "a repeat of what was sold before was answered as a new sale"


def _differences(view: OrderView, attempts: Sequence[PurchaseAttempt]) -> Iterator[str]:
    """Describes how the order differs from what was asked for or answered, its status aside."""
    asked = {(wish.event, wish.type, wish.quantity, wish.buyer) for wish in attempts}
    if (view.event, view.type, view.quantity, view.buyer) not in asked:
        yield f"the order is not what was asked for: {view}"
    for attempt in attempts:
        answered = attempt.order
        # What is stored has no number and no code: they are made from its id.
        if answered and replace(answered, status=view.status, number="", code="") != view:
            yield f"the order is {view}, and {attempt.order} was answered"


def _denials(attempts: Sequence[PurchaseAttempt]) -> Iterator[str]:
    """Describes refusals of a key whose order no later or simultaneous attempt can have made."""
    makers = [(inf if each.open else each.ended_s) for each in attempts if each.sold or each.open]
    latest = max(makers, default=-inf)
    for attempt in attempts:
        if attempt.denied and latest <= attempt.began_s:
            yield f"answered {attempt.status} {attempt.code}, yet the order exists"
    if not makers and not any(attempt.denied for attempt in attempts):
        yield f"only answered {attempts[-1].code}, yet the order exists"


def _lost(order: str, told: PurchaseAttempt) -> Finding:
    text = f"{told.quantity} of {told.type} were answered as sold, and no order has them"
    return Finding(Kind.LOST, text, told.event, told.key, order, told.type)


def _not_sold_out(attempt: PurchaseAttempt, left: int, type_: TypeBooks) -> Finding:
    """The finding is stranded tickets if they are still left at the end."""
    kind = Kind.STRANDED if type_.remaining >= attempt.quantity else Kind.MISREPORTED
    text = f"{attempt.quantity} of {type_.name} were refused as sold out, with {left} left"
    return Finding(kind, text, attempt.event, attempt.key, type=type_.name)


def _is_about(each: PurchaseAttempt | Reset, type_: TypeBooks) -> bool:
    return (each.event, each.type) == (type_.event, type_.name)


def _shelf_of(order: StoredOrder) -> Shelf:
    return (order.event, order.order.type)
