"""Limits how many purchases a worker holds at once, by what its commits take.

Gradient2 of Netflix's concurrency-limits (github.com/Netflix/concurrency-limits,
`Gradient2Limit.java`): the long-term time of a commit divided by its time now says how far
the limit has to fall; some are added each time, so that it grows where nothing is slower.
"""

import msgspec

TOLERANCE = 2.0
SMOOTHING = 0.2
# The long-term time is a mean over so many windows; the first ones count alike.
LONG_TERM = 600
WARM_UP = 10
RECOVERY = 0.95
LEAST_GRADIENT = 0.5


class Range(msgspec.Struct, frozen=True):
    """The limit starts at `first`; `room` is what it tries to grow by, to find out.

    `least` is two batches, one that is committed and one that gathers. A group commit takes
    much the same time for one order as for a whole batch, so to hold less than that makes no
    commit faster and sells less: with 8 as the least, commits that take ten times as long cost
    nine tenths more of the sales than they have to, until the mean has followed.
    """

    least: int = 400
    first: int = 1000
    most: int = 2000
    room: int = 100


class Gradient:
    """Takes one measurement for each window of some 250 ms."""

    def __init__(self, within: Range) -> None:
        self._within = within
        self._limit = float(within.first)
        self._long_s = 0.0
        self._windows = 0

    @property
    def limit(self) -> int:
        return int(self._limit)

    def update(self, commit_s: float, held: int) -> None:
        """Learns a window's mean time of a commit, and the most that were held at once in it."""
        self._remember(commit_s)
        if held < self._limit / 2 or commit_s <= 0.0:
            return  # few come: what they take says nothing of what could be held
        gradient = max(LEAST_GRADIENT, min(1.0, TOLERANCE * self._long_s / commit_s))
        wanted = self._limit * gradient + self._within.room
        smoothed = self._limit + SMOOTHING * (wanted - self._limit)
        self._limit = max(self._within.least, min(self._within.most, smoothed))

    def _remember(self, commit_s: float) -> None:
        self._windows += 1
        among = self._windows if self._windows <= WARM_UP else (LONG_TERM + 1) / 2
        self._long_s += (commit_s - self._long_s) / among
        if self._long_s > 2 * commit_s:
            # A bad time is over: don't carry it along.
            self._long_s *= RECOVERY
