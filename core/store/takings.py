"""What was sold of an event, for how much and when, added up from its orders."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import reduce
from itertools import accumulate

import msgspec

from core.schema.records import OrderView

FIRST_STEP_S = 60
MOST_STEPS = 400


class TypeTakings(msgspec.Struct, frozen=True, kw_only=True):
    """The sold tickets of a type, and how many of their holders have come in.

    `total` is what was agreed for them, in the event's units; `unpriced` of them were sold by a
    version that recorded no price.
    """

    type: str
    sold: int = 0
    admitted: int = 0
    total: int = 0
    unpriced: int = 0

    def plus(self, other: "TypeTakings") -> "TypeTakings":
        return TypeTakings(
            type=self.type,
            sold=self.sold + other.sold,
            admitted=self.admitted + other.admitted,
            total=self.total + other.total,
            unpriced=self.unpriced + other.unpriced,
        )


class Takings(msgspec.Struct, frozen=True, kw_only=True):
    """An event's takings. `curve` tells how many of the tickets had been sold by a moment, in Unix
    seconds.
    """

    types: tuple[TypeTakings, ...]
    curve: tuple[tuple[float, int], ...]

    @property
    def whole(self) -> TypeTakings:
        """The sum over all types."""
        return reduce(TypeTakings.plus, self.types, TypeTakings(type=""))


class TakingsTally:
    """Adds up orders, in whichever order they come; those that aren't sold count for nothing."""

    def __init__(self) -> None:
        self._types: dict[str, TypeTakings] = {}
        self._curve = _SalesCurve()

    def add(self, order: OrderView) -> None:
        if order.status != "sold":
            return
        known = self._types.get(order.type, TypeTakings(type=order.type))
        self._types[order.type] = known.plus(_of_order(order))
        self._curve.add(datetime.fromisoformat(order.created_at).timestamp(), order.quantity)

    def takings(self) -> Takings:
        types = tuple(self._types[name] for name in sorted(self._types))
        return Takings(types=types, curve=tuple(self._curve.points()))


def _of_order(order: OrderView) -> TypeTakings:
    return TypeTakings(
        type=order.type,
        sold=order.quantity,
        admitted=order.quantity if order.checked_in_at is not None else 0,
        total=order.total or 0,
        unpriced=order.quantity if order.total is None else 0,
    )


class _SalesCurve:
    """Counts tickets in steps of time, which grow with the sale: there are `MOST_STEPS` at most."""

    def __init__(self) -> None:
        self._step_s = FIRST_STEP_S
        self._tickets = Counter[int]()

    def add(self, at: float, tickets: int) -> None:
        self._tickets[int(at // self._step_s)] += tickets
        if len(self._tickets) > MOST_STEPS:
            self._widen()

    def _widen(self) -> None:
        self._step_s *= 2
        narrow, self._tickets = self._tickets, Counter[int]()
        for step, tickets in narrow.items():
            self._tickets[step // 2] += tickets

    def points(self) -> Iterator[tuple[float, int]]:
        """Yields the end of each step with the number of tickets that were sold by then."""
        steps = sorted(self._tickets)
        sums = accumulate(self._tickets[step] for step in steps)
        for step, tickets in zip(steps, sums, strict=True):
            yield float((step + 1) * self._step_s), tickets
