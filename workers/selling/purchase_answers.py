"""Answers requests: each once, and "sold" only with a receipt on disk."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.errors import BadZnode, Halted
from core.eventlog.ring import EventLog
from core.store.orders import StoredOrder, StoredOrders
from core.store.receipt_keeping import Bookkeeper
from core.store.stock import TypeRef
from core.transport.link import Answer, Code
from workers.selling.commit_attempt import SaleAttempt
from workers.selling.pending_purchase import Candidate, PendingPurchase
from workers.selling.sales_meter import Meter


@dataclass(eq=False)
class Answers:
    """Answers purchases; the clock is monotonic."""

    _orders: StoredOrders
    _receipts: Bookkeeper
    _log: EventLog
    _meter: Meter
    _clock: Callable[[], float]
    _confirming: asyncio.Task[None] | None = None

    def answer(
        self,
        request: PendingPurchase,
        code: Code,
        stored: StoredOrder | None = None,
        remaining: int | None = None,
        allowance: int | None = None,
    ) -> None:
        """Answers a request and its repeats; a second answer to the same request is dropped."""
        if request.close():
            said = code if stored is None or request.is_for(stored.order) else Code.KEY_REUSED
            self._meter.answered(said, self._clock() - request.since)
            order = stored.view if stored is not None and said is not Code.KEY_REUSED else None
            request.reply(
                Answer(
                    id=request.purchase.id,
                    code=said,
                    order=order,
                    remaining=remaining,
                    allowance=allowance,
                    queue_us=int(request.queue_s * 1e6),
                    commit_us=int(request.commit_s * 1e6),
                )
            )
        again = Code.REPLAYED if code is Code.SOLD else code
        for repeat in request.repeats:
            self.answer(repeat, again, stored, remaining, allowance)

    async def refuse(
        self,
        requests: Sequence[Candidate],
        code: Code,
        left: Callable[[TypeRef], int],
        allowance: Callable[[PendingPurchase], int | None] = lambda _: None,
    ) -> None:
        """Refuses requests, except those whose key has bought already: they get their order."""
        await self.answer_known([pair for pair in requests if pair[0].may_have_bought])
        for request, ref in requests:
            self.answer(request, code, remaining=left(ref), allowance=allowance(request))

    async def answer_known(self, requests: Sequence[Candidate]) -> None:
        """Answers those requests whose orders exist. Raises `Unavailable`."""
        await asyncio.gather(*(self._answer_if_known(request, ref) for request, ref in requests))

    async def _answer_if_known(self, request: PendingPurchase, ref: TypeRef) -> None:
        try:
            found = await self._orders.find(ref.event, ref.generation, request.order_id)
        except BadZnode as error:
            self._log.error("damaged", str(error))
            self.answer(request, Code.DAMAGED)
            return
        if found is None:
            return
        try:
            await self._receipts.keep_order(found)
        except Halted:
            self.answer(request, Code.OUTCOME_UNKNOWN)
        else:
            self.answer(request, Code.REPLAYED, found)

    async def refuse_bucketless(self, attempt: SaleAttempt) -> None:
        """Answers those whose order has no znode to stand in: the event may be in deletion."""
        for (request, _), sale in zip(attempt.accepted, attempt.batch.sales, strict=True):
            if not await self._orders.has_bucket(sale):
                self._log.error("damaged", f"there is no znode for {sale.path} to stand in")
                self.answer(request, Code.DAMAGED)

    async def confirm(self, attempt: SaleAttempt, zxid: int) -> None:
        """Starts writing the receipt and returns: the next batch need not wait for it.

        One receipt at a time: no more than two batches are ever sold without one.
        """
        if self._confirming is not None:
            await self._confirming
        self._confirming = asyncio.create_task(self._answer_sold(attempt, zxid))

    async def _answer_sold(self, attempt: SaleAttempt, zxid: int) -> None:
        """Answers once the receipt is on disk (P2).

        Without a receipt the answer is "unknown", never "failed": the order stands, and a worker
        that can write a receipt will confirm it to whoever asks again.
        """
        try:
            await self._receipts.keep(attempt.batch, zxid)
        except Halted as error:
            self._log.error("unconfirmed", f"batch {attempt.batch.id}: {error}")
            for request, _ in attempt.accepted:
                self.answer(request, Code.OUTCOME_UNKNOWN)
            return
        for (request, _), sale in zip(attempt.accepted, attempt.batch.sales, strict=True):
            stored = StoredOrder(sale.order_id, sale.ref.event, sale.order, zxid)
            self.answer(request, Code.SOLD, stored)
