"""An attempt to sell: a batch, and the wishes that it fulfils."""

import itertools
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from core.batch import Account, Batch, Held, Sale
from core.errors import Unavailable
from core.holds import hold_path
from core.models import HoldList, Order
from core.stock import TypeRef
from core.wire import Purchase
from workers.offers import Offers
from workers.wish import Candidate


@dataclass(frozen=True)
class Attempt:
    """A batch with the wishes that it fulfils, in the order of its sales."""

    batch: Batch
    accepted: tuple[Candidate, ...]

    def note_times(self, began: float, ended: float) -> None:
        """Its commit took from then to then, monotonic."""
        for wish, _ in self.accepted:
            wish.queue_s, wish.commit_s = began - wish.since, ended - began


class Attempts:
    """Makes them. `fence` is the worker's registration, or "" where it has none."""

    def __init__(
        self, source: str, offers: Offers, fence: Callable[[], str], now: Callable[[], float]
    ) -> None:
        self._offers = offers
        self._fence = fence
        self._now = now
        self._batch_name = f"{source}.{secrets.token_hex(4)}"
        self._batch_numbers = itertools.count(1)

    def make(self, accepted: Sequence[Candidate], accounts: tuple[Account, ...] = ()) -> Attempt:
        """Sells to all of these, who count as sent from now on. Raises `Unavailable`."""
        fence = self._fence()
        if not fence:
            raise Unavailable("this worker is not registered")
        batch_id = f"{self._batch_name}.{next(self._batch_numbers)}"
        at = round(self._now(), 3)
        sold: dict[TypeRef, int] = {}
        held: dict[TypeRef, int] = {}
        sales = []
        for wish, ref in accepted:
            until = self._offers.hold_ends(ref) if wish.purchase.hold else None
            taken = sold if until is None else held
            taken[ref] = taken.get(ref, 0) + wish.purchase.quantity
            sales.append(Sale(ref, wish.order_id, _order(wish.purchase, batch_id, at, until)))
            wish.sent = True
        counters = [
            counter
            for ref in sold | held
            for counter in self._offers.draw(ref, sold.get(ref, 0), held.get(ref, 0))
        ]
        batch = Batch(
            batch_id,
            fence,
            tuple(counters),
            tuple(sales),
            accounts=accounts,
            held=_held(batch_id, sales) if held else (),
        )
        return Attempt(batch, tuple(accepted))


def _order(purchase: Purchase, batch_id: str, at: float, until: float | None) -> Order:
    return Order(
        type=purchase.type,
        quantity=purchase.quantity,
        buyer=purchase.buyer,
        status="sold" if until is None else "held",
        at=at,
        batch=batch_id,
        until=until,
    )


def _held(batch_id: str, sales: Iterable[Sale]) -> tuple[Held, ...]:
    """Where the janitor will find the holds among these."""
    lists: dict[str, list[str]] = {}
    for sale in sales:
        if sale.order.until is not None:
            path = hold_path(sale.ref.event, sale.ref.generation, sale.order.until, batch_id)
            lists.setdefault(path, []).append(sale.order_id)
    return tuple(Held(path, HoldList(orders=tuple(ids))) for path, ids in lists.items())
