"""Decides when to commit: at once when it is quiet, in larger batches in a rush.

A transaction costs its servers the same few dozen thread switches for one order as for
hundreds. A worker whose buyers come back as soon as they are answered would commit the first
of them alone and let the others wait behind it; so it waits a moment for as many as came
the last times.
"""

from dataclasses import dataclass

SMOOTHING = 0.3
# The end of a rush is learned faster than its beginning: a lone buyer would pay for it.
FORGETTING = 0.5


@dataclass(frozen=True)
class Linger:
    """`share` of the usual batch is worth waiting for, `of_commit` of a commit's time at most.

    A purchase that is usually alone never waits. `most_s` bounds the wait in bad times.
    """

    share: float = 0.75
    of_commit: float = 1.0
    most_s: float = 0.025


class Pace:
    """Learns the usual batch and a commit's time, as exponentially weighted means."""

    def __init__(self, linger: Linger) -> None:
        self._linger = linger
        self._orders = 0.0
        self._commit_s = 0.0

    @property
    def wanted(self) -> int:
        """How many waiting requests start a commit at once."""
        return max(1, int(self._linger.share * self._orders))

    @property
    def linger_s(self) -> float:
        return min(self._linger.most_s, self._linger.of_commit * self._commit_s)

    def committed(self, orders: int, took_s: float) -> None:
        learned = SMOOTHING if orders > self._orders else FORGETTING
        self._orders += learned * (orders - self._orders)
        self._commit_s += SMOOTHING * (took_s - self._commit_s)
