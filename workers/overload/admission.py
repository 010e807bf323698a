"""Decides at once whether a purchase may wait; first come, first served.

A purchase is admitted where three conditions hold. There is time until its deadline for the
rounds before it and for twice a slow round. The queue doesn't stand (`codel`), or is short. The
worker holds fewer purchases than its limit (`gradient`).
"""

from core.quantiles import Recent
from workers.overload.codel import TARGET_S, Standing
from workers.overload.gradient import Gradient, Range

WINDOW_S = 0.25
SMOOTHING = 0.2


class AdmissionControl:
    """Learns how long a round of selling takes, and what may wait for one.

    A round is one batch, of at most so many purchases, from the decision to the answer. All
    times are in seconds, `now` is monotonic.
    """

    def __init__(self, batch: int) -> None:
        self._batch = batch
        self._gradient = Gradient(Range())
        self._standing = Standing()
        self._rounds = Recent()
        self._round_s = 0.0
        self._slow_s = 0.0
        self._window = RoundWindow(0.0)

    @property
    def limit(self) -> int:
        """The most purchases that may be held, waiting or being served."""
        return self._gradient.limit

    @property
    def tight(self) -> bool:
        """Whether the queue stands, so that only the next batch may wait."""
        return self._standing.tight

    def admits(self, waiting: int, held: int, left_s: float, now: float) -> bool:
        """Whether one more may wait behind `waiting` others, with `left_s` to its deadline.

        With nobody waiting it is always admitted: so the end of a bad time is noticed.
        """
        admitted = waiting == 0 or (held < self.limit and self._is_in_time(waiting, left_s))
        if not admitted:
            self._standing.refused(now)
        return admitted

    def _is_in_time(self, waiting: int, left_s: float) -> bool:
        ahead_s = waiting // self._batch * self._round_s
        if self.tight and ahead_s > TARGET_S:
            return False
        return ahead_s + 2 * self._slow_s < left_s

    def batched(self, least_wait_s: float, now: float) -> None:
        """Notes that a batch was taken whose last purchase has waited that long."""
        self._standing.batch(least_wait_s, now)

    def served(self, took_s: float, held: int, now: float) -> None:
        """Notes that a round took that long; `held` purchases waited or were served at its end."""
        learned = SMOOTHING if self._round_s else 1.0
        self._round_s += learned * (took_s - self._round_s)
        self._slow_s = max(self._slow_s, took_s)
        self._rounds.add(took_s)
        self._window.add(took_s, held)
        if now - self._window.since >= WINDOW_S:
            self._gradient.update(self._window.mean_s, self._window.most_held)
            self._slow_s = self._rounds.quantiles().p99_ms / 1000
            self._window = RoundWindow(now)


class RoundWindow:
    """The rounds since `since`. A whole window decides, so that one odd round does not."""

    def __init__(self, since: float) -> None:
        self.since = since
        self.most_held = 0
        self._rounds = 0
        self._sum_s = 0.0

    def add(self, took_s: float, held: int) -> None:
        self._rounds += 1
        self._sum_s += took_s
        self.most_held = max(self.most_held, held)

    @property
    def mean_s(self) -> float:
        return self._sum_s / self._rounds
