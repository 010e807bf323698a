"""Makes, changes, resets and closes events in ZooKeeper."""

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from core.errors import (
    BadVersion,
    NodeExists,
    NoNode,
    WrongTerm,
    ZkticketError,
)
from core.events.create import create_event, of_type, shares, tabs
from core.schema import paths
from core.schema.records import Event, Stock, TicketType, encode
from core.store.stock import StripeCounter, TypeRef, total
from core.store.store import Store
from core.store.stripes import STRIPES
from core.zookeeper import lost_answers
from core.zookeeper.client import ZooKeeper
from core.zookeeper.multi import Check, Create, Delete, Operation, SetData

EDIT_TRIES = 200
# A change of the currency checks all counters in one transaction, which stays under jute.maxbuffer.
MOST_CHECKED = 4000

DEFAULT_TYPES = {"A": 4800, "B": 3200, "C": 2000}
DEFAULT_TITLE = "Opening night"


# Makes a new type from the event, the type and its stock; may raise `ZkticketError`.
ChangeType: TypeAlias = Callable[[Event, TicketType, Stock], TicketType]
NO_TYPES: Mapping[str, ChangeType] = MappingProxyType({})
# Makes a type that is yet to be there, from its event; may raise `ZkticketError`.
MakeType: TypeAlias = Callable[[Event], TicketType]
NO_NEW_TYPES: Mapping[str, MakeType] = MappingProxyType({})


class Edited(msgspec.Struct, frozen=True):
    """An event after a change, and the stock of each type that was to be changed, by name."""

    event: Event
    stock: Mapping[str, Stock]


class EventManager:
    """Changes whole events, over one session."""

    def __init__(self, zk: ZooKeeper) -> None:
        self._zk = zk
        self._store = Store(zk)

    async def create_event(self, name: str, title: str, types: Mapping[str, TicketType]) -> bool:
        """Makes an event with its stock; returns False where it exists. Nobody sells half of one.

        Raises `BadZnode`, `Ambiguous`, `Unavailable`.
        """
        event = Event(generation=secrets.token_hex(4), title=title)
        return await create_event(self._zk, name, event, types)

    async def create_default_event(self, quantity: int, stripes: int = STRIPES) -> bool:
        """Makes the event that `up` sells when there is none: types A, B and C."""
        types = {
            name: TicketType(capacity=quantity, price=price, stripes=stripes)
            for name, price in DEFAULT_TYPES.items()
        }
        return await self.create_event("default", DEFAULT_TITLE, types)

    async def edit(
        self,
        name: str,
        change: Callable[[Event], Event] = lambda event: event,
        types: Mapping[str, ChangeType] = NO_TYPES,
        added: Mapping[str, MakeType] = NO_NEW_TYPES,
        removed: Collection[str] = (),
    ) -> Edited:
        """Changes an event and types of it, all in one transaction with the stock it rests on.

        New types stand after the others; only types that nobody ever bought can be removed.
        All changes may be called several times. Raises `NoSuchEvent`, `NoSuchType`, `BadZnode`,
        `Unavailable`, what is raised by the changes, `BadVersion` when sales never let it in, and
        `Ambiguous` when ZooKeeper gives no answer.
        """
        for _ in range(EDIT_TRIES):
            before, version = await self._store.event_at(name)
            after = change(before)
            if after != before:
                after = replace(after, revision=before.revision + 1)
            refs = [TypeRef(name, before.generation, each) for each in types]
            changed = {
                ref.type: await self._retyped(ref, partial(types[ref.type], after)) for ref in refs
            }
            operations = [each for _, part in changed.values() for each in part]
            if added or removed:
                operations += await self._with_other_types(name, after, added, removed)
            if after != before or added or removed:
                # It is written for other types as well: workers read the event again.
                operations = [SetData(paths.event(name), encode(after), version), *operations]
                operations += await self._needed_by(name, before, after)
            if not operations or await self._happens(operations):
                return Edited(after, {each: stock for each, (stock, _) in changed.items()})
        raise BadVersion(f"event {name!r} was sold from faster than it could be changed; try again")

    async def resize(self, ref: TypeRef, capacity: Callable[[Stock], int]) -> Stock:
        """Gives a type the capacity that its stock asks for. Raises as `edit`."""
        edited = await self.edit(
            ref.event,
            types={ref.type: lambda _event, type_, stock: replace(type_, capacity=capacity(stock))},
        )
        return edited.stock[ref.type]

    async def _retyped(
        self, ref: TypeRef, change: Callable[[TicketType, Stock], TicketType]
    ) -> tuple[Stock, list[Operation]]:
        """Returns the type's stock after its change, and what has to be written for it."""
        type_, version = await self._store.ticket_type(ref)
        counters = await self._store.counters(ref)
        stock = total(counters)
        after = change(type_, stock)
        if after == type_ and stock.capacity == type_.capacity:
            return stock, []
        operations: list[Operation] = [SetData(ref.path, encode(after), version)]
        if after.capacity != stock.capacity:
            shared = shares(after.capacity - stock.taken, type_.stripes)
            stock = replace(stock, remaining=sum(shared))
            operations += [
                replace(counter, stock=replace(counter.stock, remaining=share)).operation
                for counter, share in zip(counters, shared, strict=True)
            ]
        return stock, operations

    async def _with_other_types(
        self, name: str, event: Event, added: Mapping[str, MakeType], removed: Collection[str]
    ) -> list[Operation]:
        known = (await self._store.availability(name)).types
        names = {each.name for each in known}
        if there := sorted(names & added.keys()):
            raise ZkticketError(f"event {name!r} has a type {there[0]} already; change that one")
        if not (names - set(removed)) | added.keys():
            raise ZkticketError(f"event {name!r} needs at least one type of tickets")
        operations = [each for type_ in removed for each in await self._without(name, event, type_)]
        place = max((each.position for each in known), default=0)
        for number, (each, make) in enumerate(added.items(), place + 1):
            made = replace(make(event), position=number)
            operations += of_type(name, event.generation, each, made)
        return operations

    async def _without(self, name: str, event: Event, type_: str) -> list[Operation]:
        """Deletes a type. Raises `ZkticketError` where somebody has bought or held some of it."""
        ref = TypeRef(name, event.generation, type_)
        counters = await self._store.counters(ref)
        if await self._was_sold(ref, counters):
            raise ZkticketError(
                f"type {type_} has orders, so it stays; `--capacity {type_}=N` stops its sale "
                "with N as many as are sold and held"
            )
        return [
            *_deleted(counters),
            Delete(paths.stock(name, event.generation, type_)),
            Delete(ref.path),
        ]

    async def _was_sold(self, ref: TypeRef, counters: Sequence[StripeCounter]) -> bool:
        """Whether there is any order of the type, even one that gave its tickets back."""
        if total(counters).taken:
            return True
        if not any(counter.version for counter in counters):
            return False
        async with aclosing(self._store.orders.all_of(ref.event, ref.generation)) as orders:
            async for each in orders:
                if each.order.type == ref.type:
                    return True
        return False

    async def close_unsold(self, name: str, event: Event) -> None:
        """Ends the sale of an event for good, where it has no order, by deleting its counters.

        Without counters its sale has been ended so before, and its deletion was interrupted. Raises
        `ZkticketError` where it has an order, `BadZnode`, `Ambiguous`, `Unavailable`.
        """
        if not await self._has_counters(name):
            return
        counters: list[StripeCounter] = []
        for type_ in await self._store.type_names(name, event):
            counters += await self._store.counters(TypeRef(name, event.generation, type_))
        async with aclosing(self._store.orders.all_of(name, event.generation)) as orders:
            async for _ in orders:
                raise ZkticketError(
                    f"event {name!r} has orders; `event delete {name} --with-orders` deletes them "
                    "as well"
                )
        gone = partial(lost_answers.are_gone, self._zk, [each.path for each in counters])
        races = (BadVersion, NoNode)
        if not await lost_answers.try_commit(self._zk, _deleted(counters), gone, *races):
            raise ZkticketError(f"event {name!r} was changed or sold meanwhile; try again")

    async def _needed_by(self, name: str, before: Event, after: Event) -> list[Operation]:
        """Checks what the change rests on. A limit needs room for the buyers' tabs first."""
        if after.limit and not before.limit:
            await lost_answers.make(self._zk, *tabs(name, before.generation))
        if after.currency != before.currency:
            return await self._unsold(name, before)
        return []

    async def _unsold(self, name: str, event: Event) -> list[Operation]:
        """Checks that nothing is sold or held. Raises `ZkticketError` where something is."""
        counters: list[StripeCounter] = []
        for type_ in await self._store.type_names(name, event):
            counters += await self._store.counters(TypeRef(name, event.generation, type_))
        stock = total(counters)
        if stock.taken:
            raise WrongTerm(
                "currency",
                "sold",
                f"{stock.sold} tickets are sold and {stock.held} held in {event.currency}; "
                "make another event for another currency",
            )
        if len(counters) > MOST_CHECKED:
            raise WrongTerm("currency", "sold", "the event has too many types to change it")
        return [Check(counter.path, counter.version) for counter in counters]

    async def _happens(self, operations: Sequence[Operation]) -> bool:
        """Commits all, or nothing; False where something has changed since it was read.

        After a lost answer the first znode, which no sale changes, tells whether it happened.
        """
        witness = next(each for each in operations if isinstance(each, SetData))
        happened = partial(lost_answers.has_written, self._zk, witness)
        return await lost_answers.try_commit(
            self._zk, operations, happened, BadVersion, NoNode, NodeExists
        )

    async def _has_counters(self, name: str) -> bool:
        found = await self._zk.get_many(await self.counter_paths(name))
        return any(znode is not None for znode in found)

    async def counter_paths(self, name: str) -> list[str]:
        """Lists the paths of an event's counters in all of its lives, whatever they hold."""
        found = []
        for generation in await self._zk.below(paths.event(name)):
            for type_ in await self._zk.below(paths.types(name, generation)):
                stock = paths.stock(name, generation, type_)
                found += [f"{stock}/{number}" for number in await self._zk.below(stock)]
        return found

    async def close(self, counters: Sequence[str], generations: Iterable[str] = ()) -> None:
        """Deletes counters in one transaction: a sale has to set one, so none commits after it.

        The generations whose orders go as well are noted as retired.
        Raises `NoNode` where one is gone already, `Ambiguous`, `Unavailable`.
        """
        await lost_answers.make(self._zk, Create(paths.RETIRED))
        retired = sorted(set(generations) - await self._store.retired())
        operations: list[Operation] = [
            *(Delete(path) for path in counters),
            *(Create(paths.retired(generation)) for generation in retired),
        ]
        happened = partial(lost_answers.are_gone, self._zk, counters)
        await lost_answers.try_commit(self._zk, operations, happened)


def _deleted(counters: Iterable[StripeCounter]) -> list[Operation]:
    """Deletes counters, unless they have changed since they were read."""
    return [
        operation
        for each in counters
        for operation in (Check(each.path, each.version), Delete(each.path))
    ]
