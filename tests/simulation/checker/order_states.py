"""The rules for what may become of an order, written again independently of the product."""

from collections.abc import Sequence

from msgspec.structs import replace

from core.schema.records import DEFAULT_CURRENCY, Change, DoorScan, Order, Payment
from tests.simulation.plan import PRICE, EventTerms

# The refusal of a payment that came in for another order first.
USED_ELSEWHERE = "payment-used"


class Impossible(Exception):
    """Says, in a sentence, what can't have become of an order."""


def states(before: Order, after: Order, terms: EventTerms) -> Sequence[Order]:
    """Returns every state that the order went through; the last is `after`. Raises `Impossible`."""
    known = len(before.changes)
    new = after.changes[known:]
    if after.changes[:known] != before.changes or not new:
        raise Impossible(f"{before} became {after}: its past has changed")
    found, state = [], before
    for change in new:
        state = _after(state, change, terms)
        found.append(state)
    if replace(state, changes=after.changes) != after:
        raise Impossible(f"{before} became {after}, and not {state}")
    return found


def _after(order: Order, change: Change, terms: EventTerms) -> Order:
    before = replace(order, changes=(*order.changes, change))
    if change.payment is not None:
        return _after_payment(order, before, change, change.payment)
    until = order.until or 0.0
    held, sold = order.status == "held", order.status == "sold" and order.admitted is None
    match change.act:
        case "confirm" if held and change.at < until:
            return replace(before, status="sold")
        case "release" if held:
            return replace(before, status="released")
        case "expire" if held and change.at >= until:
            return replace(before, status="expired")
        case "extend" if held and change.at < until and order.extended < terms.extensions:
            return replace(before, until=until + terms.hold_s, extended=order.extended + 1)
        case "cancel" if sold:
            return replace(before, status="cancelled")
        case "check-in" if sold:
            admitted = DoorScan(at=change.at, door=change.note, scan=change.key, counted=True)
            return replace(before, admitted=admitted)
        case "undo-check-in" if order.admitted and change.at <= order.admitted.at + 600:
            return replace(before, admitted=None)
    raise Impossible(f"{order}: nobody may {change.act} it at {change.at}")


def _after_payment(order: Order, before: Order, change: Change, payment: Payment) -> Order:
    """Returns the order with the payment on record, which may have been refused."""
    if any(known.id == payment.id for known in _payments(order)):
        raise Impossible(f"{order}: {payment} is on record twice")
    # One order does not show whether it was used elsewhere: the ledger checks that.
    against = _against(order, payment, change.at)
    if payment.refused not in (against, USED_ELSEWHERE):
        raise Impossible(
            f"{order}: {payment} at {change.at}, which should be refused as {against!r}"
        )
    if change.act != ("confirm" if order.status == "held" and not payment.refused else "payment"):
        raise Impossible(f"{order}: {payment} comes with {change.act}")
    return before if payment.refused else replace(before, status="sold")


def _payments(order: Order) -> list[Payment]:
    return [change.payment for change in order.changes if change.payment is not None]


def _against(order: Order, payment: Payment, at: float) -> str:
    """Returns why the payment can't count for this order, "" where it can."""
    if any(not known.refused for known in _payments(order)):
        return "paid-already"
    if order.status == "expired" or (order.status == "held" and at >= (order.until or 0.0)):
        return "hold-expired"
    if order.status not in ("held", "sold"):
        return "not-held"
    agreed = (order.quantity * PRICE, DEFAULT_CURRENCY)
    sum_ = (agreed[0] if payment.amount is None else payment.amount, payment.currency or agreed[1])
    return "" if sum_ == agreed else "wrong-amount"
