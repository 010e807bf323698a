"""How much one worker is given at once, learned from its refusals.

AIMD, as in TCP (Chiu and Jain 1989) and in `AIMDLimit.java` of Netflix's concurrency-limits:
what a worker would refuse is refused here, where that costs a tenth as much.
"""

LEAST = 64
MOST = 2048
FIRST = 1024
GROWTH = 0.1
BACKOFF = 0.9
# Refusals of what was asked until so long after a shrinking tell of the queue that it was for: as
# in NewReno (RFC 6582), where losses of one window halve it once.
PAUSE_S = 0.1


class ConcurrencyLimit:
    """`outstanding` is what the worker has of ours."""

    def __init__(self) -> None:
        self._size = float(FIRST)
        self._shrunk_at = 0.0

    @property
    def size(self) -> int:
        return int(self._size)

    def served(self, outstanding: int) -> None:
        """An answer that is no refusal; it tells something where the window is in use."""
        if outstanding * 2 >= self._size:
            self._size = min(MOST, self._size + GROWTH)

    def refused(self, outstanding: int, asked: float, now: float) -> None:
        """The worker was too busy for one more, which it was `asked` for at that time."""
        if asked - self._shrunk_at >= PAUSE_S:
            self._size = max(LEAST, BACKOFF * min(self._size, outstanding))
            self._shrunk_at = now
