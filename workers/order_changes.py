"""Changes orders for their buyers: confirms, releases and extends holds, cancels, checks in.

Group commit as the seller's: what arrives while one transaction is under way is the next.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from core.errors import Ambiguous, BadZnode, Halted, Unavailable, Unconfirmed
from core.eventlog.ring import EventLog
from core.schema.records import Payment
from core.store.lifecycle import Act, OrderChange, Refusal
from core.store.order_changes import Amender, Done
from core.transport.link import Answer, ChangeRequest, Code

BATCH_CHANGES = 100
MOST_WAITING = 512
WATCH_S = 0.05
PAUSE_S = 0.1
# The answer has to travel back before the web's own deadline passes.
TRAVEL_S = 0.15


@dataclass(eq=False)
class Task:
    """A change that waits for its answer. `sent`: it may be in ZooKeeper by now."""

    change: ChangeRequest
    reply: Callable[[Answer], None]
    deadline: float
    sent: bool = False
    answered: bool = False

    def answer(self, code: Code, done: Done | None = None) -> None:
        """A second answer is dropped."""
        if not self.answered:
            self.answered = True
            order = done.order.view if done is not None and done.order is not None else None
            changed = done is not None and done.changed
            self.reply(Answer(id=self.change.id, code=code, order=order, changed=changed))


class Clerk:
    """Takes changes, settles batches of them, answers each once.

    `sold` is told of the tickets of each hold that is confirmed.
    """

    def __init__(
        self,
        amender: Amender,
        log: EventLog,
        *,
        clock: Callable[[], float],
        connected: Callable[[], bool],
        sold: Callable[[int], None],
    ) -> None:
        self._amender = amender
        self._log = log
        self._clock = clock
        self._connected = connected
        self._sold = sold
        self._queue: deque[Task] = deque()
        self._serving: list[Task] = []
        self._wake = asyncio.Event()
        self._settling = asyncio.Lock()
        self._draining = False

    @property
    def in_flight(self) -> int:
        return len(self._queue) + sum(not task.answered for task in self._serving)

    def submit(self, change: ChangeRequest, reply: Callable[[Answer], None]) -> None:
        """Takes a change, or refuses it at once. `reply` is called exactly once."""
        deadline = self._clock() + max(0.0, change.timeout_s - TRAVEL_S)
        task = Task(change, reply, deadline)
        if self._draining:
            task.answer(Code.DRAINING)
        elif not self._connected():
            task.answer(Code.NO_QUORUM)
        elif len(self._queue) >= MOST_WAITING:
            task.answer(Code.OVERLOADED)
        else:
            self._queue.append(task)
            self._wake.set()

    def drain(self) -> None:
        """Takes no more; what it has, it finishes."""
        self._draining = True

    async def finish(self, timeout_s: float) -> None:
        """Waits until everybody has an answer; gives it itself after `timeout_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.in_flight:  # noqa: ASYNC110 - polled for a moment, at the end of a life
                    await asyncio.sleep(WATCH_S / 5)
        for task in (*self._serving, *self._queue):
            task.answer(Code.OUTCOME_UNKNOWN if task.sent else Code.DRAINING)

    async def run(self) -> None:
        """Serves batch after batch until it is cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                self._serving = self._take()
                if self._serving:
                    await self._serve(self._serving)
                self._serving = []

    async def watch(self) -> None:
        """Answers whoever can't be served in time, while `run` waits for ZooKeeper."""
        while True:
            await asyncio.sleep(WATCH_S)
            now = self._clock()
            for task in (*self._serving, *self._queue):
                if task.deadline <= now:
                    task.answer(self._code_of_late(task))

    async def settle(self, changes: Sequence[OrderChange]) -> list[Done]:
        """As `Amender.settle`, between the batches of buyers."""
        async with self._settling:
            return await self._amender.settle(changes)

    def _code_of_late(self, task: Task) -> Code:
        if task.sent:
            return Code.OUTCOME_UNKNOWN
        return Code.OVERLOADED if self._connected() else Code.NO_QUORUM

    def _take(self) -> list[Task]:
        taken: list[Task] = []
        while self._queue and len(taken) < BATCH_CHANGES:
            task = self._queue.popleft()
            if not task.answered:
                taken.append(task)
        return taken

    async def _serve(self, tasks: Sequence[Task]) -> None:
        """Until every one of them has its answer; a damaged order fails alone."""
        while open_ := [task for task in tasks if not task.answered]:
            for task in open_:
                task.sent = True
            try:
                ends = await self.settle([task.change for task in open_])
            except Unavailable:
                for task in open_:
                    task.sent = False
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
                for task, done in zip(open_, ends, strict=True):
                    task.answer(_code(done), done)
                self._note(open_, ends)

    def _note(self, tasks: Sequence[Task], ends: Sequence[Done]) -> None:
        for task, done in zip(tasks, ends, strict=True):
            change, payment = task.change, task.change.payment
            if done.order is not None and done.changed:
                act = done.order.order.changes[-1].act
                if act == Act.CONFIRM:
                    self._sold(done.order.order.quantity)
                if done.refusal is None:
                    paid = f", {_said(payment)}" if payment else ""
                    self._log.info(act, f"order {change.order}{paid}", [change.order])
            if payment is not None and not _is_known(payment, done):
                self._log.warning(
                    "payment",
                    f"{_said(payment)}, counts for nothing: order {change.order}: {_code(done)}",
                    [change.order],
                )


def _said(payment: Payment) -> str:
    amount = "" if payment.amount is None else f" of {payment.amount}"
    return f"payment {payment.id!r}{amount} {payment.currency}".rstrip()


def _is_known(payment: Payment, done: Done) -> bool:
    """Whether it counts, or was refused and told before."""
    if done.order is None or done.refusal is None:
        return done.order is not None
    on_record = any(each.id == payment.id for _, each in done.order.order.payments)
    return on_record and not done.changed


def _answer_all(tasks: Sequence[Task], code: Code) -> None:
    for task in tasks:
        task.answer(code)


def _code(done: Done) -> Code:
    if done.order is None:
        return Code.NO_SUCH_ORDER
    if done.refusal is None:
        return Code.DONE
    return Code.NOT_HELD if done.refusal is Refusal.NOT_EXPIRED else Code(done.refusal.value)
