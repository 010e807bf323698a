"""Turns: one worker gets all purchases for a moment, then another one.

A transaction costs its worker and the servers as much as some fifteen orders in it, so a few
large ones sell more than many small ones. Spread one by one over three workers, 64 buyers cost
twice the processor time of 64 at a single worker (measured; see the bench's profile).
"""

from collections.abc import Iterable

from web.dispatch.worker import Peer

LONGEST_S = 0.25
# The least number of purchases in a turn; it has more if more are under way.
LEAST = 64
# A worker that takes this many times as long as the quickest gets no turn.
TOLERANCE = 2.0


class Turn:
    """A worker's turn: up to `purchases` until `ends`; the first of them is given already."""

    def __init__(self, peer: Peer, purchases: int, ends: float) -> None:
        self.peer = peer
        self._left = purchases - 1
        self._ends = ends

    def goes_on(self, now: float) -> bool:
        """Whether the worker is prompt and should get one more purchase, which is counted."""
        if self._left <= 0 or now >= self._ends:
            return False
        self._left -= 1
        return self.peer.takes(now) and self.peer.prompt(now)


def turn(peer: Peer, able: Iterable[Peer], outstanding: int, now: float) -> Turn:
    """The turn of the worker chosen among the `able`; a slow one gets a single purchase."""
    slow = peer.latency_s > TOLERANCE * min(each.latency_s for each in able)
    purchases = 1 if slow else max(LEAST, outstanding)
    return Turn(peer, purchases, now + LONGEST_S)
