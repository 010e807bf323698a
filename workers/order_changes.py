"""Changes orders for their buyers: confirms, releases and extends holds, cancels, checks in."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.errors import Ambiguous, BadZnode, Halted, Unavailable, Unconfirmed
from core.eventlog.ring import EventLog
from core.schema.order_number import number_of
from core.schema.records import Payment
from core.store.order_changes import ChangeOutcome, OrderChanger
from core.store.order_lifecycle import Act, OrderChange, Refusal
from core.text.names import brief
from core.transport.link import Answer, ChangeRequest, Code
from workers.group_commit.batching import Pace
from workers.group_commit.group_commit import GroupCommit
from workers.group_commit.pending_request import PendingRequest, deadline_of
from workers.group_commit.request_queue import RequestQueue

MOST_AT_ONCE = 100
MOST_WAITING = 512
PAUSE_S = 0.1


@dataclass(eq=False, slots=True, kw_only=True)
class PendingChange(PendingRequest):
    """A change that waits for its answer."""

    change: ChangeRequest

    def answer(self, code: Code, done: ChangeOutcome | None = None) -> None:
        """A second answer is dropped."""
        if self.close():
            order = done.order.view if done is not None and done.order is not None else None
            changed = done is not None and done.changed
            self.reply(Answer(id=self.change.id, code=code, order=order, changed=changed))


class OrderChangeQueue(GroupCommit[PendingChange]):
    """Commits changes in groups; `sold` is told of the tickets of each confirmed hold."""

    def __init__(
        self,
        changer: OrderChanger,
        log: EventLog,
        *,
        clock: Callable[[], float],
        connected: Callable[[], bool],
        sold: Callable[[int], None],
    ) -> None:
        at_once = Pace(share=0.0)  # no change waits for others: there are few of them
        super().__init__(RequestQueue(clock, at_once), MOST_AT_ONCE, clock)
        self._changer = changer
        self._log = log
        self._connected = connected
        self._sold = sold
        self._settling = asyncio.Lock()

    def submit(self, change: ChangeRequest, reply: Callable[[Answer], None]) -> None:
        """Takes a change, or refuses it at once. `reply` is called exactly once."""
        deadline = deadline_of(change.timeout_s, self._clock())
        self._submit(PendingChange(change=change, reply=reply, deadline=deadline))

    async def settle(self, changes: Sequence[OrderChange]) -> list[ChangeOutcome]:
        """Settles changes as `OrderChanger` does, between the batches of buyers."""
        async with self._settling:
            return await self._changer.settle(changes)

    def _trouble(self) -> Code | None:
        return None if self._connected() else Code.NO_QUORUM

    def _full(self, _request: PendingChange) -> Code | None:
        return Code.OVERLOADED if len(self._queue) >= MOST_WAITING else None

    def _answer(self, request: PendingChange, code: Code) -> None:
        request.answer(code)

    async def _serve(self, requests: Sequence[PendingChange]) -> None:
        """Tries until every change has its answer; a damaged order fails alone."""
        while open_ := [each for each in requests if not each.is_answered]:
            for each in open_:
                each.send()
            try:
                ends = await self.settle([each.change for each in open_])
            except Unavailable:
                for each in open_:
                    each.take_back()
                await asyncio.sleep(PAUSE_S)
            except Halted:
                _answer_all(open_, Code.HALTED)
            except (Ambiguous, Unconfirmed) as error:
                self._log.error("unresolved", f"{len(open_)} changes of orders: {error}")
                _answer_all(open_, Code.OUTCOME_UNKNOWN)
            except BadZnode as error:
                half = len(open_) // 2
                if half:
                    await self._serve(open_[:half])
                    await self._serve(open_[half:])
                else:
                    self._log.error("damaged", str(error))
                    _answer_all(open_, Code.DAMAGED)
            else:
                for each, done in zip(open_, ends, strict=True):
                    each.answer(_code(done), done)
                self._note(open_, ends)

    def _note(self, requests: Sequence[PendingChange], ends: Sequence[ChangeOutcome]) -> None:
        for each, done in zip(requests, ends, strict=True):
            change, payment = each.change, each.change.payment
            if done.order is not None and done.changed:
                act = done.order.order.changes[-1].act
                if act == Act.CONFIRM:
                    self._sold(done.order.order.quantity)
                if done.refusal is None:
                    text = f"order {_named(change.order)}{_details(change)}"
                    self._log.info(act, text, [change.order])
            if payment is not None and not _is_known(payment, done):
                self._log.warning(
                    "payment",
                    f"{_said(payment)}, counts for nothing: order "
                    f"{_named(change.order)}: {_code(done)}",
                    [change.order],
                )


def _named(order_id: str) -> str:
    """The order's number for people, and its id."""
    return f"{number_of(order_id)} ({order_id})"


def _details(change: OrderChange) -> str:
    """What it was paid with, at which door it happened, and who asked for it."""
    paid = f", {_said(change.payment)}" if change.payment else ""
    at_door = change.act in (Act.CHECK_IN, Act.UNDO_CHECK_IN) and change.note
    door = f", door {brief(change.note)!r}" if at_door else ""
    return f"{paid}{door}{f', by {change.by}' if change.by else ''}"


def _said(payment: Payment) -> str:
    amount = "" if payment.amount is None else f" of {payment.amount}"
    return f"payment {payment.id!r}{amount} {payment.currency}".rstrip()


def _is_known(payment: Payment, done: ChangeOutcome) -> bool:
    """Whether a payment counts, or was refused and logged before."""
    if done.order is None or done.refusal is None:
        return done.order is not None
    on_record = any(each.id == payment.id for _, each in done.order.order.payments)
    return on_record and not done.changed


def _answer_all(requests: Sequence[PendingChange], code: Code) -> None:
    for each in requests:
        each.answer(code)


def _code(done: ChangeOutcome) -> Code:
    if done.order is None:
        return Code.NO_SUCH_ORDER
    if done.refusal is None:
        return Code.DONE
    return Code.NOT_HELD if done.refusal is Refusal.NOT_EXPIRED else Code(done.refusal.value)
