"""A worker as the web sees it: its link, what waits on it, and whether it still answers."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from core.errors import LinkLost, LinkRefused
from core.eventlog.ring import EventLog
from core.schema.records import Load, WorkerRecord
from core.transport.link import Answer, Code, Link, Ping, Pong, Reply
from web.dispatch.circuit_breaker import CircuitBreaker
from web.dispatch.concurrency_limit import ConcurrencyLimit
from web.requests.order_change import Wanted

# A worker that owes an answer and has sent nothing for this long is passed over.
SILENT_S = 1.0
PING_S = 0.5
# A published load that is older is ignored.
LOAD_AGE_S = 1.5
# Purchases from other web servers count less than ours: their figure is a little old.
LOAD_WEIGHT = 0.25
# The latency of a worker without recent answers: low enough that the worker is asked again. Else
# it is a mean over the answers.
GUESSED_LATENCY_S = 0.005
SMOOTHING = 0.05
# A worker that has not answered for this many times its latency is not prompt.
PROMPT = 2.0
FAILURES = frozenset({Code.OUTCOME_UNKNOWN, Code.NO_QUORUM})
FIRST_BACKOFF_S = 0.05
MOST_BACKOFF_S = 2.0
RETIRE_S = 3.0


class Peer:
    """One registration of a worker: keeps a link to it, and sends purchases over that."""

    def __init__(
        self,
        record: WorkerRecord,
        *,
        key: bytes,
        clock: Callable[[], float],
        rng: random.Random,
        log: EventLog,
        may_eject: Callable[[], bool],
    ) -> None:
        self._key = key
        self._clock = clock
        self._rng = rng
        self._log = log
        self._link: Link | None = None
        self._lost = asyncio.Event()
        self._owes_since: float | None = None
        self._record = record
        # The load that the worker told last.
        self.load = record.load
        self._load_at = clock()
        # How long one purchase takes.
        self.latency_s = GUESSED_LATENCY_S
        self._answered_at = 0.0
        self._limit = ConcurrencyLimit()
        self._breaker = CircuitBreaker(may_eject)
        self.state = record.state
        self.outstanding = 0

    # --- what the dispatcher goes by -------------------------------------------------

    @property
    def name(self) -> str:
        return self._record.name

    @property
    def host(self) -> str:
        return self._record.host

    @property
    def linked(self) -> bool:
        return self._link is not None and not self._link.lost

    @property
    def ready(self) -> bool:
        return self.state == "ready" and self.linked

    @property
    def ejected(self) -> bool:
        return self._breaker.ejected

    def takes(self, now: float) -> bool:
        """Whether it may be given one more purchase."""
        return self.ready and self.outstanding < self._limit.size and self._breaker.lets(now)

    def serves(self, now: float) -> bool:
        """Whether it has answered a purchase just now, so that others wait only in its queue."""
        return now - self._answered_at < SILENT_S

    def prompt(self, now: float) -> bool:
        """Whether it has answered just now, and no purchase has waited for twice the usual time."""
        kept_s = 0.0 if self._owes_since is None else now - self._owes_since
        return self.serves(now) and kept_s <= PROMPT * self.latency_s

    def silent(self, now: float) -> bool:
        """Whether it owes an answer and has sent nothing for too long: it may hang."""
        return self._owes_since is not None and now - self._owes_since > SILENT_S

    def burden(self, now: float) -> float:
        """How long one more purchase would wait; other web servers' purchases count a little."""
        waiting = self.outstanding + 1.0
        if now - self._load_at <= LOAD_AGE_S:
            waiting += LOAD_WEIGHT * self.load.in_flight
        unknown = not self.outstanding and not self.serves(now)
        return waiting * (GUESSED_LATENCY_S if unknown else self.latency_s)

    def note(self, record: WorkerRecord) -> None:
        """Takes the registry's record if it is new: the link may know more than an old one."""
        if record.at != self._record.at:
            self._record = record
            self._hear(record.state, record.load)

    # --- purchases -------------------------------------------------------------------

    def ask(
        self,
        wanted: Wanted,
        *,
        keyed: bool,
        now: float,
        timeout_s: float,
        on_end: Callable[["Question", Answer | None], None],
    ) -> "Question":
        """Sends a purchase over the link, which must be open; it is outstanding from `now` on.

        `on_end` gets the answer, or None if the link breaks first.
        """
        assert self._link is not None
        self.outstanding += 1
        self._breaker.asked(now)
        if self._owes_since is None:
            self._owes_since = now
        question = Question(self, self._link, self._link.next_id(), keyed, now, on_end)
        self._link.post(
            wanted.request(question.id, keyed=keyed, timeout_s=timeout_s), question.hear
        )
        return question

    def settle(self, question: "Question", answer: Answer | None) -> None:
        """Closes a question: it has its answer, or, with None, the link broke."""
        now = self._clock()
        if answer is None:
            self.outstanding -= 1
            self._fail(now)
            return
        if answer.code is Code.OVERLOADED:
            self._limit.refused(self.outstanding, question.asked, now)
        self.outstanding -= 1
        self._owes_since = now if self.outstanding else None
        if answer.code in FAILURES:
            self._fail(now)
        elif answer.code in (Code.DRAINING, Code.HALTED):
            self.state = answer.code.value
        elif answer.code is not Code.OVERLOADED:
            self._served(now - question.asked, now)

    def leave(self, question: "Question") -> None:
        """Closes a question without an answer; it counts as a failure if it took too long."""
        now = self._clock()
        self.outstanding -= 1
        if now - question.asked >= SILENT_S and not self.serves(now):
            self._fail(now)

    def _served(self, took_s: float, now: float) -> None:
        """Learns from an answer that is no refusal: refusals are quick, and would attract more."""
        self.latency_s += SMOOTHING * (took_s - self.latency_s)
        self._answered_at = now
        self._limit.served(self.outstanding)
        self._breaker.succeeded(now)

    def _fail(self, now: float) -> None:
        if self._breaker.failed(now):
            self._log.warning("ejected", f"{self.name} for {self._breaker.seconds:.0f} s")

    def _heard(self) -> None:
        self._owes_since = self._clock() if self.outstanding else None

    def _hear(self, state: str, load: Load) -> None:
        self.state = state
        self.load = load
        self._load_at = self._clock()

    # --- the link --------------------------------------------------------------------

    async def keep(self) -> None:
        """Keeps the link open, with backoff, until it is cancelled."""
        backoff_s = FIRST_BACKOFF_S
        told = ""
        while True:
            link = Link(self._lost.set)
            try:
                await link.open(self._record.address, self._key)
                told, backoff_s = "", FIRST_BACKOFF_S
                await self._use(link)
            except (LinkLost, LinkRefused) as error:
                if str(error) != told:
                    told = str(error)
                    self._log.warning("link", f"{self.name}: {error}")
            finally:
                link.close()
            await asyncio.sleep(self._rng.uniform(0.5, 1.0) * backoff_s)
            backoff_s = min(2 * backoff_s, MOST_BACKOFF_S)

    async def _use(self, link: Link) -> None:
        """Pings until the link is lost, so that a worker's state and silence are known."""
        self._lost.clear()
        self._link = link
        self._log.info("linked", f"{self.name} at {self._record.address}")
        try:
            while not link.lost:
                with suppress(TimeoutError):
                    await self._ping(link)
                    async with asyncio.timeout(PING_S):
                        await self._lost.wait()
        finally:
            self._link = None
            self._owes_since = None
        raise LinkLost("the link to the worker broke")

    async def _ping(self, link: Link) -> None:
        pong = await link.ask(Ping(id=link.next_id()), PING_S)
        assert isinstance(pong, Pong)
        self._heard()
        self._hear(pong.state, pong.load)

    async def retire(self) -> None:
        """Waits a while for open purchases at a worker that has left the registry."""
        with suppress(TimeoutError):
            async with asyncio.timeout(RETIRE_S):
                while self.outstanding and self.linked:  # noqa: ASYNC110 - for a moment only
                    await asyncio.sleep(PING_S / 10)


@dataclass(eq=False, slots=True)
class Question:
    """A purchase that one worker was asked for, until its answer, the link's end, or `drop`.

    `keyed` says that the worker looks for an earlier order; `asked` is when, by the clock.
    """

    peer: Peer
    link: Link
    id: int
    keyed: bool
    asked: float
    on_end: Callable[["Question", Answer | None], None]

    def hear(self, reply: Reply | None) -> None:
        assert reply is None or isinstance(reply, Answer)
        self.peer.settle(self, reply)
        self.on_end(self, reply)

    def drop(self) -> None:
        """Waits no longer for the answer."""
        self.link.forget(self.id)
        self.peer.leave(self)
