"""Sells by group commit: whatever arrived while the last commit was under way is the next.

One batch is in flight at a time. A commit whose answer was lost is resolved by
`core.commitment` before anything else is decided.
"""

import asyncio
import itertools
import random
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from msgspec.structs import replace

from core import paths
from core.batch import Account, Batch, Failure, Held, Sale
from core.bookkeeping import Bookkeeper
from core.commitment import Commitment
from core.errors import (
    Ambiguous,
    BadZnode,
    Halted,
    NoSuchEvent,
    NoSuchType,
    Unavailable,
    ZkticketError,
)
from core.holds import SLOT_S, hold_path
from core.logs import EventLog
from core.models import Event, HoldList, Order, order_id
from core.orders import StoredOrder
from core.stock import Counter, TypeRef
from core.store import Store
from core.wire import Answer, Code, Purchase
from core.zk import Committed, ZooKeeper
from workers.admission import Admission, Bounds
from workers.ledger import SalesLedger
from workers.limits import Claim, Limits, Verdict
from workers.meter import Meter
from workers.pace import Linger, Pace
from workers.stripes import draw, place_of, remaining

BATCH_ORDERS = 200
# Slots of time in which holds end, kept so that none is made twice; far more than are in use.
KNOWN_SLOTS = 64
# After a lost race for a counter, wait a random part of this before the next try.
JITTER_S = 0.01
# A shorter break than this is waited out, an election among them; in a longer one buyers are told
# at once.
GRACE_S = 1.2
WATCH_S = 0.05
# The answer has to travel back before the web's own deadline passes.
TRAVEL_S = 0.15
EVENT_AGE_S = 1.0


@dataclass(eq=False)
class Wish:
    """A purchase that waits for its answer, and the repeats of it that arrived meanwhile."""

    purchase: Purchase
    order_id: str
    reply: Callable[[Answer], None]
    since: float
    deadline: float
    sent: bool = False
    # Committed: it waits for its receipt.
    bought: bool = False
    answered: bool = False
    queue_s: float = 0.0
    commit_s: float = 0.0
    repeats: list["Wish"] = field(default_factory=list)

    def repeats_the(self, first: "Wish") -> bool:
        """Whether it is the same purchase once more, and not another under the same key."""
        return _terms(self.purchase) == _terms(first.purchase)

    @property
    def may_have_bought(self) -> bool:
        """Another wish of this key may have been fulfilled already, here or elsewhere."""
        return self.purchase.keyed or bool(self.repeats)


Candidate: TypeAlias = tuple[Wish, TypeRef]


@dataclass(frozen=True)
class Attempt:
    """A batch with the wishes that it fulfils, in the order of its sales."""

    batch: Batch
    accepted: tuple[Candidate, ...]


@dataclass(frozen=True)
class Offer:
    """A type that somebody wishes for, and whether it is on sale now."""

    ref: TypeRef
    on_sale: bool


@dataclass(frozen=True)
class CachedEvent:
    event: Event
    read_at: float


class Seller:
    """Takes wishes, commits batches, answers each wish once."""

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
        now: Callable[[], float],
        clock: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self._store = store
        self._zk = zk
        self._log = log
        self._receipts = receipts
        self._place = place_of(log.source)
        self._order_key = order_key
        self._fence = fence
        self._register = register
        self._now = now
        self._clock = clock
        self._rng = rng
        self._admission = Admission(Bounds(batch=BATCH_ORDERS))
        self.meter = Meter(clock)
        self._queue: deque[Wish] = deque()
        self._serving: list[Wish] = []
        self._bought: list[Wish] = []
        self._confirming: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._pace = Pace(Linger())
        self._enough = 1
        self._full = asyncio.Event()
        self._draining = False
        self._asked_since: float | None = None
        self._events: dict[str, CachedEvent] = {}
        self._counters: dict[TypeRef, tuple[Counter, ...]] = {}
        self._batch_name = secrets.token_hex(4)
        self._batch_numbers = itertools.count(1)
        self._sold_out: set[TypeRef] = set()
        self._limits = Limits(store, order_key)
        self._commitment = Commitment(store, zk, SalesLedger(log, zk), clock)
        self._slots: deque[str] = deque(maxlen=KNOWN_SLOTS)

    # --- taking wishes ---------------------------------------------------------------

    @property
    def in_flight(self) -> int:
        serving = [wish for wish in self._serving if not wish.bought]
        open_ = sum(not wish.answered for wish in (*serving, *self._bought))
        return len(self._queue) + open_

    @property
    def _held(self) -> int:
        return len(self._queue) + len(self._serving)

    @property
    def stalled(self) -> bool:
        """ZooKeeper has been away, or has kept an answer back, for longer than a hiccup."""
        asked_s = 0.0 if self._asked_since is None else self._clock() - self._asked_since
        return max(self._zk.disconnected_s, asked_s) > GRACE_S

    def submit(self, purchase: Purchase, reply: Callable[[Answer], None]) -> None:
        """Takes a purchase, or refuses it at once. `reply` is called exactly once."""
        now = self._clock()
        wish = Wish(
            purchase,
            order_id(self._order_key, purchase.event, purchase.key),
            reply,
            since=now,
            deadline=now + max(0.0, purchase.timeout_s - TRAVEL_S),
        )
        if self._draining:
            self._answer(wish, Code.DRAINING)
        elif self._receipts.halted:
            self._answer(wish, Code.HALTED)
        elif self.stalled:
            self._answer(wish, Code.NO_QUORUM)
        elif not self._admission.admits(len(self._queue), self._held, wish.deadline - now, now):
            self._answer(wish, Code.OVERLOADED)
        else:
            self._queue.append(wish)
            self._wake.set()
            if len(self._queue) >= self._enough:
                self._full.set()

    def forget(self, reply: Callable[[Answer], None], ids: Collection[int] | None) -> None:
        """Drops purchases whose buyers have gone, all of that `reply` where `ids` is None.

        Only what has not been sent: what is sent happens, and the key finds it. Nor one whose
        repeats wait behind it: they have buyers of their own.
        """
        for wish in (*self._serving, *self._queue):
            asked = wish.reply == reply and (ids is None or wish.purchase.id in ids)
            if asked and not wish.sent and not wish.repeats:
                wish.answered = True

    async def drain(self, timeout_s: float) -> None:
        """Takes no more, finishes what it has; what is left after `timeout_s` is told so."""
        self._draining = True
        self._wake.set()
        self._full.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.in_flight:  # noqa: ASYNC110 - polled for a moment, at the end of a life
                    await asyncio.sleep(WATCH_S / 5)
        self._answer_waiting(lambda _wish: True)

    # --- the two loops ---------------------------------------------------------------

    async def run(self) -> None:
        """Serves batch after batch until it is cancelled."""
        while True:
            await self._wake.wait()
            await self._gather()
            self._serving = self._take()
            if not self._queue:
                self._wake.clear()
            if self._serving:
                started = self._clock()
                self._admission.batched(started - self._serving[-1].since, started)
                await self._serve(self._serving)
                ended = self._clock()
                # A longer round was an outage, which says nothing of how fast selling is.
                took_s = min(GRACE_S, ended - started)
                self._admission.served(took_s, self._held, ended)
                self._pace.committed(len(self._serving), took_s)
                self._serving = []

    async def _gather(self) -> None:
        """Waits a moment for a batch that is worth its commit."""
        self._enough = self._pace.wanted
        if len(self._queue) >= self._enough or self._draining:
            return
        self._full.clear()
        timer = asyncio.get_running_loop().call_later(self._pace.linger_s, self._full.set)
        await self._full.wait()
        timer.cancel()

    async def watch(self) -> None:
        """Answers whoever can't be served in time, while `run` waits for ZooKeeper."""
        while True:
            await asyncio.sleep(WATCH_S)
            now = self._clock()
            self._answer_waiting(partial(self._hopeless, now=now))

    def _hopeless(self, wish: Wish, now: float) -> bool:
        """Past its deadline, or not worth the wait: what was sent waits longer than the rest."""
        if wish.deadline <= now or self._zk.disconnected_s > GRACE_S:
            return True
        return not wish.sent and bool(self.stalled or self._receipts.halted)

    def _answer_waiting(self, due: Callable[[Wish], bool]) -> None:
        for wish in [*self._bought, *self._serving, *self._queue]:
            if not wish.answered and due(wish):
                self._answer(wish, self._code_of_late(wish))
        self._queue = deque(wish for wish in self._queue if not wish.answered)

    def _code_of_late(self, wish: Wish) -> Code:
        if wish.sent:
            return Code.OUTCOME_UNKNOWN
        if self._receipts.halted:
            return Code.HALTED
        if self.stalled:
            return Code.NO_QUORUM
        return Code.DRAINING if self._draining else Code.OVERLOADED

    def _take(self) -> list[Wish]:
        """The next wishes, first come, first served; repeats of a key behind their first.

        Another purchase of the same key waits for the end of the first: it may be refused alone.
        """
        taken: dict[str, Wish] = {}
        others: list[Wish] = []
        while self._queue and len(taken) < BATCH_ORDERS:
            wish = self._queue.popleft()
            if wish.deadline <= self._clock():
                self._answer(wish, self._code_of_late(wish))
            if wish.answered:
                continue
            first = taken.setdefault(wish.order_id, wish)
            if first is not wish:
                (first.repeats if wish.repeats_the(first) else others).append(wish)
        self._queue.extendleft(reversed(others))
        return list(taken.values())

    # --- one batch -------------------------------------------------------------------

    async def _serve(self, wishes: Sequence[Wish]) -> None:
        """Decides and commits until every wish has its answer."""
        while wishes := [wish for wish in wishes if not wish.answered and not wish.bought]:
            try:
                await self._receipts.ready()
                attempt = await self._decide(wishes)
                if attempt is not None:
                    await self._settle(attempt)
            except (Unavailable, Ambiguous):
                await self._commitment.pause()
            except Halted:
                for wish in wishes:
                    self._answer(wish, self._code_of_late(wish))
            except ZkticketError as error:
                self._log.error("selling failed", str(error))
                for wish in wishes:
                    self._answer(wish, Code.OUTCOME_UNKNOWN if wish.sent else Code.DAMAGED)

    async def _decide(self, wishes: Sequence[Wish]) -> Attempt | None:
        """Refuses who can't be served; an attempt for the others, if there are any."""
        accepted, short = self._allocate(await self._candidates(wishes), self._own)
        if short:
            # Refused is only who is refused by a reading that is newer than his wish, of all
            # stripes.
            for _, ref in short:
                self._counters.pop(ref, None)
            accepted, short = self._allocate(await self._candidates(wishes), self._left)
            # Who falls short only by the others of this batch waits for its end: they may
            # turn out to be repeats, which take nothing.
            hopeless = [pair for pair in short if self._falls_short(*pair)]
            await self._refuse(hopeless, Code.SOLD_OUT)
            for ref in {ref for _, ref in hopeless}:
                self._note_sold_out(ref)
        accepted, accounts = await self._within_limits(accepted)
        await self._make_slots(accepted)
        # Who was answered while the others were looked up, for being late, must not buy.
        if accounts and any(wish.answered for wish, _ in accepted):
            return None
        accepted = [pair for pair in accepted if not pair[0].answered]
        return self._attempt(accepted, accounts) if accepted else None

    async def _within_limits(
        self, accepted: list[Candidate]
    ) -> tuple[list[Candidate], tuple[Account, ...]]:
        """Whom their event's limit lets buy now, with their accounts; who is over it is refused."""
        if not any(self._rules(ref).limit for ref in {ref for _, ref in accepted}):
            return accepted, ()
        ruling = await self._limits.rule([self._claim(wish, ref) for wish, ref in accepted])
        ruled = list(zip(accepted, ruling.verdicts, strict=True))
        over = [pair for pair, verdict in ruled if verdict is Verdict.OVER]
        await self._refuse(over, Code.LIMIT_REACHED)
        return [pair for pair, verdict in ruled if verdict is Verdict.ALLOWED], ruling.accounts

    def _claim(self, wish: Wish, ref: TypeRef) -> Claim:
        wanted = wish.purchase
        return Claim(ref, wanted.buyer, wanted.quantity, self._rules(ref).limit)

    def _rules(self, ref: TypeRef) -> Event:
        return self._events[ref.event].event

    async def _make_slots(self, accepted: Sequence[Candidate]) -> None:
        """Lists of holds need a place to stand in; it is made once for each slot of time."""
        for ref in {ref for wish, ref in accepted if wish.purchase.hold}:
            # The batch is made a moment later: perhaps in the next slot.
            for late_s in (0.0, SLOT_S):
                path = hold_path(ref.event, ref.generation, self._hold_ends(ref) + late_s, "")
                if paths.parent(path) not in self._slots:
                    await self._store.holds.make_slot(path)
                    self._slots.append(paths.parent(path))

    def _hold_ends(self, ref: TypeRef) -> float:
        return round(self._now() + self._rules(ref).hold_s, 3)

    def _falls_short(self, wish: Wish, ref: TypeRef) -> bool:
        return wish.purchase.quantity > self._left(ref)

    def _own(self, ref: TypeRef) -> int:
        """What this worker's stripe holds."""
        counters = self._counters[ref]
        return counters[self._home(counters)].stock.remaining

    def _left(self, ref: TypeRef) -> int:
        """What all stripes hold together."""
        return remaining(self._counters[ref])

    def _home(self, counters: Sequence[Counter]) -> int:
        return self._place % len(counters)

    async def _candidates(self, wishes: Sequence[Wish]) -> list[Candidate]:
        """The wishes that can be served if there is stock; the others are answered."""
        offers: dict[tuple[str, str], Offer | Code] = {}
        found: list[Candidate] = []
        early: list[Candidate] = []
        for wish in wishes:
            if wish.answered:
                continue
            wanted = (wish.purchase.event, wish.purchase.type)
            if wanted not in offers:
                offers[wanted] = await self._offer(*wanted)
            offer = offers[wanted]
            if isinstance(offer, Code):
                self._answer(wish, offer)
            else:
                (found if offer.on_sale else early).append((wish, offer.ref))
        if early:
            await self._refuse(early, Code.NOT_ON_SALE)
        return found

    async def _offer(self, event_name: str, type_: str) -> Offer | Code:
        """A type with its counters read, or why it can't be sold."""
        try:
            event = await self._event(event_name)
            ref = TypeRef(event_name, event.generation, type_)
            if ref not in self._counters:
                self._counters[ref] = await self._store.counters(ref)
        except NoSuchEvent:
            return Code.NO_SUCH_EVENT
        except NoSuchType:
            return Code.NO_SUCH_TYPE
        except BadZnode as error:
            self._log.error("damaged", str(error))
            return Code.DAMAGED
        return Offer(ref, event.on_sale(self._now()))

    async def _event(self, name: str) -> Event:
        cached = self._events.get(name)
        if cached is None or self._clock() - cached.read_at > EVENT_AGE_S:
            # Until the new reading is there the old one stays: others of this batch go by it.
            cached = CachedEvent(await self._store.event(name), self._clock())
            self._events[name] = cached
        return cached.event

    def _allocate(
        self, candidates: Sequence[Candidate], stock_of: Callable[[TypeRef], int]
    ) -> tuple[list[Candidate], list[Candidate]]:
        """Who gets tickets of what the counters said last, and who falls short."""
        left = {ref: stock_of(ref) for ref in {ref for _, ref in candidates}}
        accepted: list[Candidate] = []
        short: list[Candidate] = []
        for wish, ref in candidates:
            if wish.purchase.quantity <= left[ref]:
                left[ref] -= wish.purchase.quantity
                accepted.append((wish, ref))
            else:
                short.append((wish, ref))
        return accepted, short

    def _attempt(
        self, accepted: Sequence[Candidate], accounts: tuple[Account, ...] = ()
    ) -> Attempt:
        fence = self._fence()
        if not fence:
            raise Unavailable("this worker is not registered")
        batch_id = f"{self._log.source}.{self._batch_name}.{next(self._batch_numbers)}"
        at = round(self._now(), 3)
        sold: dict[TypeRef, int] = {}
        held: dict[TypeRef, int] = {}
        sales = []
        for wish, ref in accepted:
            until = self._hold_ends(ref) if wish.purchase.hold else None
            taken = sold if until is None else held
            taken[ref] = taken.get(ref, 0) + wish.purchase.quantity
            sales.append(Sale(ref, wish.order_id, _order(wish.purchase, batch_id, at, until)))
            wish.sent = True
        counters = [
            counter
            for ref in sold | held
            for counter in draw(
                self._counters[ref],
                self._home(self._counters[ref]),
                sold=sold.get(ref, 0),
                held=held.get(ref, 0),
            )
        ]
        batch = Batch(
            batch_id,
            fence,
            tuple(counters),
            tuple(sales),
            accounts=accounts,
            held=_held(batch_id, sales) if held else (),
        )
        return Attempt(batch, tuple(accepted))

    # --- committing ------------------------------------------------------------------

    async def _settle(self, attempt: Attempt) -> None:
        """Commits an attempt and does what its outcome asks for."""
        async with self._log.lock:
            began = self._asked_since = self._clock()
            try:
                outcome = await self._commitment.commit(attempt.batch)
            except Unavailable:
                self._take_back(attempt)
                raise
            except Ambiguous as error:
                self._give_up(attempt, error)
                return
            finally:
                self._asked_since = None
        if isinstance(outcome, Committed):
            self._note_times(attempt, began)
            self._sold(attempt)
            await self._confirm(attempt, outcome.zxid)
        else:
            self._take_back(attempt)
            await self._mend(outcome, attempt)

    def _note_times(self, attempt: Attempt, began: float) -> None:
        commit_s = self._clock() - began
        for wish, _ in attempt.accepted:
            wish.queue_s, wish.commit_s = began - wish.since, commit_s

    def _give_up(self, attempt: Attempt, why: Ambiguous) -> None:
        """Nobody waits any more, and nobody was told a lie; the keys will find the truth."""
        self._log.error("unresolved", f"batch {attempt.batch.id}: {why}")
        for wish, ref in attempt.accepted:
            self._answer(wish, Code.OUTCOME_UNKNOWN)
            self._counters.pop(ref, None)

    def _take_back(self, attempt: Attempt) -> None:
        """It has not happened and can't happen any more; what it rested on is read anew."""
        for wish, ref in attempt.accepted:
            wish.sent = False
            self._counters.pop(ref, None)

    async def _mend(self, failure: Failure, attempt: Attempt) -> None:
        """Does what the failure asks for, so that the next attempt can succeed."""
        match failure:
            case Failure.MOVED:
                await asyncio.sleep(self._rng.uniform(0, JITTER_S))
            case Failure.REPEATED:
                await self._answer_known(attempt.accepted)
            case Failure.FENCED:
                self._log.warning("fenced", "the registration was gone; taking a new one")
                await self._register()
            case Failure.LOG_LOST:
                await self._log.load(self._zk)
            case Failure.GONE:
                self._events.clear()
                await asyncio.sleep(self._rng.uniform(0, JITTER_S))
            case Failure.NO_SLOT:
                self._slots.clear()
            case Failure.NO_BUCKET:
                self._events.clear()
                await self._refuse_bucketless(attempt)

    async def _refuse_bucketless(self, attempt: Attempt) -> None:
        """Those whose order has no place to be stored; the event may just be going."""
        for (wish, _), sale in zip(attempt.accepted, attempt.batch.sales, strict=True):
            if not await self._store.orders.has_bucket(sale):
                self._log.error("damaged", f"there is no znode for {sale.path} to stand in")
                self._answer(wish, Code.DAMAGED)

    def _sold(self, attempt: Attempt) -> None:
        """The counters as they are now."""
        for counter in attempt.batch.counters:
            self._sold_out.discard(counter.ref)
            known = list(self._counters[counter.ref])
            known[counter.number] = replace(counter, version=counter.version + 1)
            self._counters[counter.ref] = tuple(known)
        for wish, _ in attempt.accepted:
            if not wish.purchase.hold:
                self.meter.sold(wish.purchase.quantity)
            wish.bought = True
        bought = [*self._bought, *(wish for wish, _ in attempt.accepted)]
        self._bought = [wish for wish in bought if not wish.answered]

    async def _confirm(self, attempt: Attempt, zxid: int) -> None:
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
                self._answer(wish, Code.OUTCOME_UNKNOWN)
            return
        for (wish, _), sale in zip(attempt.accepted, attempt.batch.sales, strict=True):
            stored = StoredOrder(sale.order_id, sale.ref.event, sale.order, zxid)
            self._answer(wish, Code.SOLD, stored)

    def _note_sold_out(self, ref: TypeRef) -> None:
        if not self._left(ref) and ref not in self._sold_out:
            self._sold_out.add(ref)
            self._log.info("sold out", f"{ref.event} {ref.type}")

    # --- answers ---------------------------------------------------------------------

    async def _refuse(self, wishes: Sequence[Candidate], code: Code) -> None:
        """Refuses, except those whose key has bought already: they get their order."""
        await self._answer_known([pair for pair in wishes if pair[0].may_have_bought])
        for wish, ref in wishes:
            self._answer(wish, code, remaining=self._left(ref))

    async def _answer_known(self, wishes: Sequence[Candidate]) -> None:
        """Answers those wishes whose orders exist."""
        await asyncio.gather(*(self._answer_if_known(wish, ref) for wish, ref in wishes))

    async def _answer_if_known(self, wish: Wish, ref: TypeRef) -> None:
        try:
            found = await self._store.orders.find(ref.event, ref.generation, wish.order_id)
        except BadZnode as error:
            self._log.error("damaged", str(error))
            self._answer(wish, Code.DAMAGED)
            return
        if found is None:
            return
        try:
            await self._receipts.keep_order(found, ref)
        except Halted:
            self._answer(wish, Code.OUTCOME_UNKNOWN)
        else:
            self._answer(wish, Code.REPLAYED, found)

    def _answer(
        self,
        wish: Wish,
        code: Code,
        stored: StoredOrder | None = None,
        remaining: int | None = None,
    ) -> None:
        """Answers a wish and its repeats; a second answer to the same wish is dropped."""
        if not wish.answered:
            wish.answered = True
            said = code if stored is None else _code_for(wish.purchase, stored, code)
            self.meter.answered(said, self._clock() - wish.since)
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
            self._answer(repeat, again, stored, remaining)


def _order(purchase: Purchase, batch_id: str, at: float, until: float | None) -> Order:
    return Order(
        type=purchase.type,
        quantity=purchase.quantity,
        buyer=purchase.buyer,
        status="sold" if until is None else "held",
        at=at,
        batch=batch_id,
        until=until,
    )


def _held(batch_id: str, sales: Iterable[Sale]) -> tuple[Held, ...]:
    """Where the janitor will find the holds among these."""
    lists: dict[str, list[str]] = {}
    for sale in sales:
        if sale.order.until is not None:
            path = hold_path(sale.ref.event, sale.ref.generation, sale.order.until, batch_id)
            lists.setdefault(path, []).append(sale.order_id)
    return tuple(Held(path, HoldList(orders=tuple(ids))) for path, ids in lists.items())


def _code_for(purchase: Purchase, stored: StoredOrder, code: Code) -> Code:
    """A key belongs to one purchase: with another one it is refused."""
    return code if _terms(purchase) == _terms(stored.order) else Code.KEY_REUSED


def _terms(wanted: Purchase | Order) -> tuple[str, int, str, bool]:
    hold = wanted.hold if isinstance(wanted, Purchase) else wanted.until is not None
    return wanted.type, wanted.quantity, wanted.buyer, hold
