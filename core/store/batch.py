"""A batch: sales and changes of orders that happen in one transaction, and how that can fail.

It checks the registration of who sends it, moves each counter on from the version that was
read, makes and changes every order, and writes the log.
"""

import enum
import itertools
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from core.errors import BadVersion, NodeExists, NoNode, ZooKeeperError
from core.schema import paths
from core.schema.records import HoldList, Order, PaymentClaim, Tab, encode
from core.store.stock import Counter, TypeRef
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


class Amendment(msgspec.Struct, frozen=True):
    """An order that exists, as it is to be, and the version at which it was read."""

    ref: TypeRef
    order_id: str
    order: Order
    version: int

    @property
    def path(self) -> str:
        return paths.order(self.ref.event, self.ref.generation, self.order_id)


class Account(msgspec.Struct, frozen=True):
    """What one buyer has of a limited event; `version` is -1 where nothing stands there yet."""

    path: str
    tab: Tab
    version: int = -1

    def add(self, tickets: int) -> "Account":
        # A limit that was set later has not seen what is given back.
        return msgspec.structs.replace(self, tab=Tab(tickets=max(0, self.tab.tickets + tickets)))

    @property
    def operation(self) -> Operation:
        if self.version < 0:
            return Create(self.path, encode(self.tab))
        return SetData(self.path, encode(self.tab), self.version)


class Held(msgspec.Struct, frozen=True):
    """Where the janitor will find orders that a batch holds."""

    path: str
    orders: HoldList


class Claim(msgspec.Struct, frozen=True):
    """Of an order to a payment: whoever makes it first has it."""

    path: str
    order_id: str

    @property
    def operation(self) -> Create:
        return Create(self.path, encode(PaymentClaim(order=self.order_id)))


@dataclass(frozen=True)
class Batch:
    """Sales and changes that happen together or not at all.

    `counters` and `accounts` are as they are afterwards, with the version before. Sent twice,
    a batch can succeed once only: the first success moves the versions on. `terms` are the events
    and types by which it was decided, as long as nobody has changed them.
    """

    id: str
    fence: str
    counters: tuple[Counter, ...]
    sales: tuple[Sale, ...] = ()
    amendments: tuple[Amendment, ...] = ()
    accounts: tuple[Account, ...] = ()
    held: tuple[Held, ...] = ()
    terms: tuple[Check, ...] = ()
    claims: tuple[Claim, ...] = ()


def batch_ids(source: str) -> Iterator[str]:
    """Ids for that source's batches, one after the other; no process before had one of them."""
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


class Part(enum.Enum):
    """What the transaction of a batch is made of."""

    FENCE = enum.auto()
    TERMS = enum.auto()
    COUNTERS = enum.auto()
    ACCOUNTS = enum.auto()
    CLAIMS = enum.auto()
    AMENDMENTS = enum.auto()
    SALES = enum.auto()
    HELD = enum.auto()
    LOG = enum.auto()


# Which failure each error means. Whatever stands nowhere is raised.
_FAILURES: dict[tuple[Part, type[ZooKeeperError]], Failure] = {
    (Part.FENCE, NoNode): Failure.FENCED,
    (Part.TERMS, BadVersion): Failure.TERMS,
    (Part.TERMS, NoNode): Failure.GONE,
    (Part.COUNTERS, BadVersion): Failure.MOVED,
    (Part.COUNTERS, NoNode): Failure.GONE,
    (Part.ACCOUNTS, BadVersion): Failure.MOVED,
    (Part.ACCOUNTS, NodeExists): Failure.MOVED,
    (Part.ACCOUNTS, NoNode): Failure.GONE,
    (Part.CLAIMS, NodeExists): Failure.MOVED,
    (Part.CLAIMS, NoNode): Failure.NO_CLAIMS,
    (Part.AMENDMENTS, BadVersion): Failure.MOVED,
    (Part.AMENDMENTS, NoNode): Failure.GONE,
    (Part.SALES, NodeExists): Failure.REPEATED,
    (Part.SALES, NoNode): Failure.NO_BUCKET,
    (Part.HELD, NoNode): Failure.NO_SLOT,
}


def parts_of(batch: Batch, log: Sequence[Operation]) -> dict[Part, Sequence[Operation]]:
    """The operations of a batch, in their order."""
    return {
        Part.FENCE: [Check(batch.fence)] if batch.fence else [],
        Part.TERMS: batch.terms,
        Part.COUNTERS: [
            SetData(counter.path, encode(counter.stock), counter.version)
            for counter in batch.counters
        ],
        Part.ACCOUNTS: [account.operation for account in batch.accounts],
        Part.CLAIMS: [claim.operation for claim in batch.claims],
        Part.AMENDMENTS: [
            SetData(each.path, encode(each.order), each.version) for each in batch.amendments
        ],
        Part.SALES: [Create(sale.path, encode(sale.order)) for sale in batch.sales],
        Part.HELD: [Create(held.path, encode(held.orders)) for held in batch.held],
        Part.LOG: log,
    }


def failure_of(parts: Mapping[Part, Sequence[Operation]], refused: Refused) -> Failure:
    """What the operation that failed means."""
    of_each = [part for part, operations in parts.items() for _ in operations]
    part = of_each[refused.index]
    if part is Part.LOG:
        return Failure.LOG_LOST
    failure = _FAILURES.get((part, type(refused.error)))
    if failure is None:
        raise refused.error
    return failure
