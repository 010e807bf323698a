"""How the sale of each event goes, for people: sold, left, admitted, and what it took."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import msgspec

from core.cluster.status import Status
from core.errors import ZkticketError
from core.store.availability import EventReport
from core.store.takings import Takings

MOST_EVENTS = 20
# To add up takings all orders of an event are read. It is followed by a rest, twenty times as long
# or a second; where no figure has moved, it is done only once in a while.
REST_S = 1.0
REST_SHARE = 20.0
UNMOVED_S = 300.0


class SaleFigures(msgspec.Struct, frozen=True, kw_only=True):
    """An event's figures over all its types. `total` is what the sold tickets took as of
    `total_at`, in Unix seconds; None before it has been added up.
    """

    event: EventReport
    capacity: int
    sold: int
    held: int
    left: int
    admitted: int
    total: int | None
    total_at: float | None


class SaleBoard(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of the events, as they were `at`; `stale` where they can't be read now."""

    rows: tuple[SaleFigures, ...]
    at: float
    stale: bool


class KnownTotal(msgspec.Struct, frozen=True):
    """What an event took, as it was added up `at`, when the event had those figures."""

    total: int
    at: float
    moved: tuple[int, int]


class SaleBoards:
    """Keeps the events that were seen last, and their takings, of which one is added up at a time.

    `read` adds up the takings of an event, `now` is in Unix seconds.
    """

    def __init__(self, read: Callable[[str], Awaitable[Takings]], now: Callable[[], float]) -> None:
        self._read = read
        self._now = now
        self._seen: tuple[Sequence[EventReport], float] = ((), 0.0)
        self._known: dict[str, KnownTotal] = {}
        self._reading: asyncio.Task[None] | None = None
        self._rest_until = 0.0

    def board(self, status: Status | None) -> SaleBoard:
        """The board of a status; that of the last one that knew the events, where this doesn't."""
        stale = status is None or bool(status.unread)
        if status is not None and not stale:
            self._seen = (status.events[:MOST_EVENTS], status.at)
            self._refresh()
        events, at = self._seen
        return SaleBoard(rows=tuple(map(self._figures, events)), at=at, stale=stale)

    def _figures(self, event: EventReport) -> SaleFigures:
        known = self._known.get(event.name)
        sold, admitted = moved(event)
        return SaleFigures(
            event=event,
            capacity=sum(each.capacity for each in event.types),
            sold=sold,
            held=sum(each.held for each in event.types),
            left=sum(each.remaining for each in event.types),
            admitted=admitted,
            total=known.total if known else None,
            total_at=known.at if known else None,
        )

    # --- takings ---------------------------------------------------------------------

    def _refresh(self) -> None:
        """Begins to add up the takings that are due for longest, unless it is time to rest."""
        events, _ = self._seen
        names = {event.name for event in events}
        self._known = {name: known for name, known in self._known.items() if name in names}
        due = [event for event in events if self._is_due(event)]
        if (
            due
            and self._now() >= self._rest_until
            and (self._reading is None or self._reading.done())
        ):
            oldest = min(due, key=lambda event: self._added_up_at(event.name))
            self._reading = asyncio.create_task(self._add_up(oldest))

    def _is_due(self, event: EventReport) -> bool:
        known = self._known.get(event.name)
        return known is None or known.moved != moved(event) or self._now() - known.at > UNMOVED_S

    def _added_up_at(self, name: str) -> float:
        return self._known[name].at if name in self._known else 0.0

    async def _add_up(self, event: EventReport) -> None:
        begun = self._now()
        with suppress(ZkticketError):
            total = (await self._read(event.name)).whole.total
            self._known[event.name] = KnownTotal(total, begun, moved(event))
        self._rest_until = self._now() + max(REST_S, REST_SHARE * (self._now() - begun))


def moved(event: EventReport) -> tuple[int, int]:
    """The event's sold and admitted tickets: where these stand, its takings do, most likely."""
    return (
        sum(each.sold for each in event.types),
        sum(each.admitted for each in event.types),
    )
