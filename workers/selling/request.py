"""A purchase that waits for its answer."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TypeAlias

from core.schema.records import Order
from core.store.stock import TypeRef
from core.transport.link import Answer, Purchase


@dataclass(eq=False)
class Wish:
    """A purchase that waits, and the repeats of it that arrived meanwhile. Times are monotonic."""

    purchase: Purchase
    order_id: str
    reply: Callable[[Answer], None]
    since: float
    deadline: float
    sent: bool = False
    # Committed: it waits for its receipt.
    bought: bool = False
    answered: bool = False
    queue_s: float = 0.0
    commit_s: float = 0.0
    repeats: list["Wish"] = field(default_factory=list)

    def repeats_the(self, first: "Wish") -> bool:
        """Whether it is the same purchase once more, and not another under the same key."""
        return _terms(self.purchase) == _terms(first.purchase)

    def is_for(self, order: Order) -> bool:
        """Whether that order is what was asked for: a key belongs to one purchase."""
        return _terms(self.purchase) == _terms(order)

    @property
    def may_have_bought(self) -> bool:
        """Another wish of this key may have been fulfilled already, here or elsewhere."""
        return self.purchase.keyed or bool(self.repeats)

    def was_asked_by(self, reply: Callable[[Answer], None], ids: Collection[int] | None) -> bool:
        """Whether it is one of those; `ids` of None are all of that `reply`."""
        return self.reply == reply and (ids is None or self.purchase.id in ids)

    def leave(self) -> None:
        """Drops it, for its buyer has gone.

        Not what has been sent: that happens, and the key finds it. Nor one whose repeats wait
        behind it: they have buyers of their own.
        """
        if not self.sent and not self.repeats:
            self.answered = True


Candidate: TypeAlias = tuple[Wish, TypeRef]


def _terms(wanted: Purchase | Order) -> tuple[str, int, str, bool]:
    hold = wanted.hold if isinstance(wanted, Purchase) else wanted.until is not None
    return wanted.type, wanted.quantity, wanted.buyer, hold
