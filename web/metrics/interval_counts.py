"""Counts what happened to purchases between two looks."""

from collections import Counter
from collections.abc import Callable

import msgspec

from core.quantiles import Recent
from core.schema.records import Quantiles
from core.transport.link import Code

SHED = (Code.OVERLOADED, Code.DRAINING)
FAILED = (Code.NO_QUORUM, Code.NO_WORKER, Code.OUTCOME_UNKNOWN, Code.DAMAGED)


class Lap(msgspec.Struct, frozen=True, kw_only=True):
    """Between two looks: `sold` orders and how long they took, requests that were shed or failed.

    `latency` is from the request to the answer, in the web's hands.
    """

    seconds: float
    sold: int
    shed: int
    failed: int
    latency: Quantiles


class Laps:
    """The current lap. `clock` is monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._begin()

    def purchase(self, code: Code, seconds: float) -> None:
        """Counts an answered purchase."""
        self._outcomes[code] += 1
        if code is Code.SOLD:
            self._latency.add(seconds)

    def take(self) -> Lap:
        """Ends a lap and begins the next one."""
        outcomes = self._outcomes
        lap = Lap(
            seconds=max(0.001, self._clock() - self._since),
            sold=outcomes[Code.SOLD],
            shed=sum(outcomes[code] for code in SHED),
            failed=sum(outcomes[code] for code in FAILED),
            latency=self._latency.quantiles(),
        )
        self._begin()
        return lap

    def _begin(self) -> None:
        self._since = self._clock()
        self._outcomes: Counter[Code] = Counter()
        self._latency = Recent()
