"""Puts expired holds back on sale. One of the workers is elected to do it.

The janitor may be killed at any moment, and two may act at once: an order expires in the
transaction that gives its tickets back, and only from `held`. A list of holds is deleted last,
when none of them is still held until the time of that list.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from core.errors import BadZnode, Halted, NoSuchEvent, Unconfirmed, ZooKeeperError
from core.eventlog.ring import EventLog
from core.schema import paths
from core.schema.records import HoldList
from core.store.holds import slot_ends
from core.store.order_lifecycle import Act, OrderChange
from core.store.store import Store
from workers.order_changes import OrderChangeQueue

ROUND_S = 1.0
ORDERS_AT_ONCE = 100


@dataclass(eq=False)
class Janitor:
    """Expires holds. `_now` is in Unix seconds: a hold ends by the clocks of workers."""

    _store: Store
    _changes: OrderChangeQueue
    _log: EventLog
    _now: Callable[[], float]
    _told: set[str] = field(default_factory=set)

    async def work(self) -> None:
        """Works round after round until it is cancelled."""
        self._log.info("janitor", "elected: puts expired holds back on sale")
        while True:
            with suppress(ZooKeeperError, Halted, Unconfirmed):
                await self.round()
            await asyncio.sleep(ROUND_S)

    async def round(self) -> int:
        """Expires what is due in every event; returns the number of orders.

        Raises `ZooKeeperError`; the next round does what is left.
        """
        expired = 0
        for name in await self._store.event_names():
            try:
                event = await self._store.event(name)
            except (BadZnode, NoSuchEvent) as error:
                self._tell_once(str(error))
                continue
            for slot in await self._store.holds.slots(name, event.generation):
                if slot_ends(slot) > self._now():
                    break
                expired += await self._clear(name, event.generation, slot)
        return expired

    async def _clear(self, name: str, generation: str, slot: int) -> int:
        """Expires the holds of one slot, then deletes the slot, unless a hold can't be read."""
        expired = 0
        try:
            lists = await self._store.holds.lists(name, generation, slot)
            for part in _parts(lists.values()):
                expired += await self._expire(part)
        except BadZnode as error:
            self._tell_once(str(error))
        else:
            await self._store.holds.forget(list(lists), paths.hold_slot(name, generation, slot))
        if expired:
            self._log.info("expired", f"{expired} holds of {name} are for sale again")
        return expired

    async def _expire(self, orders: Sequence[str]) -> int:
        """Expires them in one transaction, or one by one where an order can't be read."""
        changes = [OrderChange(order=order, act=Act.EXPIRE) for order in orders]
        try:
            return sum(done.changed for done in await self._changes.settle(changes))
        except BadZnode:
            if len(changes) == 1:
                raise
        expired, damage = 0, None
        for order in orders:
            try:
                expired += await self._expire([order])
            except BadZnode as error:
                damage = error
        if damage is not None:
            self._tell_once(str(damage))
            raise damage
        return expired

    def _tell_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._log.error("damaged", text)


def _parts(lists: Iterable[HoldList]) -> Iterator[Sequence[str]]:
    orders = [order for each in lists for order in each.orders]
    for start in range(0, len(orders), ORDERS_AT_ONCE):
        yield orders[start : start + ORDERS_AT_ONCE]
