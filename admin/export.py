"""Orders one by one, however many there are: found by their buyer, or written out."""

import csv
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from typing import TextIO

import msgspec

from core.models import OrderView, folded
from core.paths import BUCKETS
from core.store import Store
from core.zk import ZooKeeper

# A spreadsheet would take a cell that begins so for a formula (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r")

Tell = Callable[[float], None]
Write = Callable[[OrderView], None]


async def every_order(
    zk: ZooKeeper, events: Iterable[str], tell: Tell
) -> AsyncGenerator[OrderView, None]:
    """The orders of those events, of all for none; `tell` hears how much of it is done, 0 to 1.

    Raises `NoSuchEvent`, `BadZnode`, `Unavailable`.
    """
    store = Store(zk)
    names = list(events) or await store.event_names()
    for number, name in enumerate(names):
        event = await store.event(name)
        async with aclosing(store.orders.all_of(name, event.generation)) as orders:
            async for order in orders:
                # They come bucket by bucket, and are spread evenly over them.
                tell((number + int(order.id[:2], 16) / len(BUCKETS)) / len(names))
                yield order.view
    tell(1.0)


def of_buyer(name: str) -> Callable[[OrderView], bool]:
    """Whether an order's buyer has that in his name, however it is spelled."""
    wanted = folded(name)
    return lambda order: wanted in folded(order.buyer)


def json_lines(out: TextIO) -> Write:
    """Writes one JSON object a line."""

    def write(order: OrderView) -> None:
        out.write(msgspec.json.encode(order).decode() + "\n")

    return write


def csv_rows(out: TextIO) -> Write:
    """Writes RFC 4180's rows below a line of names."""
    rows = csv.writer(out)
    names = [field.name for field in msgspec.structs.fields(OrderView)]
    rows.writerow(names)

    def write(order: OrderView) -> None:
        rows.writerow([_cell(getattr(order, name)) for name in names])

    return write


def _cell(value: str | int | None) -> str | int:
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value
