"""Goes through orders one by one, however many there are, and picks those of a buyer."""

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing

import msgspec

from core.errors import WrongUsage
from core.schema.paths import BUCKETS
from core.schema.records import Event, OrderView
from core.store.orders import QUICKLY, Haste
from core.store.store import Store
from core.text.names import searchable
from core.zookeeper.client import ZooKeeper

Tell = Callable[[float], None]
# The state of a sold order whose holder has come in, beside those of `records.Status`.
ADMITTED = "checked-in"


class OrderFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which orders are wanted; what is empty leaves out none.

    `state` is one of `records.Status`, or `ADMITTED`; `buyer` is a part of the name.
    """

    event: str = ""
    type: str = ""
    state: str = ""
    buyer: str = ""

    def test(self) -> Callable[[OrderView], bool]:
        """Returns the filter as a function. Raises `WrongUsage` as `of_buyer` does."""
        tests = [
            *([lambda order: order.event == self.event] if self.event else []),
            *([lambda order: order.type == self.type] if self.type else []),
            *([lambda order: state_of(order) == self.state] if self.state else []),
            *([of_buyer(self.buyer)] if self.buyer else []),
        ]
        return lambda order: all(test(order) for test in tests)


def state_of(order: OrderView) -> str:
    """Says where an order stands, its holder's coming included."""
    return ADMITTED if order.checked_in_at is not None else order.status


async def existing(zk: ZooKeeper, names: Iterable[str]) -> dict[str, Event]:
    """Returns the events of those names, or all events for no names.

    Raises `NoSuchEvent`, `BadZnode`, `Unavailable`.
    """
    found = await Store(zk).events()
    events: dict[str, Event] = {}
    for name in names or found:
        match found.get(name):
            case None:
                raise await Store(zk).no_such_event(name)
            case Event() as event:
                events[name] = event
            case wrong:
                raise wrong
    return events


async def every_order(
    zk: ZooKeeper, events: Mapping[str, Event], tell: Tell, haste: Haste = QUICKLY
) -> AsyncGenerator[OrderView, None]:
    """Yields the orders of those events; `tell` hears the progress, 0 to 1.

    Raises `BadZnode`, `Unavailable`.
    """
    store = Store(zk)
    for number, (name, event) in enumerate(events.items()):
        async with aclosing(store.orders.all_of(name, event.generation, haste)) as orders:
            async for order in orders:
                # Orders come bucket by bucket, and the buckets are alike in size.
                tell((number + int(order.id[:2], 16) / len(BUCKETS)) / len(events))
                yield order.view
    tell(1.0)


def of_buyer(name: str) -> Callable[[OrderView], bool]:
    """Returns a test for orders whose buyer's name contains that, however it is spelled.

    Raises `WrongUsage` where every name contains it.
    """
    wanted = searchable(name)
    if not wanted:
        raise WrongUsage(f"{name!r} shows nothing; write a part of the buyer's name")
    return lambda order: wanted in searchable(order.buyer)
