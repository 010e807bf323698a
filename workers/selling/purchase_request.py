"""A purchase that waits for its answer."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TypeAlias

from core.schema.records import Order
from core.store.stock import TypeRef
from core.transport.link import Answer, Purchase
from workers.group_commit.pending_request import PendingRequest, State


@dataclass(eq=False, slots=True, kw_only=True)
class PurchaseRequest(PendingRequest):
    """A purchase, and the repeats of it that arrived meanwhile; `since` when, monotonic."""

    purchase: Purchase
    order_id: str
    since: float
    queue_s: float = 0.0
    commit_s: float = 0.0
    repeats: list["PurchaseRequest"] = field(default_factory=list)

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
