"""How much may be tried again: a share of what succeeds, so that retries never multiply."""

from collections.abc import Callable

SHARE = 0.1
# What a healthy start may spend, and what a quiet time earns again: enough for all that
# waits on one worker when it is killed.
FLOOR = 128.0
FLOOR_PER_S = 16.0
MOST = 512.0


class RetryBudget:
    """A retry costs 1, a success earns `SHARE` (the retry budget of Finagle, as a bucket)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._balance = FLOOR
        self._at = clock()

    def earn(self) -> None:
        self._balance = min(MOST, self._balance + SHARE)

    def spend(self) -> bool:
        """Takes one retry; False where there is none left."""
        self._refill()
        if self._balance < 1.0:
            return False
        self._balance -= 1.0
        return True

    def _refill(self) -> None:
        now = self._clock()
        earned, self._at = (now - self._at) * FLOOR_PER_S, now
        if self._balance < FLOOR:
            self._balance = min(FLOOR, self._balance + earned)
