"""Decides how often pages that watch a sale may ask: the more of them, the less often."""

from collections.abc import Callable

# Requests of all watchers together in a second: less than a tenth of what a sale costs, measured.
# Half of them come over a new connection, which costs more than the reply.
POLLS_PER_S = 320.0
# There are few steps, for the hint is part of the cached reply and should seldom change.
STEPS_S = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 60)
WINDOW_S = 1.0
# The share of a window's count in the estimate of how many watch.
SMOOTHING = 0.3


class PollInterval:
    """Estimates the number of watchers, and spreads their requests.

    A watcher asks once in the time that it was told, so requests per second times that time are
    the watchers (Little's law).
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ends = clock() + WINDOW_S
        self._polls = 0
        self._watchers = 0.0
        self.step_s = STEPS_S[0]

    def note(self) -> None:
        """Counts a request."""
        self._polls += 1
        now = self._clock()
        if now >= self._ends:
            self._settle(now)

    def _settle(self, now: float) -> None:
        seconds = WINDOW_S + now - self._ends
        watchers = self._polls / seconds * self.step_s
        # After a long silence nothing is left of the earlier estimate.
        share = 1 - (1 - SMOOTHING) ** (seconds / WINDOW_S)
        self._watchers += share * (watchers - self._watchers)
        wanted = self._watchers / POLLS_PER_S
        self.step_s = next((step for step in STEPS_S if step >= wanted), STEPS_S[-1])
        self._polls = 0
        self._ends = now + WINDOW_S
