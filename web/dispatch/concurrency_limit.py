"""Learns from a worker's refusals how many purchases it may have at once.

AIMD, as in TCP (Chiu and Jain 1989) and in `AIMDLimit.java` of Netflix's concurrency-limits:
what a worker would refuse is refused here, where that costs a tenth as much.
"""

LEAST = 64
MOST = 2048
FIRST = 1024
GROWTH = 0.1
BACKOFF = 0.9
# During this time after the limit was lowered, refusals don't lower it again: they tell of the same
# queue. NewReno (RFC 6582) likewise halves its window once for all losses in it.
PAUSE_S = 0.1


class ConcurrencyLimit:
    """The limit of one worker; `outstanding` counts the purchases that it has of ours."""

    def __init__(self) -> None:
        self._size = float(FIRST)
        self._shrunk_at = 0.0

    @property
    def size(self) -> int:
        return int(self._size)

    def served(self, outstanding: int) -> None:
        """Notes an answer that is no refusal; it counts if at least half the limit is in use."""
        if outstanding * 2 >= self._size:
            self._size = min(MOST, self._size + GROWTH)

    def refused(self, outstanding: int, asked: float, now: float) -> None:
        """Notes that the worker was too busy for a purchase that was `asked` then."""
        if asked - self._shrunk_at >= PAUSE_S:
            self._size = max(LEAST, BACKOFF * min(self._size, outstanding))
            self._shrunk_at = now
