"""The rules of an order's life: pure functions over its states.

    held ─ confirm → sold ─ cancel → cancelled
      │ ╰ extend → held  ╰ check in → sold, admitted ─ undo → sold
      ├─ release → released
      ╰─ expire → expired

An order that is already as wanted comes back unchanged, so that every act may be repeated.
Of two acts at once, the version of the order's znode lets one through.
"""

import enum
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from core.schema.records import PAYMENT, Change, DoorScan, Event, Order, Payment, Status, Stock
from core.schema.sale_window import hold_ends_at, is_settled

# How many refused payments are recorded with an order; further ones are only noted.
MOST_REFUSED = 16
# An admission may be undone for so long; after that its holder is taken to be inside.
UNDO_S = 600.0


class Act(enum.StrEnum):
    CONFIRM = "confirm"
    RELEASE = "release"
    EXTEND = "extend"
    CANCEL = "cancel"
    EXPIRE = "expire"
    CHECK_IN = "check-in"
    UNDO_CHECK_IN = "undo-check-in"


class Refusal(enum.StrEnum):
    """Why a change was refused. The values are the codes of the HTTP interface."""

    HOLD_EXPIRED = "hold-expired"
    NOT_HELD = "not-held"
    NO_MORE_EXTENSIONS = "no-more-extensions"
    NOT_CANCELLABLE = "not-cancellable"
    NOT_VALID = "not-valid"
    CHECKED_IN = "already-checked-in"
    WRONG_EVENT = "wrong-event"
    WRONG_TYPE = "wrong-type"
    UNDO_TOO_LATE = "undo-too-late"
    NOT_EXPIRED = "not-expired"
    NOT_ON_SALE = "not-on-sale"
    PAID_ALREADY = "paid-already"
    PAYMENT_USED = "payment-used"
    WRONG_AMOUNT = "wrong-amount"
    PAYMENT_REQUIRED = "payment-required"


class OrderChange(msgspec.Struct, frozen=True, kw_only=True):
    """A wanted change of an order.

    `note` is a payment, a door or a reason; `key` names the request, which may be repeated.
    An operator may always cancel, and confirm without a payment. A `payment` confirms a hold, or
    says that what was sold is paid. A door is bound to an `event`, and maybe to some of its
    `types`; `by` says whose token it was.
    """

    order: str
    act: Act
    note: str = ""
    key: str = ""
    operator: bool = False
    payment: Payment | None = None
    event: str = ""
    types: tuple[str, ...] = ()
    by: str = ""


class Occasion(msgspec.Struct, frozen=True):
    """The rules for a change, its time in Unix seconds, its commit, and the event's name."""

    rules: Event
    at: float
    batch: str
    event: str = ""


def amended(order: Order, change: OrderChange, occasion: Occasion) -> Order | Refusal:
    """Returns the order after the change; the same object where nothing is left to do."""
    match change.act:
        case Act.CONFIRM:
            return _confirmed(order, change, occasion)
        case Act.RELEASE:
            return _released(order, change, occasion)
        case Act.EXTEND:
            return _extended(order, change, occasion)
        case Act.EXPIRE:
            return _expired(order, change, occasion)
        case Act.CANCEL:
            return _cancelled(order, change, occasion)
        case Act.CHECK_IN:
            return _misplaced(order, change, occasion) or _checked_in(order, change, occasion)
        case Act.UNDO_CHECK_IN:
            return _misplaced(order, change, occasion) or _undone(order, change, occasion)


def paid(
    order: Order, change: OrderChange, payment: Payment, occasion: Occasion, *, elsewhere: bool
) -> tuple[Order, Refusal | None]:
    """Returns the order after a payment, and why the payment was refused, if it was.

    Refused payments are recorded as well. A payment that comes again has the same end as before,
    whatever became of the order since. `elsewhere`: it came in for another order first. Returns
    the same object where nothing is left to do.
    """
    for _, known in order.payments:
        if known.id == payment.id:
            return order, Refusal(known.refused) if known.refused else None
    refusal = _unpayable(order, payment, occasion, elsewhere=elsewhere)
    if refusal is not None:
        refused = replace(payment, refused=refusal.value)
        return _recorded(order, change, refused, occasion), refusal
    act = Act.CONFIRM if order.status == "held" else PAYMENT
    noted = replace(change, payment=payment, note=payment.id)
    return _changed(order, act, noted, occasion, status="sold"), None


def _unpayable(
    order: Order, payment: Payment, occasion: Occasion, *, elsewhere: bool
) -> Refusal | None:
    if elsewhere:
        return Refusal.PAYMENT_USED
    if order.paid is not None:
        return Refusal.PAID_ALREADY
    if order.status != "sold" and (refusal := _not_for_sale(order, occasion)):
        return refusal
    return None if _is_agreed(order, payment) else Refusal.WRONG_AMOUNT


def _is_agreed(order: Order, payment: Payment) -> bool:
    """Whether amount and currency fit, as far as both are known."""
    return (order.total is None or payment.amount in (None, order.total)) and (
        not order.currency or payment.currency in ("", order.currency)
    )


def _recorded(order: Order, change: OrderChange, payment: Payment, occasion: Occasion) -> Order:
    """Records a refused payment, or that there were more of them."""
    if order.more_payments:
        return order
    if sum(bool(each.refused) for _, each in order.payments) >= MOST_REFUSED:
        return _changed(order, PAYMENT, replace(change, payment=None, note=""), occasion)
    noted = replace(change, payment=payment, note=payment.id)
    return _changed(order, PAYMENT, noted, occasion)


def effect(stock: Stock, before: Order, after: Order) -> Stock:
    """Returns a counter's stock after the order has changed."""
    return stock.move(
        held=_counts(after, "held") - _counts(before, "held"),
        sold=_counts(after, "sold") - _counts(before, "sold"),
        admitted=inside(after) - inside(before),
    )


def inside(order: Order) -> int:
    """Returns how many of its holders are counted as admitted."""
    return order.quantity if order.admitted is not None and order.admitted.counted else 0


# The status after each act that moves tickets.
BECOMES: dict[str, Status] = {
    Act.CONFIRM: "sold",
    Act.RELEASE: "released",
    Act.EXPIRE: "expired",
    Act.CANCEL: "cancelled",
}


def status_at(order: Order, versions: Sequence[int]) -> Status:
    """Returns the status of an order when its type's counters had those versions, by stripe.

    The order had been made by then.
    """
    status: Status = "sold" if order.until is None else "held"
    for change in order.changes:
        becomes = BECOMES.get(change.act)
        if becomes is not None and versions[change.stripe] >= change.version:
            status = becomes
    return status


def stamped(order: Order, batch: str, stripe: int, version: int) -> Order:
    """Returns the order with the changes of a batch marked as counted at that version."""
    changes = (
        replace(change, stripe=stripe, version=version) if change.batch == batch else change
        for change in order.changes
    )
    return replace(order, changes=tuple(changes))


def has_tickets(order: Order) -> bool:
    return order.status in ("held", "sold")


def _counts(order: Order, status: Status) -> int:
    return order.quantity if order.status == status else 0


def _confirmed(order: Order, change: OrderChange, occasion: Occasion) -> Order | Refusal:
    if order.status == "sold":
        return order
    if refusal := _not_for_sale(order, occasion):
        return refusal
    rule = occasion.rules.payment
    if rule == "required" and order.total != 0 and not change.operator:
        return Refusal.PAYMENT_REQUIRED
    return _changed(order, Act.CONFIRM, change, occasion, status="sold", payment=rule)


def _released(order: Order, change: OrderChange, occasion: Occasion) -> Order | Refusal:
    if order.status in ("released", "expired"):
        return order
    if order.status != "held":
        return Refusal.NOT_HELD
    return _changed(order, Act.RELEASE, change, occasion, status="released")


def _extended(order: Order, change: OrderChange, occasion: Occasion) -> Order | Refusal:
    if refusal := _not_for_sale(order, occasion):
        return refusal
    if change.key and any(each.key == change.key for each in order.changes):
        return order
    if order.extended >= occasion.rules.extensions:
        return Refusal.NO_MORE_EXTENSIONS
    until = hold_ends_at(occasion.rules, (order.until or occasion.at) + occasion.rules.hold_s)
    if until - (order.until or 0.0) < 0.001:  # it already lasts as long as its event
        return Refusal.NO_MORE_EXTENSIONS
    return _changed(order, Act.EXTEND, change, occasion, until=until, extended=order.extended + 1)


def _expired(order: Order, change: OrderChange, occasion: Occasion) -> Order | Refusal:
    if order.status != "held":
        return order
    if occasion.at < (order.until or 0.0):
        return Refusal.NOT_EXPIRED
    return _changed(order, Act.EXPIRE, change, occasion, status="expired")


def _cancelled(order: Order, change: OrderChange, occasion: Occasion) -> Order | Refusal:
    if order.status == "cancelled":
        return order
    if order.status != "sold":
        return Refusal.NOT_VALID
    if order.admitted is not None:
        return Refusal.CHECKED_IN
    # A buyer may not cancel any more once the event is over.
    may_cancel = occasion.rules.cancellable and not is_settled(occasion.rules, occasion.at)
    if not (change.operator or may_cancel):
        return Refusal.NOT_CANCELLABLE
    return _changed(order, Act.CANCEL, change, occasion, status="cancelled")


def _checked_in(order: Order, change: OrderChange, occasion: Occasion) -> Order | Refusal:
    if order.status != "sold":
        return Refusal.NOT_VALID
    if order.admitted is not None:
        same = order.admitted.scan == change.key
        return order if same else Refusal.CHECKED_IN
    if _was_done(order, change):
        return order  # this scan let the holder in, and was undone since
    admitted = DoorScan(at=occasion.at, door=change.note, scan=change.key, counted=True)
    return _changed(order, Act.CHECK_IN, change, occasion, admitted=admitted)


def _undone(order: Order, change: OrderChange, occasion: Occasion) -> Order | Refusal:
    if order.admitted is None or _was_done(order, change):
        return order
    if occasion.at > order.admitted.at + UNDO_S:
        return Refusal.UNDO_TOO_LATE
    return _changed(order, Act.UNDO_CHECK_IN, change, occasion, admitted=None)


def _was_done(order: Order, change: OrderChange) -> bool:
    """Whether the same request has changed the order before."""
    return any(each.act == change.act and each.key == change.key for each in order.changes)


def _misplaced(order: Order, change: OrderChange, occasion: Occasion) -> Refusal | None:
    """Returns why the ticket is none for that door."""
    if change.event and change.event != occasion.event:
        return Refusal.WRONG_EVENT
    return Refusal.WRONG_TYPE if change.types and order.type not in change.types else None


def _not_for_sale(order: Order, occasion: Occasion) -> Refusal | None:
    """Returns why a hold can't be bought or extended any more."""
    if order.status not in ("held", "expired"):
        return Refusal.NOT_HELD
    if order.status == "expired" or occasion.at >= (order.until or 0.0):
        return Refusal.HOLD_EXPIRED
    return Refusal.NOT_ON_SALE if is_settled(occasion.rules, occasion.at) else None


def _changed(
    order: Order, act: str, change: OrderChange, occasion: Occasion, **fields: object
) -> Order:
    recorded = Change(
        act=act,
        at=occasion.at,
        batch=occasion.batch,
        note=change.note,
        key=change.key,
        by=change.by,
        payment=change.payment,
    )
    return replace(order, changes=(*order.changes, recorded), **fields)
