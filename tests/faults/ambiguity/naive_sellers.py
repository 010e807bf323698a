"""Sellers with the usual mistakes about a lost answer, for the checker to catch."""

from typing import Any

from core.store.batch import Batch, Failure
from core.transport.link import Code
from core.zookeeper import lost_answers
from core.zookeeper.client import Committed
from workers.selling.commit_attempt import SaleAttempt
from workers.selling.seller import Seller


class Naive(Seller):
    """Resolves a lost answer in a way of its own."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._commitment._resolve = self._resolve  # type: ignore[method-assign]

    async def _resolve(self, batch: Batch) -> Committed | Failure:
        raise NotImplementedError


class CallsItFailed(Naive):
    """Tells the buyers that nothing happened, because no answer came."""

    async def _resolve(self, batch: Batch) -> Committed | Failure:
        for request in self._serving:
            self._answers.answer(request, Code.NO_QUORUM)
        self._log.info("resolved", f"batch {batch.id}: called failed")
        return Failure.MOVED


class TriesAgainWithFreshVersions(Naive):
    """Decides anew with the present versions, because no answer came."""

    async def _resolve(self, batch: Batch) -> Committed | Failure:
        await lost_answers.pause(self._zk)
        self._log.info("resolved", f"batch {batch.id}: called failed, to be tried again")
        return Failure.MOVED


class MintsNewOrders(TriesAgainWithFreshVersions):
    """Does the same, with order ids that are new for each try and not made from the key."""

    def _take_back(self, attempt: SaleAttempt) -> None:
        super()._take_back(attempt)
        for request, _ in attempt.accepted:
            request.order_id = request.order_id[:2] + f"{self._rng.getrandbits(120):030x}"
