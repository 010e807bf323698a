"""Purchases that wait for the next batch; repeats of one go behind it."""

from collections.abc import Iterator

from workers.group_commit.request_queue import RequestQueue
from workers.selling.purchase_request import PurchaseRequest


class PurchaseQueue(RequestQueue[PurchaseRequest]):
    """A batch has each key once.

    Another purchase of the same key waits for the end of the first: it may be refused alone.
    """

    def _batch(self, most: int, requests: Iterator[PurchaseRequest]) -> list[PurchaseRequest]:
        taken: dict[str, PurchaseRequest] = {}
        others: list[PurchaseRequest] = []
        for request in requests:
            first = taken.setdefault(request.order_id, request)
            if first is not request:
                (first.repeats if request.repeats_the(first) else others).append(request)
            if len(taken) == most:
                break
        self._waiting.extendleft(reversed(others))
        return list(taken.values())
