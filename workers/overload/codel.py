"""Notices a standing queue, which never empties and only makes everybody wait.

CoDel (Nichols and Jacobson, "Controlling Queue Delay", ACM Queue 2012; RFC 8289): a queue is
judged by the shortest wait in it over an interval. A rush that is served within the interval
leaves no standing queue. In group commit the shortest wait is that of the last request to get
into a batch: almost nothing where the batch took the whole queue.
"""

TARGET_S = 0.05
INTERVAL_S = 0.5


class Standing:
    """Learns from each batch and each refusal; times are monotonic."""

    def __init__(self) -> None:
        self._over_since: float | None = None
        self._pressed_at = 0.0
        self.tight = False

    def batch(self, least_wait_s: float, now: float) -> None:
        """Notes how long the last request of a batch has waited."""
        if least_wait_s < TARGET_S:
            self._over_since = None
        elif self._over_since is None:
            self._over_since = now
        elif now - self._over_since >= INTERVAL_S:
            self.tight = True
            self._pressed_at = now
        if self.tight and now - self._pressed_at >= INTERVAL_S:
            self.tight = False

    def refused(self, now: float) -> None:
        """Notes a refusal: a queue that only refusals keep short still counts as standing."""
        self._pressed_at = now
