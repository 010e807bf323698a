"""How long messages travel, and how often a connection breaks under them."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Weather:
    """One schedule's network. Times are in seconds, shares of messages from 0 to 1.

    `hop_s` is the usual time of one way; a share `slow` takes up to `slow_s`. A share `breaks` of
    the requests breaks the connection, before, while or after they are done. Of what was under way
    then, the share `late` still arrives, up to `late_s` afterwards. Followers are up to `lag_s`
    behind.
    """

    hop_s: float = 0.002
    slow: float = 0.0
    slow_s: float = 0.0
    breaks: float = 0.0
    late: float = 0.5
    late_s: float = 0.5
    lag_s: float = 0.0
    reconnect_s: float = 0.1
    # The links between buyers and workers.
    lost: float = 0.0
    held_up: float = 0.0

    def hop(self, rng: Random) -> float:
        if self.slow and rng.random() < self.slow:
            return rng.random() * self.slow_s
        return (0.2 + rng.random()) * self.hop_s


CALM = Weather()
