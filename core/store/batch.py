"""A batch: sales and changes of orders in one transaction, and how that can fail.

It checks the registration of who sends it, moves each counter on from the version that was
read, makes and changes every order, and writes the log.
"""

import enum
import itertools
import secrets
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from core.errors import BadVersion, NodeExists, NoNode, ZooKeeperError
from core.schema import paths
from core.schema.records import HoldList, Order, PaymentClaim, Tab, encode
from core.store.stock import StripeCounter, TypeRef
from core.zookeeper.client import Refused
from core.zookeeper.multi import Check, Create, Operation, SetData


class Sale(msgspec.Struct, frozen=True):
    """An order to be made."""

    ref: TypeRef
    order_id: str
    order: Order

    @property
    def path(self) -> str:
        return paths.order(self.ref.event, self.ref.generation, self.order_id)


class Amendment(Sale, frozen=True):
    """An order that exists, as it will be, and the version at which it was read."""

    version: int


class Account(msgspec.Struct, frozen=True):
    """A buyer's tickets of a limited event; `version` is -1 where there is no znode yet."""

    path: str
    tab: Tab
    version: int = -1

    def add(self, tickets: int) -> "Account":
        # Where a limit was set later, more may be given back than was ever counted.
        return msgspec.structs.replace(self, tab=Tab(tickets=max(0, self.tab.tickets + tickets)))

    @property
    def operation(self) -> Operation:
        if self.version < 0:
            return Create(self.path, encode(self.tab))
        return SetData(self.path, encode(self.tab), self.version)


class Held(msgspec.Struct, frozen=True):
    """The list in which the janitor will find the holds of a batch."""

    path: str
    orders: HoldList


class ClaimedPayment(msgspec.Struct, frozen=True):
    """A payment as that of one order: the first transaction to make it has it."""

    path: str
    order_id: str

    @property
    def operation(self) -> Create:
        return Create(self.path, encode(PaymentClaim(order=self.order_id)))


class Batch(msgspec.Struct, frozen=True):
    """Sales and changes that happen together or not at all.

    `counters` and `accounts` are as they are afterwards, with the version before. Sent twice,
    a batch can succeed once only: the first success moves the versions on. `terms` are the events
    and types by which it was decided, as long as nobody has changed them.
    """

    id: str
    fence: str
    counters: tuple[StripeCounter, ...]
    sales: tuple[Sale, ...] = ()
    amendments: tuple[Amendment, ...] = ()
    accounts: tuple[Account, ...] = ()
    held: tuple[Held, ...] = ()
    terms: tuple[Check, ...] = ()
    claims: tuple[ClaimedPayment, ...] = ()


def batch_ids(source: str) -> Iterator[str]:
    """Yields ids for the batches of a source, none of which any earlier process has used."""
    life = secrets.token_hex(4)
    return (f"{source}.{life}.{number}" for number in itertools.count(1))


class Failure(enum.Enum):
    """Why a batch did not happen."""

    FENCED = "the registration is gone"
    TERMS = "the terms have changed"
    MOVED = "somebody else sold"
    GONE = "the event is gone"
    NO_BUCKET = "there is no place for an order"
    NO_SLOT = "there is no place for a list of holds"
    NO_CLAIMS = "there is no place for a payment"
    REPEATED = "an order exists already"
    LOG_LOST = "the log's ring is not as expected"


class BatchPart(enum.Enum):
    """The parts of a batch's transaction."""

    FENCE = enum.auto()
    TERMS = enum.auto()
    COUNTERS = enum.auto()
    ACCOUNTS = enum.auto()
    CLAIMS = enum.auto()
    AMENDMENTS = enum.auto()
    SALES = enum.auto()
    HELD = enum.auto()
    LOG = enum.auto()


# What each error means; other errors are raised.
_FAILURES: dict[tuple[BatchPart, type[ZooKeeperError]], Failure] = {
    (BatchPart.FENCE, NoNode): Failure.FENCED,
    (BatchPart.TERMS, BadVersion): Failure.TERMS,
    (BatchPart.TERMS, NoNode): Failure.GONE,
    (BatchPart.COUNTERS, BadVersion): Failure.MOVED,
    (BatchPart.COUNTERS, NoNode): Failure.GONE,
    (BatchPart.ACCOUNTS, BadVersion): Failure.MOVED,
    (BatchPart.ACCOUNTS, NodeExists): Failure.MOVED,
    (BatchPart.ACCOUNTS, NoNode): Failure.GONE,
    (BatchPart.CLAIMS, NodeExists): Failure.MOVED,
    (BatchPart.CLAIMS, NoNode): Failure.NO_CLAIMS,
    (BatchPart.AMENDMENTS, BadVersion): Failure.MOVED,
    (BatchPart.AMENDMENTS, NoNode): Failure.GONE,
    (BatchPart.SALES, NodeExists): Failure.REPEATED,
    (BatchPart.SALES, NoNode): Failure.NO_BUCKET,
    (BatchPart.HELD, NoNode): Failure.NO_SLOT,
}


def parts_of(batch: Batch, log: Sequence[Operation]) -> dict[BatchPart, Sequence[Operation]]:
    """The operations of a batch, in their order."""
    return {
        BatchPart.FENCE: [Check(batch.fence)] if batch.fence else [],
        BatchPart.TERMS: batch.terms,
        BatchPart.COUNTERS: [
            SetData(counter.path, encode(counter.stock), counter.version)
            for counter in batch.counters
        ],
        BatchPart.ACCOUNTS: [account.operation for account in batch.accounts],
        BatchPart.CLAIMS: [claim.operation for claim in batch.claims],
        BatchPart.AMENDMENTS: [
            SetData(each.path, encode(each.order), each.version) for each in batch.amendments
        ],
        BatchPart.SALES: [Create(sale.path, encode(sale.order)) for sale in batch.sales],
        BatchPart.HELD: [Create(held.path, encode(held.orders)) for held in batch.held],
        BatchPart.LOG: log,
    }


def failure_of(parts: Mapping[BatchPart, Sequence[Operation]], refused: Refused) -> Failure:
    """Returns what the failed operation means."""
    of_each = [part for part, operations in parts.items() for _ in operations]
    part = of_each[refused.index]
    if part is BatchPart.LOG:
        return Failure.LOG_LOST
    failure = _FAILURES.get((part, type(refused.error)))
    if failure is None:
        raise refused.error
    return failure
