"""Goes through orders one by one, however many there are, and picks those of a buyer."""

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing

from core.errors import WrongUsage
from core.schema.paths import BUCKETS
from core.schema.records import Event, OrderView
from core.store.orders import QUICKLY, Haste
from core.store.store import Store
from core.text.names import folded
from core.zookeeper.client import ZooKeeper

Tell = Callable[[float], None]


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
    wanted = folded(name)
    if not wanted:
        raise WrongUsage(f"{name!r} shows nothing; write a part of the buyer's name")
    return lambda order: wanted in folded(order.buyer)
