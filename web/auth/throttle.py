"""Bounds how often somebody may try to guess the operators' token."""

from collections import OrderedDict
from collections.abc import Callable

from core.networks import client_network

# So many wrong ones at once, and then one every so often (a token bucket).
BURST = 10.0
PER_S = 1 / 6
MOST_ADDRESSES = 1024


class TokenThrottle:
    """Wrong tokens by where they came from. `clock` is monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # What is left, and since when; who was heard last stands at the end.
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    @property
    def size(self) -> int:
        """How many addresses are remembered."""
        return len(self._left)

    def wait_s(self, address: str) -> int:
        """0 where one more attempt may be made, else when to come back."""
        left = self._left_of(client_network(address))
        return 0 if left >= 1 else int((1 - left) / PER_S) + 1

    def failed(self, address: str) -> None:
        """A wrong token came from there."""
        network = client_network(address)
        self._left[network] = (self._left_of(network) - 1, self._clock())
        self._left.move_to_end(network)
        while len(self._left) > MOST_ADDRESSES:
            self._left.popitem(last=False)

    def _left_of(self, network: str) -> float:
        left, since = self._left.get(network, (BURST, 0.0))
        return min(BURST, left + (self._clock() - since) * PER_S)
