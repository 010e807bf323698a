"""Decides when to commit: at once when it is quiet, in larger batches in a rush.

A transaction costs its servers the same few dozen thread switches for one order as for
hundreds. A worker whose buyers come back as soon as they are answered would commit the first
of them alone and let the others wait behind it; so it waits a moment for as many as came
the last times.
"""

SMOOTHING = 0.3
# The end of a rush is learned faster than its beginning: a lone buyer would pay for it.
FORGETTING = 0.5
# The wait in bad times, when a commit takes longer.
LONGEST_S = 0.025


class Pace:
    """Learns the usual batch and a commit's time, as exponentially weighted means.

    `share` of the usual batch is worth a wait. A request that is usually alone never waits.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._orders = 0.0
        self._commit_s = 0.0

    @property
    def wanted(self) -> int:
        """The number of waiting requests that starts a commit at once."""
        return max(1, int(self._share * self._orders))

    @property
    def linger_s(self) -> float:
        return min(LONGEST_S, self._commit_s)

    def committed(self, orders: int, took_s: float) -> None:
        learned = SMOOTHING if orders > self._orders else FORGETTING
        self._orders += learned * (orders - self._orders)
        self._commit_s += SMOOTHING * (took_s - self._commit_s)
