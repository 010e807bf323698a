"""Clocks that jump, as they do when a machine's clock is set, or it sleeps, or is migrated."""

import random
import time

DAY_S = 86_400.0
# Longer than a seller spends on resolving a lost answer.
NAP_S = 40.0
# One of so many readings finds that the clock has jumped.
WALL_ODDS = 200
NAP_ODDS = 20_000


class Clocks:
    """The real wall clock and monotonic clock."""

    def now(self) -> float:
        """Returns Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class JumpingClocks(Clocks):
    """A wall clock that jumps by up to a day, and a monotonic one that jumps ahead by naps."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"clocks {seed}")
        self._wall_s = 0.0
        self._slept_s = 0.0

    def now(self) -> float:
        if not self._rng.randrange(WALL_ODDS):
            self._wall_s = self._rng.uniform(-DAY_S, DAY_S)
        return time.time() + self._wall_s

    def monotonic(self) -> float:
        if not self._rng.randrange(NAP_ODDS):
            self._slept_s += self._rng.uniform(0.0, NAP_S)
        return time.monotonic() + self._slept_s
