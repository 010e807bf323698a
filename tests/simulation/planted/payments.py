"""Faults planted into the handling of payments."""

from collections.abc import Iterable, Mapping
from unittest.mock import patch

from msgspec.structs import replace

from core.schema.records import Order, Payment
from core.store import order_changes, order_lifecycle
from core.store.batch import ClaimedPayment
from core.store.order_changes import ChangeOutcome, OrderChanger, OrdersToChange
from core.store.order_lifecycle import Occasion, OrderChange, Refusal
from core.transport.link import Code
from tests.simulation.planted.selling import Plant
from workers import order_changes as change_queue


def _unclaimed(
    self: OrderChanger, batch_id: str, changed: Mapping[str, Order], found: OrdersToChange
) -> Iterable[ClaimedPayment]:
    return ()


_unpayable = order_lifecycle._unpayable


def _payable_again(
    order: Order, payment: Payment, occasion: Occasion, *, elsewhere: bool
) -> Refusal | None:
    refusal = _unpayable(order, payment, occasion, elsewhere=elsewhere)
    return None if refusal is Refusal.PAID_ALREADY else refusal


def _payable_late(
    order: Order, payment: Payment, occasion: Occasion, *, elsewhere: bool
) -> Refusal | None:
    refusal = _unpayable(order, payment, occasion, elsewhere=elsewhere)
    return None if refusal is Refusal.HOLD_EXPIRED and order.status == "held" else refusal


def _unrecorded(order: Order, change: OrderChange, payment: Payment, occasion: Occasion) -> Order:
    return order


def _recorded_again(
    order: Order, change: OrderChange, payment: Payment, occasion: Occasion, *, elsewhere: bool
) -> tuple[Order, Refusal | None]:
    """Records a payment without a look at those on record."""
    refusal = _unpayable(order, payment, occasion, elsewhere=elsewhere) or Refusal.PAID_ALREADY
    if not order.payments:
        return order_lifecycle.paid(order, change, payment, occasion, elsewhere=elsewhere)
    refused = replace(payment, refused=refusal.value)
    return order_lifecycle._recorded(order, change, refused, occasion), refusal


_code = change_queue._code


def _done_if_recorded(done: ChangeOutcome) -> Code:
    return Code.DONE if done.changed else _code(done)


FAULTS: Mapping[str, Plant] = {
    "a payment is claimed for no order": lambda: patch.object(OrderChanger, "_claims", _unclaimed),
    "an order is paid twice": lambda: patch.object(order_lifecycle, "_unpayable", _payable_again),
    "a payment for a hold that has ended counts": lambda: patch.object(
        order_lifecycle, "_unpayable", _payable_late
    ),
    "a payment of another sum counts": lambda: patch.object(
        order_lifecycle, "_is_agreed", lambda order, payment: True
    ),
    "a refused payment is not recorded": lambda: patch.object(
        order_lifecycle, "_recorded", _unrecorded
    ),
    "a payment that comes again is recorded again": lambda: patch.object(
        order_changes, "paid", _recorded_again
    ),
    "a refused payment is answered as one that counts": lambda: patch.object(
        change_queue, "_code", _done_if_recorded
    ),
}
