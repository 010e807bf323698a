"""Leaves out a worker that fails, then probes it with one purchase at a time.

A circuit breaker (Nygard, "Release It!") with the times of Envoy's outlier detection: five
failures in a row eject for 2 s, then 4 s, 6 s … up to 10 s. Then it is half open: one purchase
probes it, and ejects it again or brings it back.
"""

from collections.abc import Callable

FAILURES = 5
BASE_S = 2.0
MOST_S = 10.0
# A probe without an answer is given up after this.
PROBE_S = 3.0


class CircuitBreaker:
    """The breaker of one worker. `may_eject` says whether enough other workers are left."""

    def __init__(self, may_eject: Callable[[], bool]) -> None:
        self._may_eject = may_eject
        self._failures = 0
        self._count = 0
        self._until = 0.0
        self._probe_ends = 0.0
        self._good_since = 0.0

    @property
    def ejected(self) -> bool:
        """Whether the worker is left out or being probed."""
        return self._until > 0.0

    def lets(self, now: float) -> bool:
        """Whether the worker may be asked now; while it is ejected, by one probe only."""
        return not self.ejected or (now >= self._until and now >= self._probe_ends)

    def asked(self, now: float) -> None:
        """Notes a purchase on its way; the first one after an ejection is the probe."""
        if self.ejected:
            self._probe_ends = now + PROBE_S

    def succeeded(self, now: float) -> None:
        """Notes a success: the probe's ends the ejection, a good while shortens the next one."""
        self._failures = 0
        if self.ejected and now >= self._until:
            self._until = self._probe_ends = 0.0
            self._good_since = now
        elif self._count and not self.ejected and now - self._good_since >= MOST_S:
            self._count -= 1
            self._good_since = now

    def failed(self, now: float) -> bool:
        """Notes a failure. Returns whether it ejects the worker."""
        self._failures += 1
        if self.ejected:
            # A purchase from before the ejection tells nothing new.
            return now >= self._until and self._eject(now)
        return self._failures >= FAILURES and self._may_eject() and self._eject(now)

    @property
    def seconds(self) -> float:
        """The length of the latest ejection."""
        return min(MOST_S, BASE_S * self._count)

    def _eject(self, now: float) -> bool:
        self._count += 1
        self._until = now + self.seconds
        self._probe_ends = 0.0
        return True
