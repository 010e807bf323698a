"""The queue of purchases; repeats of one join it in its batch."""

from collections.abc import Iterator

from workers.group_commit.request_queue import RequestQueue
from workers.selling.pending_purchase import PendingPurchase


class PurchaseQueue(RequestQueue[PendingPurchase]):
    """A batch has each key once; repeats of a purchase share its answer.

    A different purchase with the same key waits for the end of the first, and may be refused.
    """

    def _batch(self, most: int, requests: Iterator[PendingPurchase]) -> list[PendingPurchase]:
        taken: dict[str, PendingPurchase] = {}
        others: list[PendingPurchase] = []
        for request in requests:
            first = taken.setdefault(request.order_id, request)
            if first is not request:
                (first.repeats if request.repeats_the(first) else others).append(request)
            if len(taken) == most:
                break
        self._waiting.extendleft(reversed(others))
        return list(taken.values())
