"""How wishes are told their end: each once, and "sold" only with a receipt on disk."""

import asyncio
from collections.abc import Callable, Sequence

from core.errors import BadZnode, Halted
from core.eventlog.ring import EventLog
from core.store.bookkeeping import Bookkeeper
from core.store.orders import Orders, StoredOrder
from core.store.stock import TypeRef
from core.transport.link import Answer, Code
from workers.selling.attempt import Attempt
from workers.selling.meter import Meter
from workers.selling.request import Candidate, Wish


class Answers:
    def __init__(
        self,
        orders: Orders,
        receipts: Bookkeeper,
        log: EventLog,
        meter: Meter,
        clock: Callable[[], float],
    ) -> None:
        self._orders = orders
        self._receipts = receipts
        self._log = log
        self._meter = meter
        self._clock = clock
        self._confirming: asyncio.Task[None] | None = None

    def answer(
        self,
        wish: Wish,
        code: Code,
        stored: StoredOrder | None = None,
        remaining: int | None = None,
    ) -> None:
        """Answers a wish and its repeats; a second answer to the same wish is dropped."""
        if not wish.answered:
            wish.answered = True
            said = code if stored is None or wish.is_for(stored.order) else Code.KEY_REUSED
            self._meter.answered(said, self._clock() - wish.since)
            order = stored.view if stored is not None and said is not Code.KEY_REUSED else None
            wish.reply(
                Answer(
                    id=wish.purchase.id,
                    code=said,
                    order=order,
                    remaining=remaining,
                    queue_us=int(wish.queue_s * 1e6),
                    commit_us=int(wish.commit_s * 1e6),
                )
            )
        again = Code.REPLAYED if code is Code.SOLD else code
        for repeat in wish.repeats:
            self.answer(repeat, again, stored, remaining)

    async def refuse(
        self, wishes: Sequence[Candidate], code: Code, left: Callable[[TypeRef], int]
    ) -> None:
        """Refuses, except those whose key has bought already: they get their order."""
        await self.answer_known([pair for pair in wishes if pair[0].may_have_bought])
        for wish, ref in wishes:
            self.answer(wish, code, remaining=left(ref))

    async def answer_known(self, wishes: Sequence[Candidate]) -> None:
        """Answers those wishes whose orders exist. Raises `Unavailable`."""
        await asyncio.gather(*(self._answer_if_known(wish, ref) for wish, ref in wishes))

    async def _answer_if_known(self, wish: Wish, ref: TypeRef) -> None:
        try:
            found = await self._orders.find(ref.event, ref.generation, wish.order_id)
        except BadZnode as error:
            self._log.error("damaged", str(error))
            self.answer(wish, Code.DAMAGED)
            return
        if found is None:
            return
        try:
            await self._receipts.keep_order(found, ref)
        except Halted:
            self.answer(wish, Code.OUTCOME_UNKNOWN)
        else:
            self.answer(wish, Code.REPLAYED, found)

    async def refuse_bucketless(self, attempt: Attempt) -> None:
        """Those whose order has no place to be stored; the event may just be going."""
        for (wish, _), sale in zip(attempt.accepted, attempt.batch.sales, strict=True):
            if not await self._orders.has_bucket(sale):
                self._log.error("damaged", f"there is no znode for {sale.path} to stand in")
                self.answer(wish, Code.DAMAGED)

    async def confirm(self, attempt: Attempt, zxid: int) -> None:
        """Has the receipt written, and returns at once: the next batch need not wait for it.

        One receipt at a time: no more than two batches are ever sold without one.
        """
        if self._confirming is not None:
            await self._confirming
        self._confirming = asyncio.create_task(self._answer_sold(attempt, zxid))

    async def _answer_sold(self, attempt: Attempt, zxid: int) -> None:
        """P2: sold is what is on disk here as well. Without a receipt it is sold all the same,
        and never "failed"; but who asks again is told so by a worker that can write it down.
        """
        try:
            await self._receipts.keep(attempt.batch, zxid)
        except Halted as error:
            self._log.error("unconfirmed", f"batch {attempt.batch.id}: {error}")
            for wish, _ in attempt.accepted:
                self.answer(wish, Code.OUTCOME_UNKNOWN)
            return
        for (wish, _), sale in zip(attempt.accepted, attempt.batch.sales, strict=True):
            stored = StoredOrder(sale.order_id, sale.ref.event, sale.order, zxid)
            self.answer(wish, Code.SOLD, stored)
