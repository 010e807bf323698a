"""An attempt to sell: a batch, and the requests that it serves."""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from core.schema.records import Order
from core.store.batch import Account, Batch, Sale
from core.store.holds import hold_lists
from core.store.stock import TypeRef
from core.transport.link import Purchase
from workers.selling.pending_purchase import Candidate
from workers.selling.stock_cache import Price, StockCache


class SaleAttempt(msgspec.Struct, frozen=True):
    """A batch with the requests that it serves, in the order of its sales."""

    batch: Batch
    accepted: tuple[Candidate, ...]

    def note_times(self, began: float, ended: float) -> None:
        """Notes when its commit began and ended, monotonic."""
        for request, _ in self.accepted:
            request.queue_s, request.commit_s = began - request.since, ended - began


class SaleAttempts(msgspec.Struct, frozen=True):
    """Makes attempts. `_fence` returns the worker's registration, or raises `Unavailable`."""

    _batch_ids: Iterator[str]
    _stock_cache: StockCache
    _fence: Callable[[], str]
    _now: Callable[[], float]

    def make(
        self, accepted: Sequence[Candidate], accounts: tuple[Account, ...] = ()
    ) -> SaleAttempt:
        """Makes a batch of sales to all of these, and marks them sent. Raises `Unavailable`."""
        fence = self._fence()
        batch_id = next(self._batch_ids)
        at = round(self._now(), 3)
        sold: dict[TypeRef, int] = {}
        held: dict[TypeRef, int] = {}
        sales: list[Sale] = []
        holds: list[tuple[TypeRef, str, float]] = []
        prices = self._stock_cache.prices(ref for _, ref in accepted)
        for request, ref in accepted:
            until = None
            if request.purchase.hold:
                until = self._stock_cache.hold_ends(ref)
                holds.append((ref, request.order_id, until))
            taken = sold if until is None else held
            taken[ref] = taken.get(ref, 0) + request.purchase.quantity
            order = _order(request.purchase, batch_id, at, until, prices[ref])
            sales.append(Sale(ref, request.order_id, order))
            request.send()
        counters = [
            counter
            for ref in sold | held
            for counter in self._stock_cache.draw(ref, sold.get(ref, 0), held.get(ref, 0))
        ]
        batch = Batch(
            batch_id,
            fence,
            tuple(counters),
            tuple(sales),
            accounts=accounts,
            held=hold_lists(batch_id, holds),
            terms=self._stock_cache.unchanged(sold | held),
        )
        return SaleAttempt(batch, tuple(accepted))


def _order(
    purchase: Purchase, batch_id: str, at: float, until: float | None, price: Price
) -> Order:
    return Order(
        type=purchase.type,
        quantity=purchase.quantity,
        buyer=purchase.buyer,
        status="sold" if until is None else "held",
        at=at,
        batch=batch_id,
        until=until,
        price=price.amount,
        currency=price.currency,
        decimals=price.decimals,
        payment=price.payment,
    )
