"""Limits guesses of what only some people know: a token, the name on an order."""

from collections import OrderedDict
from collections.abc import Callable

from core.client_addresses import client_network

# A token bucket: the wrong guesses that may come at once, and those in a second after that.
BURST = 10.0
PER_S = 1 / 6
MOST_KEPT = 1024


class GuessThrottle:
    """Counts wrong guesses, by client network or by what they are about. `clock` is monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # By network or subject: what was left, and when that was; the latest one stands at the end.
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, whose: str) -> int:
        """Seconds until the next attempt may be made from that address, or at that subject."""
        left = self._left_of(client_network(whose))
        return 0 if left >= 1 else int((1 - left) / PER_S) + 1

    def failed(self, whose: str) -> None:
        """Counts a wrong guess from that address, or at that subject."""
        self._add(whose, -1.0)

    def forgive(self, whose: str) -> None:
        """Takes a guess back that turned out to be none."""
        self._add(whose, 1.0)

    def _add(self, whose: str, guesses: float) -> None:
        network = client_network(whose)
        left = min(BURST, max(0.0, self._left_of(network) + guesses))
        self._left[network] = (left, self._clock())
        self._left.move_to_end(network)
        while len(self._left) > MOST_KEPT:
            self._left.popitem(last=False)

    def _left_of(self, network: str) -> float:
        left, since = self._left.get(network, (BURST, 0.0))
        return min(BURST, left + (self._clock() - since) * PER_S)
