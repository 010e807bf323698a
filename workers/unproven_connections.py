"""Bounds the connections that have not proved yet that they know the secret."""

from collections import Counter

from core.transport.link import Channel


class UnprovenConnections:
    """Takes every new connection; where there are too many, closes one of the busiest address.

    Strangers at one address push out each other, never a connection from elsewhere.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._addresses: dict[Channel, str] = {}
        self._turned_away = 0

    def enter(self, channel: Channel) -> None:
        """Counts a new connection until it has proved itself, or ends."""
        if len(self._addresses) >= self._most:
            self._turn_away()
        self._addresses[channel] = channel.peer
        channel.ready.add_done_callback(lambda _ready: self._addresses.pop(channel, None))

    def take_turned_away(self) -> int:
        """Returns how many were closed since the last call."""
        count, self._turned_away = self._turned_away, 0
        return count

    def _turn_away(self) -> None:
        [(crowded, _)] = Counter(self._addresses.values()).most_common(1)
        oldest = next(each for each, address in self._addresses.items() if address == crowded)
        del self._addresses[oldest]
        oldest.abort()
        self._turned_away += 1
