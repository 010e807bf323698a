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
from core.store.batch import Account, Failure, batch_ids
from core.store.commit import Commitment
from core.store.receipt_keeping import Bookkeeper
from core.store.stock import TypeRef
from core.store.store import Store
from core.transport.link import Answer, Code, Purchase
from core.zookeeper import lost_answers
from core.zookeeper.client import Committed, ZooKeeper
from workers.group_commit.batching import Pace
from workers.group_commit.group_commit import GroupCommit
from workers.group_commit.pending_request import deadline_of
from workers.overload.admission import AdmissionControl
from workers.selling.allocation import allocate
from workers.selling.buyer_limits import BuyerLimits, LimitVerdict
from workers.selling.commit_attempt import SaleAttempt, SaleAttempts
from workers.selling.hold_slots import HoldSlots
from workers.selling.pending_purchase import Candidate, PendingPurchase
from workers.selling.purchase_answers import Answers
from workers.selling.purchase_queue import PurchaseQueue
from workers.selling.sales_log import SalesLedger
from workers.selling.sales_meter import Meter
from workers.selling.stock_cache import StockCache

BATCH_ORDERS = 200
# So much of the usual batch is waited for.
BATCH_SHARE = 0.75
# After a lost race for a counter, wait a random part of this before the next try.
JITTER_S = 0.01
# A break shorter than this, such as an election, is waited out; in a longer one buyers are refused
# at once.
GRACE_S = 1.2


class Seller(GroupCommit[PendingPurchase]):
    """Takes purchases, commits them in batches, answers each once."""

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
        self._pace = Pace(BATCH_SHARE)
        super().__init__(PurchaseQueue(clock.monotonic, self._pace), BATCH_ORDERS, clock.monotonic)
        self._store = store
        self._zk = zk
        self._log = log
        self._receipts = receipts
        self._order_key = order_key
        self._register = register
        self._rng = rng
        self.meter = Meter(clock.monotonic)
        self._admission = AdmissionControl(BATCH_ORDERS)
        self._stock_cache = StockCache(store, log, clock)
        self._buyer_limits = BuyerLimits(store, order_key)
        self._hold_slots = HoldSlots(store.holds)
        ids = batch_ids(log.source)
        self._attempts = SaleAttempts(ids, self._stock_cache, fence, clock.now)
        self._commitment = Commitment(store, zk, SalesLedger(log, zk))
        self._answers = Answers(store.orders, receipts, log, self.meter, clock.monotonic)
        self._bought: list[PendingPurchase] = []
        self._asked_since: float | None = None

    # --- taking requests -------------------------------------------------------------

    @property
    def stalled(self) -> bool:
        """Whether ZooKeeper has been away, or has owed an answer, for longer than `GRACE_S`."""
        asked_s = 0.0 if self._asked_since is None else self._clock() - self._asked_since
        return max(self._zk.disconnected_s, asked_s) > GRACE_S

    def submit(self, purchase: Purchase, reply: Callable[[Answer], None]) -> None:
        """Takes a purchase, or refuses it at once. `reply` is called exactly once."""
        now = self._clock()
        self._submit(
            PendingPurchase(
                purchase=purchase,
                order_id=order_id(self._order_key, purchase.event, purchase.key),
                reply=reply,
                since=now,
                deadline=deadline_of(purchase.timeout_s, now),
            )
        )

    def forget(self, reply: Callable[[Answer], None], ids: Collection[int] | None) -> None:
        """Drops purchases whose buyers have gone; `ids` of None means all with that `reply`."""
        for request in (*self._serving, *self._queue):
            if request.was_asked_by(reply, ids):
                request.leave()

    @property
    def _held(self) -> int:
        return len(self._queue) + len(self._serving)

    def _requests(self) -> Iterable[PendingPurchase]:
        return dict.fromkeys((*self._bought, *self._serving, *self._queue))

    def _trouble(self) -> Code | None:
        if self._receipts.halted:
            return Code.HALTED
        return Code.NO_QUORUM if self.stalled else None

    def _full(self, request: PendingPurchase) -> Code | None:
        left_s = request.deadline - request.since
        admitted = self._admission.admits(len(self._queue), self._held, left_s, request.since)
        return None if admitted else Code.OVERLOADED

    def _hopeless(self, now: float) -> Iterable[PendingPurchase]:
        """Adds all requests in an outage; those that were sent outlast a short one."""
        if self._zk.disconnected_s > GRACE_S:
            return self._requests()
        if self._trouble() is None:
            return super()._hopeless(now)
        return [each for each in self._requests() if each.deadline <= now or not each.is_sent]

    def _answer(self, request: PendingPurchase, code: Code) -> None:
        self._answers.answer(request, code)

    # --- one batch -------------------------------------------------------------------

    async def _serve(self, requests: Sequence[PendingPurchase]) -> None:
        started = self._clock()
        self._admission.batched(started - requests[-1].since, started)
        await self._sell(requests)
        ended = self._clock()
        # A longer round was an outage, which says nothing of how fast selling is.
        took_s = min(GRACE_S, ended - started)
        self._admission.served(took_s, self._held, ended)
        self._pace.committed(len(requests), took_s)

    async def _sell(self, requests: Sequence[PendingPurchase]) -> None:
        """Decides and commits until every request is sold or answered."""
        while requests := [request for request in requests if request.is_undecided]:
            try:
                await self._receipts.ready()
                attempt = await self._decide(requests)
                if attempt is not None:
                    await self._settle(attempt)
            except (Unavailable, Ambiguous):
                await lost_answers.pause(self._zk)
            except Halted:
                for request in requests:
                    self._refuse_late(request)
            except ZkticketError as error:
                self._log.error("selling failed", str(error))
                for request in requests:
                    self._answers.answer(
                        request, Code.OUTCOME_UNKNOWN if request.is_sent else Code.DAMAGED
                    )

    async def _decide(self, requests: Sequence[PendingPurchase]) -> SaleAttempt | None:
        """Refuses what can't be served; returns an attempt for the rest, if any."""
        accepted, short = allocate(await self._candidates(requests), self._stock_cache.own)
        if short:
            # A refusal needs a reading of all stripes that is newer than the request.
            self._stock_cache.forget(ref for _, ref in short)
            accepted, short = allocate(await self._candidates(requests), self._stock_cache.left)
            # A request that falls short only because of others in this batch waits for their
            # end: they may turn out to be repeats, which take nothing.
            hopeless = [
                (request, ref)
                for request, ref in short
                if request.purchase.quantity > self._stock_cache.left(ref)
            ]
            await self._answers.refuse(hopeless, Code.SOLD_OUT, self._stock_cache.left)
            for ref in {ref for _, ref in hopeless}:
                self._stock_cache.note_sold_out(ref)
        accepted, accounts = await self._within_limits(accepted)
        await self._make_slots(accepted)
        # A request that was answered meanwhile, because it was late, must not buy.
        if accounts and any(request.is_answered for request, _ in accepted):
            return None
        accepted = [pair for pair in accepted if not pair[0].is_answered]
        return self._attempts.make(accepted, accounts) if accepted else None

    async def _within_limits(
        self, accepted: list[Candidate]
    ) -> tuple[list[Candidate], tuple[Account, ...]]:
        """Refuses what is over its event's limit; returns the rest, with the buyers' accounts."""
        if not any(self._stock_cache.rules(ref).limit for ref in {ref for _, ref in accepted}):
            return accepted, ()
        rulings, accounts = await self._buyer_limits.rule(
            accepted, lambda ref: self._stock_cache.rules(ref).limit
        )
        ruled = list(zip(accepted, rulings, strict=True))
        over = [pair for pair, ruling in ruled if ruling.verdict is LimitVerdict.OVER]
        if not all(self._stock_cache.is_read_since(ref, request.since) for request, ref in over):
            # The limit may have been raised. All are decided again by a new reading.
            await self._read_terms_anew()
            return [], ()
        allowances = {request: ruling.allowance for (request, _), ruling in ruled}
        await self._answers.refuse(over, Code.LIMIT_REACHED, self._stock_cache.left, allowances.get)
        allowed = [pair for pair, ruling in ruled if ruling.verdict is LimitVerdict.ALLOWED]
        return allowed, accounts

    async def _make_slots(self, accepted: Sequence[Candidate]) -> None:
        """Makes the znodes in which the lists of holds will stand."""
        for ref in {ref for request, ref in accepted if request.purchase.hold}:
            await self._hold_slots.make(ref, self._stock_cache.hold_ends(ref))

    async def _candidates(self, requests: Sequence[PendingPurchase]) -> list[Candidate]:
        """Returns the requests that can be served if there is stock; answers the others."""
        found = await self._find(requests)
        if self._are_offered(found):
            return found
        # The cached terms may be old, and the server may lag behind: that refuses nobody.
        await self._read_terms_anew()
        found = await self._find(requests)
        if early := [pair for pair in found if not self._stock_cache.on_sale(pair[1])]:
            await self._answers.refuse(early, Code.NOT_ON_SALE, self._stock_cache.left)
        prices = self._stock_cache.prices(ref for _, ref in found)
        for code in (Code.PRICE_CHANGED, Code.PAYMENT_REQUIRED):
            refused = [pair for pair in found if prices[pair[1]].refusal(pair[0].purchase) is code]
            if refused:
                await self._answers.refuse(refused, code, self._stock_cache.left)
        return [pair for pair in found if not pair[0].is_answered]

    async def _read_terms_anew(self) -> None:
        await self._zk.sync()
        self._stock_cache.forget_terms()

    def _are_offered(self, found: Sequence[Candidate]) -> bool:
        """Whether all types are on sale as they are asked for, as far as is known."""
        prices = self._stock_cache.prices(ref for _, ref in found)
        return all(map(self._stock_cache.on_sale, prices)) and all(
            prices[ref].refusal(request.purchase) is None for request, ref in found
        )

    async def _find(self, requests: Sequence[PendingPurchase]) -> list[Candidate]:
        """Returns the requests with their types; refuses those whose type does not exist."""
        known: dict[tuple[str, str], TypeRef | Code] = {}
        found: list[Candidate] = []
        for request in requests:
            if request.is_answered:
                continue
            wanted = (request.purchase.event, request.purchase.type)
            if wanted not in known:
                known[wanted] = await self._stock_cache.find(*wanted)
            ref = known[wanted]
            if isinstance(ref, Code):
                self._answers.answer(request, ref)
            else:
                found.append((request, ref))
        return found

    # --- committing ------------------------------------------------------------------

    async def _settle(self, attempt: SaleAttempt) -> None:
        """Commits an attempt and does what its outcome asks for."""
        outcome = await self._commit(attempt)
        if isinstance(outcome, Committed):
            self._sold(attempt)
            await self._answers.confirm(attempt, outcome.zxid)
        elif outcome is not None:
            self._take_back(attempt)
            await self._mend(outcome, attempt)

    async def _commit(self, attempt: SaleAttempt) -> Committed | Failure | None:
        """Returns what became of it, or None where nobody knows. Raises `Unavailable`."""
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

    def _give_up(self, attempt: SaleAttempt, why: Ambiguous) -> None:
        """Answers "unknown", which is true; a repeat with the same key hears the end."""
        self._log.error("unresolved", f"batch {attempt.batch.id}: {why}")
        for request, _ in attempt.accepted:
            self._answers.answer(request, Code.OUTCOME_UNKNOWN)
        self._stock_cache.forget(ref for _, ref in attempt.accepted)

    def _take_back(self, attempt: SaleAttempt) -> None:
        """Takes back what has not happened and can't any more; forgets the stock it rested on."""
        for request, _ in attempt.accepted:
            request.take_back()
        self._stock_cache.forget(ref for _, ref in attempt.accepted)

    async def _mend(self, failure: Failure, attempt: SaleAttempt) -> None:
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
                self._stock_cache.forget_terms()
            case Failure.GONE:
                self._stock_cache.forget_terms()
                await asyncio.sleep(self._rng.uniform(0, JITTER_S))
            case Failure.NO_SLOT:
                self._hold_slots.forget()
            case Failure.NO_BUCKET:
                self._stock_cache.forget_terms()
                await self._answers.refuse_bucketless(attempt)

    def _sold(self, attempt: SaleAttempt) -> None:
        """Notes what is sold; its requests wait for their receipts."""
        self._stock_cache.moved(attempt.batch.counters)
        for request, _ in attempt.accepted:
            if not request.purchase.hold:
                self.meter.sold(request.purchase.quantity)
            request.commit()
        bought = [*self._bought, *(request for request, _ in attempt.accepted)]
        self._bought = [request for request in bought if not request.is_answered]
