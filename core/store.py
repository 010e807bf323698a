"""Events, stock and orders in ZooKeeper: no other module touches their znodes but `founding`.

A sale is one transaction: it checks the seller's registration, moves each counter on
from the version that was read, creates every order, and writes the log. Nothing else
ever changes a counter, except `reset`, by the same rule.
"""

import asyncio
import enum
import re
import secrets
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial, reduce

import msgspec

from core import paths
from core.errors import (
    Ambiguous,
    BadVersion,
    BadZnode,
    NodeExists,
    NoNode,
    NoSuchEvent,
    NoSuchOrder,
    NoSuchType,
    NotEmpty,
    Unavailable,
    ZooKeeperError,
)
from core.founding import found, limit, shares
from core.insist import insist
from core.models import (
    Event,
    HoldList,
    Order,
    OrderView,
    Stock,
    Tab,
    TicketType,
    decode,
    encode,
    view,
)
from core.transaction import Check, Create, Delete, Operation, SetData
from core.zk import Committed, Refused, Znode, ZooKeeper

ORDER_ID = re.compile(r"[0-9a-f]{32}")
# Orders are read page by page, a few pages ahead of who asks: never all in memory at once.
PAGE_ORDERS = 500
PAGES_AHEAD = 3
RESET_TRIES = 200
EDIT_TRIES = 20
SHELF_TRIES = 200
# Two for each worker of an instance: one to sell from, one to give tickets back.
STRIPES = 6
RECONNECT_S = 5.0

DEFAULT_TYPES = {"A": 4800, "B": 3200, "C": 2000}
DEFAULT_TITLE = "Opening night"


# These three are structs: each purchase makes or looks up some of them.
class TypeRef(msgspec.Struct, frozen=True):
    """A ticket type in one life of its event."""

    event: str
    generation: str
    type: str

    @property
    def path(self) -> str:
        return paths.type_(self.event, self.generation, self.type)


class Counter(msgspec.Struct, frozen=True):
    """What stripe `number` said, the version at which it said so, and the zxid that made it so."""

    ref: TypeRef
    number: int
    stock: Stock
    version: int
    zxid: int = 0

    @property
    def path(self) -> str:
        return paths.counter(self.ref.event, self.ref.generation, self.ref.type, self.number)


@dataclass(frozen=True)
class Shelf:
    """All stock of a type at one moment. `zxid` is that of its latest change."""

    ref: TypeRef
    type: TicketType
    type_version: int
    counters: tuple[Counter, ...]

    @property
    def stock(self) -> Stock:
        return reduce(Stock.__add__, (counter.stock for counter in self.counters))

    @property
    def zxid(self) -> int:
        return max(counter.zxid for counter in self.counters)

    @property
    def versions(self) -> tuple[int, ...]:
        """By stripe."""
        return tuple(counter.version for counter in self.counters)

    @property
    def path(self) -> str:
        """The znode to name when the stock is wrong: the counter, or the folder of several."""
        first = self.counters[0].path
        return first if len(self.counters) == 1 else paths.parent(first)


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


@dataclass(frozen=True)
class Batch:
    """Sales and changes that happen together or not at all.

    `counters` and `accounts` are as they are afterwards, with the version before. Sent twice,
    a batch can succeed once only: the first success moves the versions on.
    """

    id: str
    fence: str
    counters: tuple[Counter, ...]
    sales: tuple[Sale, ...] = ()
    amendments: tuple[Amendment, ...] = ()
    accounts: tuple[Account, ...] = ()
    held: tuple[Held, ...] = ()


class Failure(enum.Enum):
    """Why a batch did not happen."""

    FENCED = "the registration is gone"
    MOVED = "somebody else sold"
    GONE = "the event is gone"
    NO_BUCKET = "there is no place for an order"
    NO_SLOT = "there is no place for a list of holds"
    REPEATED = "an order exists already"
    LOG_LOST = "the log's ring is not as expected"


class StoredOrder(msgspec.Struct, frozen=True):
    """An order as ZooKeeper has it; `zxid` is that of the commit that made it.

    `version` and `changed_zxid` tell of its last change.
    """

    id: str
    event: str
    order: Order
    zxid: int
    generation: str = ""
    version: int = 0
    changed_zxid: int = 0

    @property
    def ref(self) -> TypeRef:
        return TypeRef(self.event, self.generation, self.order.type)

    @property
    def view(self) -> OrderView:
        return view(self.id, self.event, self.order, self.zxid)


class TypeAvailability(msgspec.Struct, frozen=True, kw_only=True):
    """P1 for one type: capacity = sold + held + remaining."""

    name: str
    label: str = ""
    colour: str = ""
    price: int
    capacity: int
    sold: int
    held: int
    remaining: int


class EventAvailability(msgspec.Struct, frozen=True, kw_only=True):
    """An event with what is left of each type; `as_of` in Unix seconds is the reader's to set."""

    name: str
    title: str
    currency: str
    opens_at: float | None
    closes_at: float | None
    types: tuple[TypeAvailability, ...]
    place: str = ""
    starts_at: float | None = None
    ends_at: float | None = None
    limit: int = 0
    hold_s: float = 300.0
    extensions: int = 2
    cancellable: bool = False


def event_availability(
    name: str, event: Event, types: tuple[TypeAvailability, ...]
) -> EventAvailability:
    return EventAvailability(
        name=name,
        title=event.title,
        currency=event.currency,
        opens_at=event.opens_at,
        closes_at=event.closes_at,
        types=types,
        place=event.place,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        limit=event.limit,
        hold_s=event.hold_s,
        extensions=event.extensions,
        cancellable=event.cancellable,
    )


class Store:
    """The tree's events, over one session."""

    def __init__(self, zk: ZooKeeper) -> None:
        self._zk = zk
        # It never changes while the type lives, and a new life has a new name.
        self._stripes: dict[TypeRef, int] = {}

    # --- reading ---------------------------------------------------------------------

    async def event_names(self) -> list[str]:
        return await self._below(paths.EVENTS)

    async def event(self, name: str) -> Event:
        """Raises `NoSuchEvent`, `BadZnode`, `Unavailable`."""
        znode = await self._zk.find(paths.event(name))
        if znode is None:
            raise NoSuchEvent(f"there is no event {name!r}")
        return decode(Event, znode.data, znode.path)

    async def type_names(self, name: str, event: Event) -> list[str]:
        return await self._below(paths.types(name, event.generation))

    async def counters(self, ref: TypeRef) -> tuple[Counter, ...]:
        """A type's stripes, each as it is when it is read.

        Raises `NoSuchType`, `BadZnode`, `Unavailable`.
        """
        if ref not in self._stripes:
            await self._type(ref)
        wanted = _counter_paths(ref, self._stripes[ref])
        found = zip(wanted, await self._zk.get_many(wanted), strict=True)
        return tuple(_counter(ref, number, *each) for number, each in enumerate(found))

    async def shelf(self, ref: TypeRef) -> Shelf:
        """A type's stock, all of it at one moment, in the middle of a sale as well.

        The versions that were read are checked in one transaction. Raises `NoSuchType`,
        `BadZnode`, `Unavailable`, and `BadVersion` when there was never a quiet moment.
        """
        for _ in range(SHELF_TRIES):
            type_, version = await self._type(ref)
            counters = await self.counters(ref)
            try:
                outcome = await self._zk.multi(
                    [
                        Check(ref.path, version),
                        *(Check(counter.path, counter.version) for counter in counters),
                    ]
                )
            except Ambiguous as error:  # a check changes nothing
                raise Unavailable(str(error)) from None
            if isinstance(outcome, Committed):
                return Shelf(ref, type_, version, counters)
        raise BadVersion(f"type {ref.type} is sold too fast to be read as a whole; try again")

    async def _type(self, ref: TypeRef) -> tuple[TicketType, int]:
        znode = await self._zk.find(ref.path)
        type_ = _type(ref, znode)
        self._stripes[ref] = type_.stripes
        return type_, znode.version if znode else 0

    async def availability(self, name: str) -> EventAvailability:
        """Raises `NoSuchEvent`, `NoSuchType`, `BadZnode`, `Unavailable`."""
        event = await self.event(name)
        names = await self.type_names(name, event)
        types = await self.availabilities([TypeRef(name, event.generation, each) for each in names])
        for wrong in types:
            if isinstance(wrong, Exception):
                raise wrong
        left = tuple(type_ for type_ in types if isinstance(type_, TypeAvailability))
        return event_availability(name, event, left)

    async def availabilities(
        self, refs: Sequence[TypeRef]
    ) -> list[TypeAvailability | NoSuchType | BadZnode]:
        """What is left of each type, or why nobody knows. Raises `Unavailable`."""
        types: dict[TypeRef, TicketType] = {}
        stocks: dict[TypeRef, Stock] = {}
        wrong: dict[TypeRef, NoSuchType | BadZnode] = {}
        for ref, znode in zip(
            refs, await self._zk.get_many([ref.path for ref in refs]), strict=True
        ):
            try:
                types[ref] = _type(ref, znode)
            except (NoSuchType, BadZnode) as error:
                wrong[ref] = error
        wanted = [
            (ref, path)
            for ref, type_ in types.items()
            for path in _counter_paths(ref, type_.stripes)
        ]
        found = await self._zk.get_many([path for _, path in wanted])
        for (ref, path), znode in zip(wanted, found, strict=True):
            try:
                stock = _counter(ref, 0, path, znode).stock
            except (NoSuchType, BadZnode) as error:
                wrong[ref] = error
            else:
                stocks[ref] = stocks[ref] + stock if ref in stocks else stock
        return [wrong.get(ref) or _left(ref, types[ref], stocks[ref]) for ref in refs]

    async def accounts(
        self, name: str, generation: str, buyer_ids: Iterable[str]
    ) -> dict[str, Account]:
        """What those buyers have, by id. Raises `BadZnode`, `Unavailable`."""
        wanted = {paths.tab(name, generation, buyer_id): buyer_id for buyer_id in buyer_ids}
        found = await self._zk.get_many(list(wanted))
        return {
            wanted[path]: _account(path, znode) for path, znode in zip(wanted, found, strict=True)
        }

    async def hold_slots(self, name: str, generation: str) -> list[int]:
        """The slots of time in which holds end, in order."""
        slots = await self._below(paths.holds(name, generation))
        return sorted(int(slot) for slot in slots if slot.isdecimal())

    async def hold_lists(self, name: str, generation: str, slot: int) -> dict[str, HoldList]:
        """The lists of one slot, by path. Raises `BadZnode`, `Unavailable`."""
        folder = paths.hold_slot(name, generation, slot)
        wanted = [f"{folder}/{batch}" for batch in await self._below(folder)]
        found = await self._zk.get_many(wanted)
        return {
            znode.path: decode(HoldList, znode.data, znode.path)
            for znode in found
            if znode is not None
        }

    async def make_slot(self, path: str) -> None:
        """Makes the folder in which a list of holds is to stand."""
        slot = paths.parent(path)
        await self._zk.ensure(paths.parent(slot), slot)

    async def forget_holds(self, lists: Sequence[str], slot: str) -> None:
        """Deletes lists that nobody needs any more, and their slot once it is empty."""
        for path in [*lists, slot]:
            with suppress(NoNode, NotEmpty):
                await self._zk.delete(path)

    async def events(self) -> dict[str, Event]:
        """Every event, by name. Raises `BadZnode`, `Unavailable`."""
        names = await self.event_names()
        found = await self._zk.get_many([paths.event(name) for name in names])
        return {
            name: decode(Event, znode.data, znode.path)
            for name, znode in zip(names, found, strict=True)
            if znode is not None
        }

    async def order(self, order_id: str) -> StoredOrder:
        """An order of any event. Raises `NoSuchOrder`, `BadZnode`, `Unavailable`."""
        found = await self.locate([order_id], await self.events())
        if order_id not in found:
            raise NoSuchOrder(f"there is no order {order_id}")
        return found[order_id]

    async def locate(
        self, order_ids: Iterable[str], events: Mapping[str, Event]
    ) -> dict[str, StoredOrder]:
        """Those of the orders that exist in one of these events, by id.

        Raises `BadZnode`, `Unavailable`.
        """
        wanted = {
            paths.order(name, event.generation, order_id): name
            for order_id in order_ids
            for name, event in events.items()
        }
        found = await self._zk.get_many(list(wanted))
        orders = [_stored(wanted[znode.path], znode) for znode in found if znode is not None]
        return {order.id: order for order in orders}

    async def find_order(self, name: str, generation: str, order_id: str) -> StoredOrder | None:
        znode = await self._zk.find(paths.order(name, generation, order_id))
        return _stored(name, znode) if znode else None

    async def find_orders(
        self, name: str, generation: str, order_ids: Iterable[str]
    ) -> dict[str, StoredOrder]:
        """Those of the orders that exist, by id. Raises `BadZnode`, `Unavailable`."""
        wanted = [paths.order(name, generation, order_id) for order_id in order_ids]
        found = await self._zk.get_many(wanted)
        orders = [_stored(name, znode) for znode in found if znode is not None]
        return {order.id: order for order in orders}

    async def find_sales(self, sales: Sequence[Sale]) -> list[StoredOrder | BadZnode | None]:
        """What stands where each of those orders was made. Raises `Unavailable`."""
        found = await self._zk.get_many([sale.path for sale in sales])
        return [
            _stored_or_bad(sale.ref.event, znode) if znode else None
            for sale, znode in zip(sales, found, strict=True)
        ]

    async def retired(self) -> frozenset[str]:
        """The generations whose orders an operator has deleted. Raises `Unavailable`."""
        return frozenset(await self._below(paths.RETIRED))

    async def orders(self, name: str, generation: str) -> AsyncGenerator[StoredOrder, None]:
        """Every order of an event's life, bucket by bucket; it outlasts a change of the leader.

        Raises `BadZnode`, `Unavailable`.
        """
        pages: deque[asyncio.Task[dict[str, StoredOrder]]] = deque()
        try:
            async for ids in self._order_ids(name, generation):
                read = partial(self.find_orders, name, generation, ids)
                pages.append(asyncio.create_task(insist(self._zk, read)))
                if len(pages) > PAGES_AHEAD:
                    for order in (await pages.popleft()).values():
                        yield order
            while pages:
                for order in (await pages.popleft()).values():
                    yield order
        finally:
            for page in pages:
                page.cancel()
            await asyncio.gather(*pages, return_exceptions=True)

    async def _order_ids(self, name: str, generation: str) -> AsyncIterator[Sequence[str]]:
        """The ids of every order, a page at a time. Raises `BadZnode`, `Unavailable`."""
        for bucket in paths.BUCKETS:
            path = paths.bucket(name, generation, bucket)
            try:
                ids = await insist(self._zk, partial(self._zk.children, path))
            except NoNode:
                raise BadZnode(path, "the bucket is missing") from None
            for order_id in ids:
                if not (ORDER_ID.fullmatch(order_id) and order_id.startswith(bucket)):
                    why = "no order of that name belongs into this bucket"
                    raise BadZnode(f"{path}/{order_id}", why)
            for page in _chunks(ids, PAGE_ORDERS):
                yield page

    # --- selling ---------------------------------------------------------------------

    async def commit(self, batch: Batch, log: Sequence[Operation] = ()) -> Committed | Failure:
        """One transaction. Raises `Ambiguous`, and `Unavailable` where nothing was sent."""
        parts = _parts(batch, log)
        outcome = await self._zk.multi([each for part in parts.values() for each in part])
        return outcome if isinstance(outcome, Committed) else _failure(parts, outcome)

    async def happened(self, batch: Batch) -> int:
        """The zxid of a batch that is there, 0 for one that is not.

        True only on the session whose write of the same batch has just been refused: it has
        seen all that came before. Raises `BadZnode`, `Unavailable`.
        """
        first = batch.sales[0] if batch.sales else batch.amendments[0]
        found = await self.find_order(first.ref.event, first.ref.generation, first.order_id)
        if found is None:
            return 0
        if found.order.batch == batch.id:
            return found.zxid
        changed = any(change.batch == batch.id for change in found.order.changes)
        return found.changed_zxid if changed else 0

    async def has_bucket(self, sale: Sale) -> bool:
        return await self._zk.find(paths.parent(sale.path)) is not None

    # --- administration --------------------------------------------------------------

    async def create_event(
        self, name: str, title: str, types: Mapping[str, TicketType], currency: str = "EUR"
    ) -> bool:
        """Makes an event with its stock; False where it exists. Nobody sells half of one.

        Raises `BadZnode`, `Ambiguous`, `Unavailable`.
        """
        event = Event(generation=secrets.token_hex(4), title=title, currency=currency)
        return await found(self._zk, name, event, types)

    async def edit_event(self, name: str, change: Callable[[Event], Event]) -> Event:
        """The event as it is after `change`, which may be asked several times.

        Room for the buyers' tabs is there before a limit is. Raises `NoSuchEvent`, `BadZnode`,
        `Unavailable`, what `change` raises, and `Ambiguous` when ZooKeeper gives no answer.
        """
        for _ in range(EDIT_TRIES):
            znode = await self._zk.find(paths.event(name))
            if znode is None:
                raise NoSuchEvent(f"there is no event {name!r}")
            before = decode(Event, znode.data, znode.path)
            after = change(before)
            if after == before:
                return before
            if after.limit and not before.limit:
                await limit(self._zk, name, before.generation)
            try:
                await self._zk.set(znode.path, encode(after), znode.version)
            except (BadVersion, NoNode):
                continue
            except Ambiguous:  # read again: there it stands, or it can be set again
                await self._zk.wait_connected(RECONNECT_S)
                continue
            return after
        raise Ambiguous(f"event {name!r} could not be changed for sure; look at it, then repeat")

    async def create_default_event(self, quantity: int, stripes: int = STRIPES) -> bool:
        """The event that `up` sells when there is none: types A, B and C."""
        types = {
            name: TicketType(capacity=quantity, price=price, stripes=stripes)
            for name, price in DEFAULT_TYPES.items()
        }
        return await self.create_event("default", DEFAULT_TITLE, types)

    async def reset(self, ref: TypeRef, remaining: int) -> Stock:
        """Puts `remaining` tickets on sale; what is sold and held stays on record.

        Raises `NoSuchType`, `BadZnode`, `Unavailable`, `Ambiguous`; `BadVersion` when sales
        never let it in.
        """
        for _ in range(RESET_TRIES):
            type_, version = await self._type(ref)
            before = await self.counters(ref)
            split = shares(remaining, type_.stripes)
            after = [
                msgspec.structs.replace(counter.stock, remaining=share)
                for counter, share in zip(before, split, strict=True)
            ]
            stock = reduce(Stock.__add__, after)
            resized = msgspec.structs.replace(type_, capacity=stock.capacity)
            resize = SetData(ref.path, encode(resized), version)
            recount = [
                SetData(counter.path, encode(share), counter.version)
                for counter, share in zip(before, after, strict=True)
            ]
            if await self._happens(recount, resize):
                return stock
        raise BadVersion(f"type {ref.type} was sold from faster than it could be reset; try again")

    async def _happens(self, recount: Sequence[SetData], resize: SetData) -> bool:
        """Commits all, or nothing. A lost answer is resolved as a sale's is: sent again, the
        same can't happen twice, and only a reset changes the type's own znode.
        """
        for attempt in range(RESET_TRIES):
            try:
                outcome = await self._zk.multi([*recount, resize])
            except Ambiguous:
                await self._zk.wait_connected(RECONNECT_S)
                continue
            if isinstance(outcome, Refused) and attempt:
                now = await self._zk.find(resize.path)
                return now is not None and (now.version, now.data) == (
                    resize.version + 1,
                    resize.data,
                )
            return isinstance(outcome, Committed)
        raise Ambiguous("ZooKeeper gives no definite answer; look at `status` before repeating")

    async def counter_paths(self, name: str) -> list[str]:
        """The paths of an event's counters in all of its lives, whatever they hold."""
        found = []
        for generation in await self._below(paths.event(name)):
            for type_ in await self._below(paths.types(name, generation)):
                stock = paths.stock(name, generation, type_)
                found += [f"{stock}/{number}" for number in await self._below(stock)]
        return found

    async def close(self, counters: Sequence[str], generations: Iterable[str] = ()) -> None:
        """Deletes counters in one transaction: a sale has to set one, so none commits after it.

        The generations whose orders go as well are noted as retired.
        Raises `NoNode` where one is gone already, `Ambiguous`, `Unavailable`.
        """
        await self._zk.ensure(paths.RETIRED)
        retired = sorted(set(generations) - await self.retired())
        outcome = await self._zk.multi(
            [
                *(Delete(path) for path in counters),
                *(Create(paths.retired(generation)) for generation in retired),
            ]
        )
        if isinstance(outcome, Refused):
            raise outcome.error

    async def _below(self, path: str) -> list[str]:
        try:
            return await self._zk.children(path)
        except NoNode:
            return []


def _stored(event: str, znode: Znode) -> StoredOrder:
    order = decode(Order, znode.data, znode.path)
    return StoredOrder(
        paths.name(znode.path),
        event,
        order,
        znode.created_zxid,
        paths.generation_of(znode.path),
        znode.version,
        znode.modified_zxid,
    )


def _stored_or_bad(event: str, znode: Znode) -> StoredOrder | BadZnode:
    try:
        return _stored(event, znode)
    except BadZnode as error:
        return error


def _account(path: str, znode: Znode | None) -> Account:
    if znode is None:
        return Account(path, Tab(tickets=0))
    return Account(path, decode(Tab, znode.data, path), znode.version)


class _Part(enum.Enum):
    """What a transaction of `Store.commit` is made of."""

    FENCE = enum.auto()
    COUNTERS = enum.auto()
    ACCOUNTS = enum.auto()
    AMENDMENTS = enum.auto()
    SALES = enum.auto()
    HELD = enum.auto()
    LOG = enum.auto()


# Which failure each error means. Whatever stands nowhere is raised.
_FAILURES: dict[tuple[_Part, type[ZooKeeperError]], Failure] = {
    (_Part.FENCE, NoNode): Failure.FENCED,
    (_Part.COUNTERS, BadVersion): Failure.MOVED,
    (_Part.COUNTERS, NoNode): Failure.GONE,
    (_Part.ACCOUNTS, BadVersion): Failure.MOVED,
    (_Part.ACCOUNTS, NodeExists): Failure.MOVED,
    (_Part.ACCOUNTS, NoNode): Failure.GONE,
    (_Part.AMENDMENTS, BadVersion): Failure.MOVED,
    (_Part.AMENDMENTS, NoNode): Failure.GONE,
    (_Part.SALES, NodeExists): Failure.REPEATED,
    (_Part.SALES, NoNode): Failure.NO_BUCKET,
    (_Part.HELD, NoNode): Failure.NO_SLOT,
}


def _parts(batch: Batch, log: Sequence[Operation]) -> dict[_Part, Sequence[Operation]]:
    """The operations of a batch, in their order."""
    return {
        _Part.FENCE: [Check(batch.fence)] if batch.fence else [],
        _Part.COUNTERS: [
            SetData(counter.path, encode(counter.stock), counter.version)
            for counter in batch.counters
        ],
        _Part.ACCOUNTS: [account.operation for account in batch.accounts],
        _Part.AMENDMENTS: [
            SetData(each.path, encode(each.order), each.version) for each in batch.amendments
        ],
        _Part.SALES: [Create(sale.path, encode(sale.order)) for sale in batch.sales],
        _Part.HELD: [Create(held.path, encode(held.orders)) for held in batch.held],
        _Part.LOG: log,
    }


def _failure(parts: Mapping[_Part, Sequence[Operation]], refused: Refused) -> Failure:
    """What the operation that failed means."""
    of_each = [part for part, operations in parts.items() for _ in operations]
    part = of_each[refused.index]
    if part is _Part.LOG:
        return Failure.LOG_LOST
    failure = _FAILURES.get((part, type(refused.error)))
    if failure is None:
        raise refused.error
    return failure


def _type(ref: TypeRef, znode: Znode | None) -> TicketType:
    if znode is None:
        raise _no_such_type(ref, ref.path)
    return decode(TicketType, znode.data, znode.path)


def _counter_paths(ref: TypeRef, stripes: int) -> list[str]:
    return [paths.counter(ref.event, ref.generation, ref.type, each) for each in range(stripes)]


def _counter(ref: TypeRef, number: int, path: str, znode: Znode | None) -> Counter:
    if znode is None:
        raise _no_such_type(ref, path)
    stock = decode(Stock, znode.data, znode.path)
    return Counter(ref, number, stock, znode.version, znode.modified_zxid)


def _left(ref: TypeRef, type_: TicketType, stock: Stock) -> TypeAvailability:
    # The stripes are not read at one moment, and stock moves between them: of the three the
    # rest follows from the capacity, and none is below nothing.
    sold, held = max(0, stock.sold), max(0, stock.held)
    return TypeAvailability(
        name=ref.type,
        label=type_.label,
        colour=type_.colour,
        price=type_.price,
        capacity=type_.capacity,
        sold=sold,
        held=held,
        remaining=max(0, type_.capacity - sold - held),
    )


def _no_such_type(ref: TypeRef, path: str) -> NoSuchType:
    return NoSuchType(f"event {ref.event!r} has no ticket type {ref.type!r}", path)


def _chunks(items: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (items[start : start + size] for start in range(0, len(items), size))
