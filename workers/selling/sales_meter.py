"""Measures a worker: sold tickets, refusals and how long buyers waited."""

from collections import Counter, deque
from collections.abc import Callable

from core.quantiles import Recent
from core.schema.records import Load
from core.transport.link import Code

WINDOW_S = 5.0


class Meter:
    """Counts over the worker's life, rates over the last `WINDOW_S` seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sold: deque[tuple[float, int]] = deque()
        self._waits = Recent()
        self._sold_recently = 0
        self._sold_total = 0
        self._refusals: Counter[Code] = Counter()

    def sold(self, tickets: int) -> None:
        self._sold_total += tickets
        self._sold_recently += tickets
        self._sold.append((self._clock(), tickets))

    def answered(self, code: Code, waited_s: float) -> None:
        self._waits.add(waited_s)
        if code not in (Code.SOLD, Code.REPLAYED):
            self._refusals[code] += 1

    def load(self, in_flight: int) -> Load:
        since = self._clock() - WINDOW_S
        while self._sold and self._sold[0][0] < since:
            self._sold_recently -= self._sold.popleft()[1]
        waits = self._waits.quantiles()
        return Load(
            in_flight=in_flight,
            sold_total=self._sold_total,
            sold_per_second=round(self._sold_recently / WINDOW_S, 1),
            p50_ms=waits.p50_ms,
            p99_ms=waits.p99_ms,
        )

    def take_refusals(self) -> dict[Code, int]:
        """Returns the refusals since the last call, by reason."""
        taken, self._refusals = self._refusals, Counter()
        return taken
