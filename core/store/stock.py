"""Stock as ZooKeeper has it: a type's tickets, counted in stripes."""

from collections.abc import Iterable
from functools import reduce

import msgspec

from core.errors import NoSuchType
from core.schema import paths
from core.schema.records import Stock, TicketType, decode, encode
from core.zookeeper.client import Znode
from core.zookeeper.multi import SetData


# `TypeRef` and `StripeCounter` are structs for speed: each purchase makes or looks up several.
class TypeRef(msgspec.Struct, frozen=True):
    """A ticket type in one life of its event."""

    event: str
    generation: str
    type: str

    @property
    def path(self) -> str:
        return paths.type_(self.event, self.generation, self.type)


class StripeCounter(msgspec.Struct, frozen=True):
    """The stock of stripe `number`, with the version and the zxid at which it was read."""

    ref: TypeRef
    number: int
    stock: Stock
    version: int
    zxid: int = 0

    @property
    def path(self) -> str:
        return paths.counter(self.ref.event, self.ref.generation, self.ref.type, self.number)

    @property
    def operation(self) -> SetData:
        """Writes this stock in the place of that version."""
        return SetData(self.path, encode(self.stock), self.version)


class TypeStock(msgspec.Struct, frozen=True):
    """All stock of a type at one moment. `zxid` is that of its latest change."""

    ref: TypeRef
    type: TicketType
    type_version: int
    counters: tuple[StripeCounter, ...]

    @property
    def stock(self) -> Stock:
        return total(self.counters)

    @property
    def zxid(self) -> int:
        return max(counter.zxid for counter in self.counters)

    @property
    def versions(self) -> tuple[int, ...]:
        """The version of each stripe."""
        return tuple(counter.version for counter in self.counters)

    @property
    def path(self) -> str:
        """The znode to name when the stock is wrong: the counter, or the parent of several."""
        first = self.counters[0].path
        return first if len(self.counters) == 1 else paths.parent(first)


def total(counters: Iterable[StripeCounter]) -> Stock:
    """Adds the stock of counters up; nothing for none."""
    return reduce(Stock.__add__, (counter.stock for counter in counters), Stock(remaining=0))


def type_of(ref: TypeRef, znode: Znode | None) -> TicketType:
    if znode is None:
        raise _no_such_type(ref, ref.path)
    return decode(TicketType, znode.data, znode.path)


def counter_paths(ref: TypeRef, stripes: int) -> list[str]:
    return [paths.counter(ref.event, ref.generation, ref.type, each) for each in range(stripes)]


def counter_of(ref: TypeRef, number: int, path: str, znode: Znode | None) -> StripeCounter:
    if znode is None:
        raise _no_such_type(ref, path)
    stock = decode(Stock, znode.data, znode.path)
    return StripeCounter(ref, number, stock, znode.version, znode.modified_zxid)


def _no_such_type(ref: TypeRef, path: str) -> NoSuchType:
    return NoSuchType(f"event {ref.event!r} has no ticket type {ref.type!r}", path)
