"""Connections that have not proved yet that they know the secret: few at once."""

from collections import Counter

from core.transport.link import Channel


class Strangers:
    """Takes in whoever connects. Where there are too many, the oldest of the most numerous goes.

    So strangers at one address push out each other, and nobody who comes from another one.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._addresses: dict[Channel, str] = {}
        self._turned_away = 0

    def enter(self, channel: Channel) -> None:
        """A connection has been made; it stays here until it has proved itself, or ends."""
        if len(self._addresses) >= self._most:
            self._turn_away()
        self._addresses[channel] = channel.peer
        channel.ready.add_done_callback(lambda _ready: self._addresses.pop(channel, None))

    def take_turned_away(self) -> int:
        """How many had to go since somebody asked last."""
        count, self._turned_away = self._turned_away, 0
        return count

    def _turn_away(self) -> None:
        [(crowded, _)] = Counter(self._addresses.values()).most_common(1)
        oldest = next(each for each, address in self._addresses.items() if address == crowded)
        del self._addresses[oldest]
        oldest.abort()
        self._turned_away += 1
