"""Whether a purchase may wait: a permit or none, at once, and first come, first served.

It may where three agree. It can be committed within its deadline: the rounds before it, and
twice what a slow round takes. The queue doesn't stand (`standing`), or hardly anybody is
before it. And the worker holds fewer than its limit (`gradient`).
"""

from dataclasses import dataclass, field

from core.quantiles import Recent
from workers.overload.codel import TARGET_S, Standing
from workers.overload.gradient import Gradient, Range

WINDOW_S = 0.25
SMOOTHING = 0.2


@dataclass(frozen=True)
class Bounds:
    """So many purchases are served in one round at the most."""

    batch: int = 200
    held: Range = field(default_factory=Range)


class Admission:
    """Learns how long a round of selling takes, and what may wait for one.

    A round is one batch from the decision to the answer. All times are in seconds, `now` is
    monotonic.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._batch = bounds.batch
        self._gradient = Gradient(bounds.held)
        self._standing = Standing()
        self._rounds = Recent()
        self._round_s = 0.0
        self._slow_s = 0.0
        self._window = Window(0.0)

    @property
    def limit(self) -> int:
        """How many are held at the most, waiting or being served."""
        return self._gradient.limit

    @property
    def tight(self) -> bool:
        """The queue stands, so only the next batch may wait."""
        return self._standing.tight

    def admits(self, waiting: int, held: int, left_s: float, now: float) -> bool:
        """Whether one more may wait behind `waiting` others, with `left_s` to its deadline.

        With nobody waiting it is always tried: that is how a bad time is seen to be over.
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
        """A batch was taken, whose last one has waited that long."""
        self._standing.batch(least_wait_s, now)

    def served(self, took_s: float, held: int, now: float) -> None:
        """A round took that long; `held` were there at its end, and in it."""
        learned = SMOOTHING if self._round_s else 1.0
        self._round_s += learned * (took_s - self._round_s)
        self._slow_s = max(self._slow_s, took_s)
        self._rounds.add(took_s)
        self._window.add(took_s, held)
        if now - self._window.since >= WINDOW_S:
            self._gradient.update(self._window.mean_s, self._window.most_held)
            self._slow_s = self._rounds.quantiles().p99_ms / 1000
            self._window = Window(now)


class Window:
    """The rounds since `since`: sampling by windows keeps one odd round from deciding."""

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
