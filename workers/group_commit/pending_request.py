"""A request that waits for its answer, and where it stands."""

import enum
from collections.abc import Callable
from dataclasses import dataclass

from core.transport.link import Answer

# The answer has to travel back before the web's own deadline passes.
TRAVEL_S = 0.15


class RequestState(enum.Enum):
    """The state of a request.

    WAITING ── send ─→ SENT ── commit ─→ COMMITTED
          ╰─ take back ─╯
    any ── close ─→ ANSWERED, for good
    """

    WAITING = "nothing of it can have happened"
    SENT = "in a transaction whose end is not known"
    COMMITTED = "done, and waits for its receipt"
    ANSWERED = "it has an answer, or nobody waits for one"


# Looked up in the enum, each would cost more than the comparison, several times for each purchase.
_WAITING, _SENT, _COMMITTED, _ANSWERED = RequestState


@dataclass(eq=False, slots=True, kw_only=True)
class PendingRequest:
    """A request with its deadline, which is monotonic; `reply` is called once."""

    reply: Callable[[Answer], None]
    deadline: float
    state: RequestState = _WAITING

    @property
    def is_answered(self) -> bool:
        return self.state is _ANSWERED

    @property
    def is_sent(self) -> bool:
        """Whether it may have happened by now."""
        return self.state is _SENT or self.state is _COMMITTED

    @property
    def is_undecided(self) -> bool:
        """Whether it has neither been committed nor answered."""
        return self.state is _WAITING or self.state is _SENT

    def send(self) -> None:
        if self.state is _WAITING:
            self.state = _SENT

    def take_back(self) -> None:
        """Notes that what was sent has not happened, and can't happen any more."""
        if self.state is _SENT:
            self.state = _WAITING

    def commit(self) -> None:
        if self.state is _SENT:
            self.state = _COMMITTED

    def close(self) -> bool:
        """Closes it; returns whether it was still open, for an answer is given once."""
        was_open = not self.is_answered
        self.state = _ANSWERED
        return was_open


def deadline_of(timeout_s: float, now: float) -> float:
    """Returns when an answer must leave to reach a web server that waits so long from `now`."""
    return now + max(0.0, timeout_s - TRAVEL_S)
