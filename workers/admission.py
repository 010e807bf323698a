"""Whether a purchase may wait: decided at once, by how long it would have to."""

from dataclasses import dataclass

SMOOTHING = 0.2


@dataclass(frozen=True)
class Bounds:
    """`most_waiting` purchases at the most; `batch` of them are served in one round."""

    most_waiting: int = 512
    batch: int = 200


class Admission:
    """Learns how long a round of selling takes and refuses what could not be sold in time.

    The time is an exponentially weighted mean over rounds, in seconds.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._round_s = 0.0

    def admits(self, waiting: int, timeout_s: float) -> bool:
        """Whether one more purchase behind `waiting` others is served within `timeout_s`.

        With nobody waiting it is always tried: that is how a bad time is seen to be over.
        """
        if waiting == 0:
            return True
        # The round under way, those that the queue fills, and its own.
        rounds = 2 + waiting // self._bounds.batch
        return waiting < self._bounds.most_waiting and rounds * self._round_s < timeout_s

    def served(self, took_s: float) -> None:
        """A round took that long."""
        self._round_s += SMOOTHING * (took_s - self._round_s)
