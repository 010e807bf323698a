"""Whether a queue stands: it never empties, and so only makes everybody wait.

CoDel (Nichols and Jacobson, "Controlling Queue Delay", ACM Queue 2012; RFC 8289): a queue is
judged by the least that anybody waits in it over an interval. A rush that is served within the
interval is none. In group commit the least wait is that of the last one to get into a batch:
next to nothing where the batch took all that were there, however long it lingered for them.
"""

TARGET_S = 0.05
INTERVAL_S = 0.5


class Standing:
    """Told of each batch by `batch`, and of each refusal by `refused`; times are monotonic."""

    def __init__(self) -> None:
        self._over_since: float | None = None
        self._pressed_at = 0.0
        self.tight = False

    def batch(self, least_wait_s: float, now: float) -> None:
        """The last of a batch has waited that long."""
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
        """While some are refused the queue is short because of that: it stays so."""
        self._pressed_at = now
