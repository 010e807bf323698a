"""A purchase that waits for its answer."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TypeAlias

from core.schema.records import Order
from core.store.stock import TypeRef
from core.transport.link import Answer, Purchase
from workers.group_commit.pending_request import PendingRequest, RequestState


@dataclass(eq=False, slots=True, kw_only=True)
class PendingPurchase(PendingRequest):
    """A purchase that arrived at `since`, monotonic, with the repeats that arrived meanwhile."""

    purchase: Purchase
    order_id: str
    since: float
    queue_s: float = 0.0
    commit_s: float = 0.0
    repeats: list["PendingPurchase"] = field(default_factory=list)

    def repeats_the(self, first: "PendingPurchase") -> bool:
        """Whether it is the same purchase again, and not another one under the same key."""
        return _terms(self.purchase) == _terms(first.purchase)

    def is_for(self, order: Order) -> bool:
        """Whether that order is what was asked for: a key belongs to one purchase."""
        return _terms(self.purchase) == _terms(order)

    @property
    def may_have_bought(self) -> bool:
        """Whether a request with this key may have bought already, here or elsewhere."""
        return self.purchase.keyed or bool(self.repeats)

    def was_asked_by(self, reply: Callable[[Answer], None], ids: Collection[int] | None) -> bool:
        """Whether it came with that `reply` and one of these ids; None means any id."""
        return self.reply == reply and (ids is None or self.purchase.id in ids)

    def leave(self) -> None:
        """Drops it, because its buyer has gone.

        What has been sent stays, for it may happen; and so does a request with repeats, which
        have buyers of their own.
        """
        if self.state is RequestState.WAITING and not self.repeats:
            self.close()


Candidate: TypeAlias = tuple[PendingPurchase, TypeRef]


def _terms(wanted: Purchase | Order) -> tuple[str, int, str, bool]:
    hold = wanted.hold if isinstance(wanted, Purchase) else wanted.until is not None
    return wanted.type, wanted.quantity, wanted.buyer, hold
