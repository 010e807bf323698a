"""One purchase on its way: who has been asked, what came back, what is still in doubt."""

import asyncio
from collections.abc import Callable

from core.errors import LinkLost
from core.wire import Answer, Code
from web.basket import Basket
from web.peer import SILENT_S, Peer

# Answers after which nothing is open any more.
FINAL = frozenset(
    {
        Code.SOLD,
        Code.REPLAYED,
        Code.SOLD_OUT,
        Code.NOT_ON_SALE,
        Code.NO_SUCH_EVENT,
        Code.NO_SUCH_TYPE,
        Code.KEY_REUSED,
        Code.DAMAGED,
    }
)
# Refusals that another worker may not share.
LOCAL = frozenset({Code.DRAINING, Code.NO_QUORUM})


class Pursuit:
    """Asks workers for one purchase until one gives a final answer.

    Asking several is safe, because one key makes one order (P3). Once a question was sent
    and its end is not known, the others are told that the key may have bought already.
    """

    def __init__(self, basket: Basket, ends: float, clock: Callable[[], float]) -> None:
        self._basket = basket
        self._ends = ends
        self._clock = clock
        # Whether the worker was told to look for an earlier order, by question.
        self._pending: dict[asyncio.Task[Answer], bool] = {}
        self._refusal = Code.OVERLOADED
        self._in_doubt = False
        self._wants_another = False
        self._hedged = False
        self.asked: list[Peer] = []
        self.answer: Answer | None = None

    def ask(self, peer: Peer) -> None:
        """Sends the purchase to one more worker."""
        keyed = self._basket.keyed or self._in_doubt or bool(self._pending)
        left_s = self._ends - self._clock()
        task = peer.ask(self._basket, keyed=keyed, timeout_s=left_s)
        self._pending[task] = keyed
        self.asked.append(peer)
        self._wants_another = False

    @property
    def open(self) -> bool:
        """There is no final answer, and one may yet come."""
        return self.answer is None and bool(self._pending)

    @property
    def wants_another(self) -> bool:
        """Another worker should be asked: one has gone, refused for itself, or is silent."""
        return self.answer is None and self._wants_another

    async def wait(self) -> None:
        """Until something comes back, or a worker has been silent for too long."""
        left_s = self._ends - self._clock()
        timeout_s = left_s if self._hedged else min(SILENT_S, left_s)
        done, _ = await asyncio.wait(
            self._pending, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        if not done and not self._hedged:
            self._hedged = self._wants_another = True
        for task in done:
            self._take(task, keyed=self._pending.pop(task))

    def close(self) -> None:
        """Waits for nothing any more."""
        for task in self._pending:
            task.cancel()
        self._in_doubt |= bool(self._pending)
        self._pending.clear()

    @property
    def end(self) -> Answer:
        """The final answer, or the honest one: refused, or not known."""
        if self.answer is None:
            code = Code.OUTCOME_UNKNOWN if self._in_doubt else self._refusal
            return Answer(id=0, code=code)
        return self.answer

    def _take(self, task: asyncio.Task[Answer], *, keyed: bool) -> None:
        try:
            answer = task.result()
        except LinkLost:
            self._in_doubt = self._wants_another = True
        except TimeoutError:
            self._in_doubt = True
        else:
            self._weigh(answer, keyed=keyed)

    def _weigh(self, answer: Answer, *, keyed: bool) -> None:
        if answer.code in FINAL:
            self._conclude(answer, keyed=keyed)
        elif answer.code is Code.OUTCOME_UNKNOWN:
            self._in_doubt = True
        elif answer.code in LOCAL:
            self._wants_another = True
            self._refusal = answer.code
        else:
            self._refusal = answer.code

    def _conclude(self, answer: Answer, *, keyed: bool) -> None:
        """A refusal ends it only where no other worker may have sold meanwhile.

        Sold out, from one that looked for an earlier order and found none, always does.
        """
        alone = not self._pending and not self._in_doubt
        looked = keyed and answer.code is Code.SOLD_OUT
        if alone or looked or answer.order is not None or answer.code is Code.KEY_REUSED:
            self.answer = answer
        else:
            self._in_doubt = True
