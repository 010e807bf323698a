"""Whether a purchase may wait: decided at once, by how long it would have to."""

from dataclasses import dataclass

SMOOTHING = 0.2


@dataclass(frozen=True)
class Bounds:
    """`most_waiting` purchases at the most, and none that would wait past its deadline."""

    most_waiting: int = 512


class Admission:
    """Learns the selling rate and refuses what could not be sold in time.

    The rate is an exponentially weighted mean over commits, in purchases a second.
    """

    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._rate = 0.0

    def admits(self, waiting: int, timeout_s: float) -> bool:
        """Whether one more purchase behind `waiting` others is served within `timeout_s`."""
        if waiting >= self._bounds.most_waiting:
            return False
        return self._rate == 0.0 or waiting / self._rate < timeout_s

    def served(self, purchases: int, took_s: float) -> None:
        """A commit served so many purchases in that time."""
        rate = purchases / max(took_s, 1e-4)
        if self._rate == 0.0:
            self._rate = rate
        else:
            self._rate += SMOOTHING * (rate - self._rate)
