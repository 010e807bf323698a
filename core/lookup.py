"""Orders one by one, however many there are, and those of a buyer among them."""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing

from core.errors import WrongUsage
from core.models import OrderView
from core.names import folded
from core.orders import QUICKLY, Haste
from core.paths import BUCKETS
from core.store import Store
from core.zk import ZooKeeper

Tell = Callable[[float], None]


async def every_order(
    zk: ZooKeeper, events: Iterable[str], tell: Tell, haste: Haste = QUICKLY
) -> AsyncGenerator[OrderView, None]:
    """The orders of those events, of all for none; `tell` hears how much of it is done, 0 to 1.

    Raises `NoSuchEvent`, `BadZnode`, `Unavailable`.
    """
    store = Store(zk)
    names = list(events) or await store.event_names()
    for number, name in enumerate(names):
        event = await store.event(name)
        async with aclosing(store.orders.all_of(name, event.generation, haste)) as orders:
            async for order in orders:
                # They come bucket by bucket, and are spread evenly over them.
                tell((number + int(order.id[:2], 16) / len(BUCKETS)) / len(names))
                yield order.view
    tell(1.0)


def of_buyer(name: str) -> Callable[[OrderView], bool]:
    """Whether an order's buyer has that in his name, however it is spelled.

    Raises `WrongUsage` where that would be so of everybody.
    """
    wanted = folded(name)
    if not wanted:
        raise WrongUsage(f"{name!r} shows nothing; write a part of the buyer's name")
    return lambda order: wanted in folded(order.buyer)
