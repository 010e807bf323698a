"""Bounds retries by a share of the successes, so that they never multiply."""

from collections.abc import Callable

SHARE = 0.1
# What may be spent at the start, and is earned again in a quiet time: enough for all purchases
# that wait on one worker when it is killed.
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
        """Takes one retry; False if none is left."""
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
