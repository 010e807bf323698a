"""A purchase that waits for its answer."""

import enum
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TypeAlias

from core.schema.records import Order
from core.store.stock import TypeRef
from core.transport.link import Answer, Purchase


class State(enum.Enum):
    """Where a request stands.

    WAITING ── send ─→ SENT ── commit ─→ COMMITTED
          ╰─ take back ─╯
    any ── answer ─→ ANSWERED, for good
    """

    WAITING = "nothing of it can have happened"
    SENT = "in a transaction whose end is not known"
    COMMITTED = "sold, and waits for its receipt"
    ANSWERED = "its buyer has an answer, or has gone"


@dataclass(eq=False, slots=True)
class PurchaseRequest:
    """A purchase that waits, and the repeats of it that arrived meanwhile. Times are monotonic."""

    purchase: Purchase
    order_id: str
    reply: Callable[[Answer], None]
    since: float
    deadline: float
    state: State = State.WAITING
    queue_s: float = 0.0
    commit_s: float = 0.0
    repeats: list["PurchaseRequest"] = field(default_factory=list)

    @property
    def is_answered(self) -> bool:
        return self.state is State.ANSWERED

    @property
    def is_sent(self) -> bool:
        """Whether it may have happened by now."""
        return self.state is State.SENT or self.state is State.COMMITTED

    @property
    def is_undecided(self) -> bool:
        """It has neither been sold nor answered."""
        return self.state is State.WAITING or self.state is State.SENT

    def send(self) -> None:
        if self.state is State.WAITING:
            self.state = State.SENT

    def take_back(self) -> None:
        """What was sent has not happened, and can't happen any more."""
        if self.state is State.SENT:
            self.state = State.WAITING

    def commit(self) -> None:
        if self.state is State.SENT:
            self.state = State.COMMITTED

    def close(self) -> bool:
        """Whether it was still open: an answer is given once."""
        was_open = not self.is_answered
        self.state = State.ANSWERED
        return was_open

    def repeats_the(self, first: "PurchaseRequest") -> bool:
        """Whether it is the same purchase once more, and not another under the same key."""
        return _terms(self.purchase) == _terms(first.purchase)

    def is_for(self, order: Order) -> bool:
        """Whether that order is what was asked for: a key belongs to one purchase."""
        return _terms(self.purchase) == _terms(order)

    @property
    def may_have_bought(self) -> bool:
        """Another request of this key may have been fulfilled already, here or elsewhere."""
        return self.purchase.keyed or bool(self.repeats)

    def was_asked_by(self, reply: Callable[[Answer], None], ids: Collection[int] | None) -> bool:
        """Whether it is one of those; `ids` of None are all of that `reply`."""
        return self.reply == reply and (ids is None or self.purchase.id in ids)

    def leave(self) -> None:
        """Drops it, for its buyer has gone.

        Not what has been sent: that happens, and the key finds it. Nor one whose repeats wait
        behind it: they have buyers of their own.
        """
        if self.state is State.WAITING and not self.repeats:
            self.close()


Candidate: TypeAlias = tuple[PurchaseRequest, TypeRef]


def _terms(wanted: Purchase | Order) -> tuple[str, int, str, bool]:
    hold = wanted.hold if isinstance(wanted, Purchase) else wanted.until is not None
    return wanted.type, wanted.quantity, wanted.buyer, hold
