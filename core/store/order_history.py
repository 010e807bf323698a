"""The history of an order, from its znode and from the log, oldest first."""

from collections.abc import Iterable, Iterator

import msgspec

from core.eventlog.query import Query, latest
from core.eventlog.ring import SourcedEntry
from core.schema.records import PAYMENT, Change, Payment
from core.store.orders import StoredOrder
from core.store.store import Store
from core.text.money import amount
from core.zookeeper.client import ZooKeeper

MOST_ENTRIES = 200


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """An event in the life of an order, `at` in Unix seconds; `who` is a process."""

    at: float
    who: str
    what: str
    text: str


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """An order's history; `whole` says that the log goes back far enough to have all of it."""

    order: str
    moments: tuple[Moment, ...]
    whole: bool


async def timeline(zk: ZooKeeper, order_id: str) -> Timeline:
    """Returns the history of an order. Raises `NoSuchOrder`, `BadZnode`, `Unavailable`."""
    stored = await Store(zk).order(order_id)
    found = await latest(zk, Query(order=order_id), MOST_ENTRIES)
    moments = sorted([*of_order(stored), *_of_log(found.entries)], key=lambda each: each.at)
    return Timeline(order=order_id, moments=tuple(moments), whole=found.whole)


def of_order(stored: StoredOrder) -> Iterator[Moment]:
    """Yields what its znode tells."""
    order = stored.order
    made = "sold" if order.until is None else "held"
    text = f"{order.quantity} of {order.type} of {stored.event} for {order.buyer}"
    yield Moment(
        at=order.at,
        who=_worker(order.batch),
        what=made,
        text=f"{text}; batch {order.batch}, zxid {stored.zxid}",
    )
    last = order.changes[-1].batch if order.changes else ""
    for change in order.changes:
        zxid = f", zxid {stored.changed_zxid}" if change.batch == last else ""
        yield Moment(
            at=change.at,
            who=_worker(change.batch),
            what=change.act,
            text=f"{_details(change, order.decimals)}batch {change.batch}{zxid}",
        )


def _details(change: Change, decimals: int) -> str:
    """Describes a change: its note or payment, and the counter that it moved."""
    note = f"{change.note}; " if change.note else ""
    by = f"by {change.by}; " if change.by else ""
    if change.payment is not None:
        note = f"{_paid(change.payment, decimals)}; "
    elif change.act == PAYMENT:
        note = "more payments than are recorded: see the log; "
    counter = f"stripe {change.stripe} to version {change.version}; " if change.version else ""
    return note + by + counter


def _paid(payment: Payment, decimals: int) -> str:
    sum_ = "" if payment.amount is None else f" of {amount(payment.amount, decimals)}"
    end = f"counts for nothing: {payment.refused}" if payment.refused else "counts"
    return f"payment {payment.id}{sum_} {payment.currency}".rstrip() + f", {end}"


def _of_log(entries: Iterable[SourcedEntry]) -> Iterator[Moment]:
    for found in entries:
        entry = found.entry
        yield Moment(at=entry.at, who=found.source, what="log", text=f"{entry.event}: {entry.text}")


def _worker(batch: str) -> str:
    """Returns the name of the process that committed a batch."""
    return batch.partition(".")[0]
