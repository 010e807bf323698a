"""Sells by group commit: whatever arrived while the last commit was under way is the next.

One batch is in flight at a time. A commit whose answer was lost is resolved by
`core.store.commit` before anything else is decided.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence

from core.clock import Clock
from core.errors import Ambiguous, Halted, Unavailable, ZkticketError
from core.eventlog.ring import EventLog
from core.schema.records import order_id
from core.store.batch import Account, Failure
from core.store.bookkeeping import Bookkeeper
from core.store.commit import Commitment
from core.store.stock import TypeRef
from core.store.store import Store
from core.transport.link import Answer, Code, Purchase
from core.zookeeper import retry
from core.zookeeper.client import Committed, ZooKeeper
from workers.group_commit.batching import Linger, Pace
from workers.group_commit.group_commit import GroupCommit
from workers.group_commit.pending_request import deadline_of
from workers.overload.admission import Admission, Bounds
from workers.selling.allocation import allocate
from workers.selling.answers import Answers
from workers.selling.attempt import Attempt, Attempts
from workers.selling.buyer_limits import Claim, Limits, Verdict
from workers.selling.hold_slots import Slots
from workers.selling.meter import Meter
from workers.selling.purchase_queue import PurchaseQueue
from workers.selling.purchase_request import Candidate, PurchaseRequest
from workers.selling.sales_log import SalesLedger
from workers.selling.stock_cache import Offers

BATCH_ORDERS = 200
# After a lost race for a counter, wait a random part of this before the next try.
JITTER_S = 0.01
# A shorter break than this is waited out, an election among them; in a longer one buyers are told
# at once.
GRACE_S = 1.2


class Seller(GroupCommit[PurchaseRequest]):
    """Takes requests, commits batches, answers each request once."""

    def __init__(
        self,
        store: Store,
        zk: ZooKeeper,
        log: EventLog,
        receipts: Bookkeeper,
        *,
        order_key: bytes,
        fence: Callable[[], str],
        register: Callable[[], Awaitable[None]],
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._pace = Pace(Linger())
        super().__init__(PurchaseQueue(clock.monotonic, self._pace), BATCH_ORDERS, clock.monotonic)
        self._store = store
        self._zk = zk
        self._log = log
        self._receipts = receipts
        self._order_key = order_key
        self._register = register
        self._rng = rng
        self.meter = Meter(clock.monotonic)
        self._admission = Admission(Bounds(batch=BATCH_ORDERS))
        self._offers = Offers(store, log, clock)
        self._limits = Limits(store, order_key)
        self._slots = Slots(store.holds)
        self._attempts = Attempts(log.source, self._offers, fence, clock.now)
        self._commitment = Commitment(store, zk, SalesLedger(log, zk))
        self._answers = Answers(store.orders, receipts, log, self.meter, clock.monotonic)
        self._bought: list[PurchaseRequest] = []
        self._asked_since: float | None = None

    # --- taking requests -------------------------------------------------------------

    @property
    def stalled(self) -> bool:
        """ZooKeeper has been away, or has kept an answer back, for longer than a hiccup."""
        asked_s = 0.0 if self._asked_since is None else self._clock() - self._asked_since
        return max(self._zk.disconnected_s, asked_s) > GRACE_S

    def submit(self, purchase: Purchase, reply: Callable[[Answer], None]) -> None:
        """Takes a purchase, or refuses it at once. `reply` is called exactly once."""
        now = self._clock()
        self._submit(
            PurchaseRequest(
                purchase=purchase,
                order_id=order_id(self._order_key, purchase.event, purchase.key),
                reply=reply,
                since=now,
                deadline=deadline_of(purchase.timeout_s, now),
            )
        )

    def forget(self, reply: Callable[[Answer], None], ids: Collection[int] | None) -> None:
        """Drops purchases whose buyers have gone, all of that `reply` where `ids` is None."""
        for request in (*self._serving, *self._queue):
            if request.was_asked_by(reply, ids):
                request.leave()

    @property
    def _held(self) -> int:
        return len(self._queue) + len(self._serving)

    def _requests(self) -> Iterable[PurchaseRequest]:
        return dict.fromkeys((*self._bought, *self._serving, *self._queue))

    def _trouble(self) -> Code | None:
        if self._receipts.halted:
            return Code.HALTED
        return Code.NO_QUORUM if self.stalled else None

    def _full(self, request: PurchaseRequest) -> Code | None:
        left_s = request.deadline - request.since
        admitted = self._admission.admits(len(self._queue), self._held, left_s, request.since)
        return None if admitted else Code.OVERLOADED

    def _is_hopeless(self, request: PurchaseRequest, now: float) -> bool:
        """Past its deadline, or not worth the wait: what was sent waits longer than the rest."""
        if request.deadline <= now or self._zk.disconnected_s > GRACE_S:
            return True
        return not request.is_sent and self._trouble() is not None

    def _answer(self, request: PurchaseRequest, code: Code) -> None:
        self._answers.answer(request, code)

    # --- one batch -------------------------------------------------------------------

    async def _serve(self, requests: Sequence[PurchaseRequest]) -> None:
        started = self._clock()
        self._admission.batched(started - requests[-1].since, started)
        await self._sell(requests)
        ended = self._clock()
        # A longer round was an outage, which says nothing of how fast selling is.
        took_s = min(GRACE_S, ended - started)
        self._admission.served(took_s, self._held, ended)
        self._pace.committed(len(requests), took_s)

    async def _sell(self, requests: Sequence[PurchaseRequest]) -> None:
        """Decides and commits until every request is sold or answered."""
        while requests := [request for request in requests if request.is_undecided]:
            try:
                await self._receipts.ready()
                attempt = await self._decide(requests)
                if attempt is not None:
                    await self._settle(attempt)
            except (Unavailable, Ambiguous):
                await retry.pause(self._zk)
            except Halted:
                for request in requests:
                    self._refuse_late(request)
            except ZkticketError as error:
                self._log.error("selling failed", str(error))
                for request in requests:
                    self._answers.answer(
                        request, Code.OUTCOME_UNKNOWN if request.is_sent else Code.DAMAGED
                    )

    async def _decide(self, requests: Sequence[PurchaseRequest]) -> Attempt | None:
        """Refuses who can't be served; an attempt for the others, if there are any."""
        accepted, short = allocate(await self._candidates(requests), self._offers.own)
        if short:
            # Refused is only who is refused by a reading that is newer than his request, of all
            # stripes.
            self._offers.forget(ref for _, ref in short)
            accepted, short = allocate(await self._candidates(requests), self._offers.left)
            # Who falls short only by the others of this batch waits for its end: they may
            # turn out to be repeats, which take nothing.
            hopeless = [
                (request, ref)
                for request, ref in short
                if request.purchase.quantity > self._offers.left(ref)
            ]
            await self._answers.refuse(hopeless, Code.SOLD_OUT, self._offers.left)
            for ref in {ref for _, ref in hopeless}:
                self._offers.note_sold_out(ref)
        accepted, accounts = await self._within_limits(accepted)
        await self._make_slots(accepted)
        # Who was answered while the others were looked up, for being late, must not buy.
        if accounts and any(request.is_answered for request, _ in accepted):
            return None
        accepted = [pair for pair in accepted if not pair[0].is_answered]
        return self._attempts.make(accepted, accounts) if accepted else None

    async def _within_limits(
        self, accepted: list[Candidate]
    ) -> tuple[list[Candidate], tuple[Account, ...]]:
        """Whom their event's limit lets buy now, with their accounts; who is over it is refused."""
        if not any(self._offers.rules(ref).limit for ref in {ref for _, ref in accepted}):
            return accepted, ()
        ruling = await self._limits.rule([self._claim(request, ref) for request, ref in accepted])
        ruled = list(zip(accepted, ruling.verdicts, strict=True))
        over = [pair for pair, verdict in ruled if verdict is Verdict.OVER]
        if not all(self._offers.is_read_since(ref, request.since) for request, ref in over):
            # The limit may be a higher one by now. All are decided again, by what is read then.
            await self._read_terms_anew()
            return [], ()
        await self._answers.refuse(over, Code.LIMIT_REACHED, self._offers.left)
        return [pair for pair, verdict in ruled if verdict is Verdict.ALLOWED], ruling.accounts

    def _claim(self, request: PurchaseRequest, ref: TypeRef) -> Claim:
        wanted = request.purchase
        return Claim(ref, wanted.buyer, wanted.quantity, self._offers.rules(ref).limit)

    async def _make_slots(self, accepted: Sequence[Candidate]) -> None:
        """Lists of holds need a place to stand in."""
        for ref in {ref for request, ref in accepted if request.purchase.hold}:
            await self._slots.make(ref, self._offers.hold_ends(ref))

    async def _candidates(self, requests: Sequence[PurchaseRequest]) -> list[Candidate]:
        """The requests that can be served if there is stock; the others are answered."""
        found = await self._find(requests)
        if not all(self._is_offered(*pair) for pair in found):
            # Ours may be the old terms, and our server may lag behind: nobody is refused by that.
            await self._read_terms_anew()
            found = await self._find(requests)
        if early := [pair for pair in found if not self._offers.on_sale(pair[1])]:
            await self._answers.refuse(early, Code.NOT_ON_SALE, self._offers.left)
        if other := [pair for pair in found if not self._is_priced(*pair)]:
            await self._answers.refuse(other, Code.PRICE_CHANGED, self._offers.left)
        return [pair for pair in found if not pair[0].is_answered]

    async def _read_terms_anew(self) -> None:
        await self._zk.sync()
        self._offers.forget_terms()

    def _is_offered(self, request: PurchaseRequest, ref: TypeRef) -> bool:
        """Whether it is on sale, as far as we know, and costs that."""
        return self._offers.on_sale(ref) and self._is_priced(request, ref)

    def _is_priced(self, request: PurchaseRequest, ref: TypeRef) -> bool:
        """Whether the type costs what the buyer was shown."""
        return self._offers.price(ref).fits(request.purchase)

    async def _find(self, requests: Sequence[PurchaseRequest]) -> list[Candidate]:
        """The requests with the types that they are for; who wants what there is not is told so."""
        known: dict[tuple[str, str], TypeRef | Code] = {}
        found: list[Candidate] = []
        for request in requests:
            if request.is_answered:
                continue
            wanted = (request.purchase.event, request.purchase.type)
            if wanted not in known:
                known[wanted] = await self._offers.find(*wanted)
            ref = known[wanted]
            if isinstance(ref, Code):
                self._answers.answer(request, ref)
            else:
                found.append((request, ref))
        return found

    # --- committing ------------------------------------------------------------------

    async def _settle(self, attempt: Attempt) -> None:
        """Commits an attempt and does what its outcome asks for."""
        outcome = await self._commit(attempt)
        if isinstance(outcome, Committed):
            self._sold(attempt)
            await self._answers.confirm(attempt, outcome.zxid)
        elif outcome is not None:
            self._take_back(attempt)
            await self._mend(outcome, attempt)

    async def _commit(self, attempt: Attempt) -> Committed | Failure | None:
        """What became of it; None where nobody knows. Raises `Unavailable`."""
        async with self._log.lock:
            began = self._asked_since = self._clock()
            try:
                outcome = await self._commitment.commit(attempt.batch)
            except Unavailable:
                self._take_back(attempt)
                raise
            except Ambiguous as error:
                self._give_up(attempt, error)
                return None
            finally:
                self._asked_since = None
        if isinstance(outcome, Committed):
            attempt.note_times(began, self._clock())
        return outcome

    def _give_up(self, attempt: Attempt, why: Ambiguous) -> None:
        """Nobody waits any more, and nobody was told a lie; the keys will find the truth."""
        self._log.error("unresolved", f"batch {attempt.batch.id}: {why}")
        for request, _ in attempt.accepted:
            self._answers.answer(request, Code.OUTCOME_UNKNOWN)
        self._offers.forget(ref for _, ref in attempt.accepted)

    def _take_back(self, attempt: Attempt) -> None:
        """It has not happened and can't happen any more; what it rested on is read anew."""
        for request, _ in attempt.accepted:
            request.take_back()
        self._offers.forget(ref for _, ref in attempt.accepted)

    async def _mend(self, failure: Failure, attempt: Attempt) -> None:
        """Does what the failure asks for, so that the next attempt can succeed."""
        match failure:
            case Failure.MOVED:
                await asyncio.sleep(self._rng.uniform(0, JITTER_S))
            case Failure.REPEATED:
                await self._answers.answer_known(attempt.accepted)
            case Failure.FENCED:
                self._log.warning("fenced", "the registration was gone; taking a new one")
                await self._register()
            case Failure.LOG_LOST:
                await self._log.load(self._zk)
            case Failure.TERMS:
                self._offers.forget_terms()
            case Failure.GONE:
                self._offers.forget_terms()
                await asyncio.sleep(self._rng.uniform(0, JITTER_S))
            case Failure.NO_SLOT:
                self._slots.forget()
            case Failure.NO_BUCKET:
                self._offers.forget_terms()
                await self._answers.refuse_bucketless(attempt)

    def _sold(self, attempt: Attempt) -> None:
        """Notes what is sold; its requests wait for their receipt."""
        self._offers.moved(attempt.batch.counters)
        for request, _ in attempt.accepted:
            if not request.purchase.hold:
                self.meter.sold(request.purchase.quantity)
            request.commit()
        bought = [*self._bought, *(request for request, _ in attempt.accepted)]
        self._bought = [request for request in bought if not request.is_answered]
