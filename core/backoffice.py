"""Events as organisers have them made, changed, reset and closed, in ZooKeeper."""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce

from msgspec.structs import replace

from core import paths
from core.below import below
from core.errors import Ambiguous, BadVersion, NoNode, NoSuchEvent
from core.founding import found, limit, shares
from core.models import Event, Stock, TicketType, decode, encode
from core.stock import STRIPES, TypeRef
from core.store import Store
from core.transaction import Create, Delete, SetData
from core.zk import Committed, Refused, ZooKeeper

RESET_TRIES = 200
EDIT_TRIES = 20
RECONNECT_S = 5.0

DEFAULT_TYPES = {"A": 4800, "B": 3200, "C": 2000}
DEFAULT_TITLE = "Opening night"


class BackOffice:
    """What is done to whole events, over one session."""

    def __init__(self, zk: ZooKeeper) -> None:
        self._zk = zk
        self._store = Store(zk)

    async def create_event(self, name: str, title: str, types: Mapping[str, TicketType]) -> bool:
        """Makes an event with its stock; False where it exists. Nobody sells half of one.

        Raises `BadZnode`, `Ambiguous`, `Unavailable`.
        """
        event = Event(generation=secrets.token_hex(4), title=title)
        return await found(self._zk, name, event, types)

    async def create_default_event(self, quantity: int, stripes: int = STRIPES) -> bool:
        """The event that `up` sells when there is none: types A, B and C."""
        types = {
            name: TicketType(capacity=quantity, price=price, stripes=stripes)
            for name, price in DEFAULT_TYPES.items()
        }
        return await self.create_event("default", DEFAULT_TITLE, types)

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

    async def reset(self, ref: TypeRef, remaining: int) -> Stock:
        """Puts `remaining` tickets on sale; what is sold and held stays on record.

        Raises `NoSuchType`, `BadZnode`, `Unavailable`, `Ambiguous`; `BadVersion` when sales
        never let it in.
        """
        for _ in range(RESET_TRIES):
            type_, version = await self._store.ticket_type(ref)
            before = await self._store.counters(ref)
            split = shares(remaining, type_.stripes)
            after = [
                replace(counter.stock, remaining=share)
                for counter, share in zip(before, split, strict=True)
            ]
            stock = reduce(Stock.__add__, after)
            resized = replace(type_, capacity=stock.capacity)
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
        for generation in await below(self._zk, paths.event(name)):
            for type_ in await below(self._zk, paths.types(name, generation)):
                stock = paths.stock(name, generation, type_)
                found += [f"{stock}/{number}" for number in await below(self._zk, stock)]
        return found

    async def close(self, counters: Sequence[str], generations: Iterable[str] = ()) -> None:
        """Deletes counters in one transaction: a sale has to set one, so none commits after it.

        The generations whose orders go as well are noted as retired.
        Raises `NoNode` where one is gone already, `Ambiguous`, `Unavailable`.
        """
        await self._zk.ensure(paths.RETIRED)
        retired = sorted(set(generations) - await self._store.retired())
        outcome = await self._zk.multi(
            [
                *(Delete(path) for path in counters),
                *(Create(paths.retired(generation)) for generation in retired),
            ]
        )
        if isinstance(outcome, Refused):
            raise outcome.error
