"""Reads events and their stock, and commits batches.

Besides this module only `orders`, `holds`, `core.events.create` and `core.events.edit` touch these
znodes. A sale is one transaction (`batch`). Nothing else changes a counter, except a reset and the
restoring of lost orders, by the same rule.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from core.errors import BadVersion, BadZnode, NoSuchEvent, NoSuchType
from core.schema import paths
from core.schema.order_number import typed_number
from core.schema.records import NAME, Event, PaymentClaim, Tab, TicketType, copied, decode
from core.store.availability import EventAvailability, TypeAvailability, type_availability
from core.store.batch import Account, Amendment, Batch, Failure, failure_of, parts_of
from core.store.holds import Holds
from core.store.orders import (
    StoredOrder,
    StoredOrders,
    no_such_order,
    only_one,
    order_id_of,
)
from core.store.stock import (
    StripeCounter,
    TypeRef,
    TypeStock,
    counter_of,
    counter_paths,
    total,
    type_of,
)
from core.zookeeper import lost_answers
from core.zookeeper.client import Committed, Znode, ZooKeeper
from core.zookeeper.multi import Check, Operation

QUIET_TRIES = 200
# How many events are named to somebody who mistyped a name.
NAMED = 20

T = TypeVar("T")


class Store:
    """Reads and changes a tree over one session."""

    def __init__(self, zk: ZooKeeper) -> None:
        self._zk = zk
        self.orders = StoredOrders(zk)
        self.holds = Holds(zk)
        # The number never changes while the type lives, and a new life has a new name.
        self._stripes: dict[TypeRef, int] = {}

    # --- events ----------------------------------------------------------------------

    async def event_names(self) -> list[str]:
        return await self._zk.below(paths.EVENTS)

    async def event(self, name: str) -> Event:
        """Reads an event. Raises `NoSuchEvent`, `BadZnode`, `Unavailable`."""
        return (await self.event_at(name))[0]

    async def event_at(self, name: str) -> tuple[Event, int]:
        """Returns the event, and the version of its znode. Raises as `event`."""
        znode = await self._zk.find(paths.event(name)) if NAME.fullmatch(name) else None
        if znode is None:
            raise NoSuchEvent(f"there is no event {name!r}")
        return decode(Event, znode.data, znode.path), znode.version

    async def no_such_event(self, name: str) -> NoSuchEvent:
        """Makes an error that names the events that there are. Raises `Unavailable`."""
        names = await self.event_names()
        known = ", ".join(names[:NAMED]) or "none"
        more = f", and {len(names) - NAMED} more" if len(names) > NAMED else ""
        return NoSuchEvent(f"there is no event {name!r}; the events are: {known}{more}")

    async def events(self) -> dict[str, Event | BadZnode]:
        """Returns every event, by name, or why it can't be read. Raises `Unavailable`."""
        names = await self.event_names()
        found = await self._zk.get_many([paths.event(name) for name in names])
        return {
            name: _event_or_bad(znode)
            for name, znode in zip(names, found, strict=True)
            if znode is not None
        }

    async def type_names(self, name: str, event: Event) -> list[str]:
        return await self._zk.below(paths.types(name, event.generation))

    async def availability(self, name: str) -> EventAvailability:
        """Returns what is left. Raises `NoSuchEvent`, `NoSuchType`, `BadZnode`, `Unavailable`."""
        found, wrong = await self.readable_availability(name)
        for error in wrong:
            raise error
        return found

    async def readable_availability(
        self, name: str
    ) -> tuple[EventAvailability, list[NoSuchType | BadZnode]]:
        """Returns what is left of an event, and why some of its types can't be read.

        Raises `NoSuchEvent`, `BadZnode`, `Unavailable`.
        """
        event = await self.event(name)
        names = await self.type_names(name, event)
        types = await self.availabilities([TypeRef(name, event.generation, each) for each in names])
        left = [each for each in types if isinstance(each, TypeAvailability)]
        left.sort(key=lambda each: (each.position, each.name))
        wrong = [each for each in types if not isinstance(each, TypeAvailability)]
        return copied(EventAvailability, event, name=name, types=tuple(left)), wrong

    # --- stock -----------------------------------------------------------------------

    async def counters(self, ref: TypeRef) -> tuple[StripeCounter, ...]:
        """Returns a type's stripes, each as it is when it is read.

        Raises `NoSuchType`, `BadZnode`, `Unavailable`.
        """
        if ref not in self._stripes:
            await self.ticket_type(ref)
        wanted = counter_paths(ref, self._stripes[ref])
        found = zip(wanted, await self._zk.get_many(wanted), strict=True)
        return tuple(counter_of(ref, number, *each) for number, each in enumerate(found))

    async def type_stock(self, ref: TypeRef) -> TypeStock:
        """Returns a type's stock, all of it at one moment, even in the middle of a sale.

        The versions that were read are checked in one transaction. Raises `NoSuchType`,
        `BadZnode`, `Unavailable`, and `BadVersion` when there was never a quiet moment.
        """
        for _ in range(QUIET_TRIES):
            type_, version = await self.ticket_type(ref)
            counters = await self.counters(ref)
            unchanged = [Check(each.path, each.version) for each in counters]
            if await lost_answers.check(self._zk, [Check(ref.path, version), *unchanged]):
                return TypeStock(ref, type_, version, counters)
        raise BadVersion(f"type {ref.type} is sold too fast to be read as a whole; try again")

    async def ticket_type(self, ref: TypeRef) -> tuple[TicketType, int]:
        znode = await self._zk.find(ref.path)
        type_ = type_of(ref, znode)
        self._stripes[ref] = type_.stripes
        return type_, znode.version if znode else 0

    async def availabilities(
        self, refs: Sequence[TypeRef]
    ) -> list[TypeAvailability | NoSuchType | BadZnode]:
        """Returns what is left of each type, or why it can't be read. Raises `Unavailable`."""
        znodes = await self._zk.get_many([ref.path for ref in refs])
        types = [_tried(type_of, ref, znode) for ref, znode in zip(refs, znodes, strict=True)]
        wanted = [
            counter_paths(ref, type_.stripes) if isinstance(type_, TicketType) else []
            for ref, type_ in zip(refs, types, strict=True)
        ]
        found = iter(await self._zk.get_many([path for some in wanted for path in some]))
        counters = [[(path, next(found)) for path in some] for some in wanted]
        return [
            _tried(_left, ref, type_, those) if isinstance(type_, TicketType) else type_
            for ref, type_, those in zip(refs, types, counters, strict=True)
        ]

    # --- orders, buyers, past lives --------------------------------------------------

    async def order(self, order_id: str) -> StoredOrder:
        """Returns an order of any event. Raises `NoSuchOrder`, `BadZnode`, `Unavailable`."""
        found = await self.orders.locate([order_id], await self.events())
        if order_id not in found:
            raise no_such_order(order_id)
        return found[order_id]

    async def order_of(self, text: str, ticket_key: bytes) -> StoredOrder:
        """Returns the order of an id, a ticket's address, a number or a code, of any event.

        Raises `NoSuchOrder`, `AmbiguousNumber`, `BadZnode`, `Unavailable`.
        """
        typed = typed_number(text)
        if typed is None:
            return await self.order(order_id_of(text))
        found = await self.orders.numbered(typed, ticket_key, await self.events())
        return only_one(found, typed.number)

    async def accounts(
        self, name: str, generation: str, buyer_ids: Iterable[str]
    ) -> dict[str, Account]:
        """Returns the accounts of those buyers, by id. Raises `BadZnode`, `Unavailable`."""
        wanted = {paths.tab(name, generation, buyer_id): buyer_id for buyer_id in buyer_ids}
        found = await self._zk.get_many(list(wanted))
        return {
            wanted[path]: _account(path, znode) for path, znode in zip(wanted, found, strict=True)
        }

    async def claims(self, keys: Iterable[str]) -> dict[str, str]:
        """Returns the order that each of those payments first came in for, by key, if any.

        Raises `BadZnode`, `Unavailable`.
        """
        znodes = await self._zk.get_many([paths.payment(key) for key in keys])
        return {
            paths.name(znode.path): decode(PaymentClaim, znode.data, znode.path).order
            for znode in znodes
            if znode is not None
        }

    async def retired(self) -> frozenset[str]:
        """Returns the generations whose orders an operator has deleted. Raises `Unavailable`."""
        return frozenset(await self._zk.below(paths.RETIRED))

    # --- selling ---------------------------------------------------------------------

    async def commit(self, batch: Batch, log: Sequence[Operation] = ()) -> Committed | Failure:
        """Commits in one transaction. Raises `Ambiguous`; `Unavailable` where nothing was sent."""
        parts = parts_of(batch, log)
        outcome = await self._zk.multi([each for part in parts.values() for each in part])
        return outcome if isinstance(outcome, Committed) else failure_of(parts, outcome)

    async def happened(self, batch: Batch) -> Committed | None:
        """Returns the commit of a batch, if it happened; its zxid is 0 where it is not known.

        Call it only on the session whose write of the same batch has just been refused: that has
        seen all that came before. Raises `BadZnode`, `Unavailable`.
        """
        first = batch.sales[0] if batch.sales else batch.amendments[0]
        found = await self.orders.find(first.ref.event, first.ref.generation, first.order_id)
        if found is None:
            return None
        if found.order.batch == batch.id:
            return Committed(found.zxid)
        if all(change.batch != batch.id for change in found.order.changes):
            return None
        return Committed(await self._zxid_of(batch))

    async def _zxid_of(self, batch: Batch) -> int:
        """Returns the zxid of what a batch has changed, unless all has changed again."""
        written: Iterable[Amendment | StripeCounter] = (*batch.amendments, *batch.counters)
        versions = {each.path: each.version + 1 for each in written}
        for znode in await self._zk.get_many(list(versions)):
            if znode is not None and znode.version == versions[znode.path]:
                return znode.modified_zxid
        return 0


def _event_or_bad(znode: Znode) -> Event | BadZnode:
    try:
        return decode(Event, znode.data, znode.path)
    except BadZnode as error:
        return error


def _tried(read: Callable[..., T], *args: Any) -> T | NoSuchType | BadZnode:
    """Returns what `read` returns, or why that can't be read."""
    try:
        return read(*args)
    except (NoSuchType, BadZnode) as error:
        return error


def _left(
    ref: TypeRef, type_: TicketType, counters: Iterable[tuple[str, Znode | None]]
) -> TypeAvailability:
    stock = total(counter_of(ref, 0, *each) for each in counters)
    return type_availability(ref.type, type_, stock)


def _account(path: str, znode: Znode | None) -> Account:
    if znode is None:
        return Account(path, Tab(tickets=0))
    return Account(path, decode(Tab, znode.data, path), znode.version)
