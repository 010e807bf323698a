"""Changes orders that exist: reads them, decides, and commits all in one transaction.

Tickets are given back on a stripe that no worker sells from, so that changes conflict with no
sale. Of two changes of one order at once, the version of its znode lets one through: the other one
reads the order and decides again.
"""

import asyncio
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from core.errors import Ambiguous, Halted, Unavailable, Unconfirmed
from core.schema import paths
from core.schema.records import Event, Order, Payment, Stock, buyer_id, payment_key
from core.store.batch import Account, Amendment, Batch, ClaimedPayment, Failure, batch_ids
from core.store.commit import Commitment, Ledger
from core.store.holds import hold_lists
from core.store.order_lifecycle import (
    Occasion,
    OrderChange,
    Refusal,
    amended,
    effect,
    has_tickets,
    paid,
    stamped,
)
from core.store.orders import StoredOrder
from core.store.receipt_keeping import Bookkeeper
from core.store.stock import StripeCounter, TypeRef
from core.store.store import Store
from core.store.stripes import changing_stripe
from core.zookeeper.client import Committed, ZooKeeper

TRIES = 50
JITTER_S = 0.01
NOTHING = Stock(remaining=0)


class ChangeOutcome(msgspec.Struct, frozen=True):
    """The order as it is after a change, and why the change was refused, if it was.

    Both are None for an order that does not exist. `changed` says whether this change has just
    changed the order, be it only by recording a refused payment.
    """

    order: StoredOrder | None = None
    refusal: Refusal | None = None
    changed: bool = False


class OrdersToChange(msgspec.Struct, frozen=True):
    """The orders of a batch, and the rules of their events.

    `claims` are the orders that its payments first came in for, by the key of the payment.
    """

    orders: Mapping[str, StoredOrder]
    events: Mapping[str, Event]
    claims: Mapping[str, str]


class ChangeDraft(msgspec.Struct, frozen=True):
    """The plan of a batch. `changed` has the orders after it, by id."""

    ends: tuple[ChangeOutcome, ...]
    before: Mapping[str, StoredOrder]
    changed: Mapping[str, Order]


class OrderChanger:
    """Settles changes, many in one transaction, one transaction at a time: it is no queue.

    `name` chooses the stripes that it counts on. `fence` returns the owner's registration, "" where
    none is needed, and raises `Unavailable` where it is lost. `books` write a receipt of every
    change before anybody hears of it.
    """

    def __init__(
        self,
        store: Store,
        zk: ZooKeeper,
        *,
        name: str,
        order_key: bytes,
        fence: Callable[[], str],
        books: Bookkeeper,
        now: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self._store = store
        self._zk = zk
        self._order_key = order_key
        self._fence = fence
        self._books = books
        self._now = now
        self._rng = rng
        self._commitment = Commitment(store, zk, Ledger())
        self._name = name
        self._batch_ids = batch_ids(name)

    async def settle(self, changes: Sequence[OrderChange]) -> list[ChangeOutcome]:
        """Returns the outcome of each change, in order.

        Raises `Unavailable`: nothing has happened; `Ambiguous` and `Unconfirmed`: nobody knows,
        or may say so; `Halted`, `BadZnode`.
        """
        await self._books.ready()
        fresh = False
        for _ in range(TRIES):
            batch_id = next(self._batch_ids)
            found = await self._find(changes)
            draft = self._draft(changes, found, batch_id)
            if not fresh and any(each.order is None or each.refusal for each in draft.ends):
                # The server may lag behind: a refusal needs a reading after a sync.
                await self._zk.sync()
                fresh = True
                continue
            if not draft.changed:
                await self._keep_known(draft)
                return list(draft.ends)
            batch, changed = await self._batch(batch_id, draft, found)
            outcome = await self._commitment.commit(batch)
            if isinstance(outcome, Committed):
                await self._keep(batch, outcome.zxid, draft)
                return [_after(done, changed, outcome.zxid) for done in draft.ends]
            await self._mend(outcome, batch)
        raise Unavailable("the orders change faster than they can be read; try again")

    # --- deciding --------------------------------------------------------------------

    async def _find(self, changes: Iterable[OrderChange]) -> OrdersToChange:
        events = await self._store.events()
        orders = await self._store.orders.locate({change.order for change in changes}, events)
        readable = {name: each for name, each in events.items() if isinstance(each, Event)}
        paid_with = {self._key_of(each.payment) for each in changes if each.payment is not None}
        claims = await self._store.claims(paid_with) if paid_with else {}
        return OrdersToChange(orders, readable, claims)

    def _key_of(self, payment: Payment) -> str:
        return payment_key(self._order_key, payment.id)

    def _draft(
        self, changes: Sequence[OrderChange], found: OrdersToChange, batch_id: str
    ) -> ChangeDraft:
        at = math.floor(self._now() * 1000) / 1000  # rounded up, a hold would end before its time
        ends: list[ChangeOutcome] = []
        changed: dict[str, Order] = {}
        claims = dict(found.claims)
        for change in changes:
            stored = found.orders.get(change.order)
            if stored is None:
                ends.append(ChangeOutcome())
                continue
            before = changed.get(change.order, stored.order)
            occasion = Occasion(found.events[stored.event], at, batch_id, stored.event)
            after, refusal = self._judged(change, before, occasion, claims)
            if after is not before:
                changed[change.order] = after
            stored = msgspec.structs.replace(stored, order=after)
            ends.append(ChangeOutcome(stored, refusal, changed=after is not before))
        return ChangeDraft(tuple(ends), found.orders, changed)

    def _judged(
        self, change: OrderChange, order: Order, occasion: Occasion, claims: dict[str, str]
    ) -> tuple[Order, Refusal | None]:
        """Returns the order after a change, and why it was refused. Claims its payment."""
        if change.payment is not None:
            first = claims.setdefault(self._key_of(change.payment), change.order)
            return paid(order, change, change.payment, occasion, elsewhere=first != change.order)
        after = amended(order, change, occasion)
        return (order, after) if isinstance(after, Refusal) else (after, None)

    # --- committing ------------------------------------------------------------------

    async def _batch(
        self, batch_id: str, draft: ChangeDraft, found: OrdersToChange
    ) -> tuple[Batch, Mapping[str, Order]]:
        """Returns the transaction, and the orders after it."""
        counters = await self._counters(draft)
        stamps = {ref: (counter.number, counter.version + 1) for ref, counter in counters.items()}
        changed = {
            id_: stamped(order, batch_id, *stamps[draft.before[id_].ref])
            if draft.before[id_].ref in stamps
            else order
            for id_, order in draft.changed.items()
        }
        batch = Batch(
            batch_id,
            self._fence(),
            tuple(counters.values()),
            amendments=tuple(
                Amendment(draft.before[id_].ref, id_, order, draft.before[id_].version)
                for id_, order in changed.items()
            ),
            accounts=tuple(await self._accounts(draft, found)),
            held=hold_lists(batch_id, _held_longer(draft)),
            claims=tuple(self._claims(batch_id, changed, found)),
        )
        return batch, changed

    def _claims(
        self, batch_id: str, changed: Mapping[str, Order], found: OrdersToChange
    ) -> Iterable[ClaimedPayment]:
        """Yields the claims for payments that are new with this batch."""
        for id_, order in changed.items():
            for change in order.changes:
                if change.batch != batch_id or change.payment is None:
                    continue
                key = self._key_of(change.payment)
                if key not in found.claims and change.payment.refused != Refusal.PAYMENT_USED:
                    yield ClaimedPayment(paths.payment(key), id_)

    async def _counters(self, draft: ChangeDraft) -> dict[TypeRef, StripeCounter]:
        """Returns our own counter of each type whose tickets or holders move, as it is then."""
        own: dict[TypeRef, StripeCounter] = {}
        for id_, order in draft.changed.items():
            before = draft.before[id_]
            if effect(NOTHING, before.order, order) == NOTHING:
                continue
            if before.ref not in own:
                stripes = await self._store.counters(before.ref)
                own[before.ref] = stripes[changing_stripe(self._name, len(stripes))]
            counter = own[before.ref]
            stock = effect(counter.stock, before.order, order)
            own[before.ref] = msgspec.structs.replace(counter, stock=stock)
        return own

    async def _accounts(self, draft: ChangeDraft, found: OrdersToChange) -> list[Account]:
        """Returns the accounts, at limited events, of buyers whose tickets are given back."""
        accounts: dict[str, Account] = {}
        for id_, order in draft.changed.items():
            before = draft.before[id_]
            given_back = has_tickets(before.order) and not has_tickets(order)
            if not given_back or not found.events[before.event].limit:
                continue
            buyer = buyer_id(self._order_key, before.event, order.buyer)
            if buyer not in accounts:
                accounts |= await self._store.accounts(before.event, before.generation, [buyer])
            accounts[buyer] = accounts[buyer].add(-order.quantity)
        return [account for account in accounts.values() if account.version >= 0]

    async def _keep(self, batch: Batch, zxid: int, draft: ChangeDraft) -> None:
        try:
            await self._books.keep(batch, zxid)
            await self._keep_known(draft)
        except Halted as error:
            raise Unconfirmed(str(error)) from None

    async def _keep_known(self, draft: ChangeDraft) -> None:
        """Writes receipts of what was done before: its worker may have died without one."""
        for done in draft.ends:
            if done.order is None or done.refusal is not None or done.order.id in draft.changed:
                continue
            await self._books.keep_order(done.order)

    async def _mend(self, failure: Failure, batch: Batch) -> None:
        match failure:
            case Failure.FENCED:
                raise Unavailable("this worker is not registered")
            case Failure.NO_SLOT | Failure.NO_CLAIMS:
                await self._make_room(batch)
            case _:
                await asyncio.sleep(self._rng.uniform(0, JITTER_S))

    async def _make_room(self, batch: Batch) -> None:
        """Makes the znodes below which a batch's lists and claims will stand.

        Raises `Unavailable` also where an answer is lost: the batch itself has not happened.
        """
        try:
            for held in batch.held:
                await self._store.holds.make_slot(held.path)
            for claim in batch.claims:
                await self._zk.ensure(paths.PAYMENTS, paths.parent(claim.path))
        except Ambiguous as error:
            raise Unavailable(str(error)) from None


def _after(done: ChangeOutcome, changed: Mapping[str, Order], zxid: int) -> ChangeOutcome:
    """Returns the outcome of a change once its batch is committed."""
    if done.order is None or done.order.id not in changed:
        return done
    order = msgspec.structs.replace(done.order, changed_zxid=zxid)
    return msgspec.structs.replace(done, order=order)


def _held_longer(draft: ChangeDraft) -> Iterable[tuple[TypeRef, str, float]]:
    """Yields the orders whose hold now ends at another time."""
    for id_, order in draft.changed.items():
        before = draft.before[id_]
        if order.status == "held" and order.until != before.order.until and order.until is not None:
            yield before.ref, id_, order.until
