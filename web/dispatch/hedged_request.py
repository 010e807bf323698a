"""One purchase on its way: the workers that were asked, their answers, and what is in doubt."""

import asyncio
from collections.abc import Callable

from core.transport.link import Answer, Code
from web.dispatch.worker import SILENT_S, Peer, Question
from web.http.request import Gone
from web.requests.order_change import Wanted

# Refusals for one worker's own reasons: another one may accept.
LOCAL = frozenset({Code.DRAINING, Code.HALTED, Code.NO_QUORUM})
# Codes that end a request; after any other one it may still be done, or be done already.
FINAL = frozenset(Code) - LOCAL - {Code.OVERLOADED, Code.NO_WORKER, Code.OUTCOME_UNKNOWN}
# Codes that are true whatever other workers answer.
CERTAIN = frozenset({Code.SOLD, Code.REPLAYED, Code.DONE, Code.KEY_REUSED})
# The buyer's connection is watched after this time.
WATCH_S = 0.1


class HedgedRequest:
    """Asks workers for one purchase until one gives a final answer.

    Asking several is safe, because one key makes one order (P3). Once the end of a question is
    unknown, the next workers are told that the key may have bought already. The dispatcher calls
    `pass_time` now and then. `gone` waits until the buyer's connection closes; None if that can't
    be known.
    """

    def __init__(
        self,
        wanted: Wanted,
        clock: Callable[[], float],
        deadline_s: float,
        gone: Gone | None = None,
    ) -> None:
        self._wanted = wanted
        self._gone = gone
        self._watch: asyncio.Future[None] | None = None
        self._clock = clock
        self.began = self._asked_at = clock()
        self.heard_at = 0.0
        self._ends = self.began + deadline_s
        self._pending: list[Question] = []
        self._refusal = Code.OVERLOADED
        self._in_doubt = False
        self._wants_another = False
        self._hedged = False
        self._news: asyncio.Future[None] | None = None
        self._is_news = False
        self.asked: list[Peer] = []
        self.answer: Answer | None = None

    def ask(self, peer: Peer, now: float) -> None:
        """Sends the purchase to one more worker."""
        keyed = self._wanted.keyed or self._in_doubt or bool(self._pending)
        self._asked_at = now
        self._wants_another = False
        self.asked.append(peer)
        self._pending.append(
            peer.ask(
                self._wanted,
                keyed=keyed,
                now=now,
                timeout_s=self._ends - now,
                on_end=self._take,
            )
        )

    @property
    def open(self) -> bool:
        """Whether there is no final answer yet and one may still come."""
        return self.answer is None and bool(self._pending)

    @property
    def wants_another(self) -> bool:
        """Whether to ask another worker: one has gone, refused for itself, or is silent."""
        return self.answer is None and self._wants_another

    async def wait(self) -> None:
        """Waits until an answer comes, or a worker has been silent for too long."""
        if not self._is_news:
            self._news = asyncio.get_running_loop().create_future()
            await self._news
        self._is_news = False

    def pass_time(self, now: float) -> None:
        """Gives up at the deadline; before it, wants another worker once if all asked are stuck."""
        if now >= self._ends:
            self._abandon()
        elif not self._hedged and now - self._asked_at >= SILENT_S and self._is_stuck(now):
            self._hedged = self._wants_another = True
            self._tell()
        if self._watch is None and self._gone is not None:
            self._watch = asyncio.ensure_future(self._gone())
            self._watch.add_done_callback(self._leave)

    def _is_stuck(self, now: float) -> bool:
        return not any(question.peer.serves(now) for question in self._pending)

    def _leave(self, watch: "asyncio.Future[None]") -> None:
        """Gives up when the buyer has gone: a worker need not sell what it has not sent yet."""
        if not watch.cancelled() and watch.exception() is None:
            self._abandon()

    def _abandon(self) -> None:
        self._wants_another = False
        self.close()
        self._tell()

    def close(self) -> None:
        """Drops all open questions."""
        if self._watch is not None:
            self._watch.cancel()
        for question in self._pending:
            question.drop()
        self._in_doubt |= bool(self._pending)
        self._pending.clear()

    @property
    def end(self) -> Answer:
        """The final answer; without one, the refusal, or that the outcome is unknown."""
        if self.answer is None:
            code = Code.OUTCOME_UNKNOWN if self._in_doubt else self._refusal
            return Answer(id=0, code=code)
        return self.answer

    def _take(self, question: Question, answer: Answer | None) -> None:
        self._pending.remove(question)
        self.heard_at = self._clock()
        if answer is None:
            self._in_doubt = self._wants_another = True
        else:
            self._weigh(answer, keyed=question.keyed)
        self._tell()

    def _tell(self) -> None:
        self._is_news = True
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

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
        """Accepts a refusal only if no other worker may have sold meanwhile.

        Sold out is always accepted from a worker that looked for an earlier order first.
        """
        alone = not self._pending and not self._in_doubt
        looked = keyed and answer.code is Code.SOLD_OUT
        if alone or looked or answer.code in CERTAIN:
            self.answer = answer
        else:
            self._in_doubt = True
