"""Faults planted into the selling logic, which the simulation has to find, or it proves nothing."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

from core.errors import Ambiguous, Unavailable
from core.store.batch import Batch, Failure
from core.store.commit import Commitment
from core.store.orders import StoredOrder
from core.store.stock import StripeCounter, TypeRef
from core.store.store import Store
from core.transport.link import Code
from core.zookeeper.client import Committed
from core.zookeeper.multi import SetData
from workers.group_commit.pending_request import RequestState
from workers.receipts.writer import Receipts
from workers.selling.commit_attempt import SaleAttempt, SaleAttempts
from workers.selling.pending_purchase import Candidate, PendingPurchase
from workers.selling.purchase_answers import Answers
from workers.selling.seller import Seller
from workers.selling.stock_cache import StockCache
from workers.selling.stripe_choice import draw

Plant = Callable[[], AbstractContextManager[Any]]


def _on_seller(**methods: Any) -> Plant:
    return lambda: patch.multiple(Seller, **methods)


def _on_doubt(resolve: Callable[..., Any], **methods: Any) -> Plant:
    """Plants a way to resolve lost answers, and methods of the seller to go with it."""

    @contextmanager
    def planted() -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(patch.object(Commitment, "_resolve", resolve))
            if methods:
                stack.enter_context(patch.multiple(Seller, **methods))
            yield

    return planted


# --- ambiguity -----------------------------------------------------------------------


async def _unresolved(self: Commitment, batch: Batch) -> Committed | Failure:
    raise Ambiguous("who knows")


def _called_failed(self: Seller, attempt: SaleAttempt, why: Ambiguous) -> None:
    for request, _ in attempt.accepted:
        self._answers.answer(request, Code.OVERLOADED)
    self._stock_cache.forget(ref for _, ref in attempt.accepted)


async def _tried_afresh(self: Commitment, batch: Batch) -> Committed | Failure:
    return Failure.MOVED


def _called_sold(self: Seller, attempt: SaleAttempt, why: Ambiguous) -> None:
    _tell_sold(self, attempt)


def _tell_sold(self: Seller, attempt: SaleAttempt) -> None:
    """Answers without waiting for anything."""
    self._sold(attempt)
    for (request, _), sale in zip(attempt.accepted, attempt.batch.sales, strict=True):
        stored = StoredOrder(sale.order_id, sale.ref.event, sale.order, 1)
        self._answers.answer(request, Code.SOLD, stored)


_happened = Store.happened


async def _happened_to_somebody(self: Store, batch: Batch) -> Committed | None:
    if not batch.sales:
        return await _happened(self, batch)
    sale = batch.sales[0]
    found = await self.orders.find(sale.ref.event, sale.ref.generation, sale.order_id)
    return Committed(found.zxid) if found else None


# --- the fence -----------------------------------------------------------------------

_make = SaleAttempts.make


def _unfenced(self: SaleAttempts, accepted: Sequence[Candidate], accounts: Any = ()) -> SaleAttempt:
    """Checks a znode that always exists."""
    attempt = _make(self, accepted, accounts)
    return replace(attempt, batch=replace(attempt.batch, fence="/workers"))


# --- stock ---------------------------------------------------------------------------


def _blind_set(path: str, data: bytes, version: int) -> SetData:
    return SetData(path, data, -1)


def _draw_blindly(
    counters: Sequence[StripeCounter], home: int, sold: int, held: int = 0
) -> tuple[StripeCounter, ...]:
    own, *donors = draw(counters, home, sold, held)
    return (own, *(replace(donor, version=-1) for donor in donors))


async def _two_in_flight(self: Seller, attempt: SaleAttempt) -> None:
    """Sends the second half with the version that the first one is only expected to make."""
    half = len(attempt.accepted) // 2
    halves = [part for part in (attempt.accepted[:half], attempt.accepted[half:]) if part]
    if len({ref for _, ref in attempt.accepted}) > 1 or len(halves) < 2:
        await _settle(self, attempt)
        return
    parts = [self._attempts.make(halves[0])]
    first = parts[0].batch
    [ref] = {ref for _, ref in attempt.accepted}
    known = list(self._stock_cache._counters[ref])
    for counter in first.counters:
        known[counter.number] = replace(counter, version=counter.version + 1)
    before, self._stock_cache._counters[ref] = self._stock_cache._counters[ref], tuple(known)
    parts.append(self._attempts.make(halves[1]))
    self._stock_cache._counters[ref] = before
    await asyncio.gather(*(_commit_alone(self, part) for part in parts))
    self._stock_cache._counters.pop(ref, None)


async def _commit_alone(self: Seller, part: SaleAttempt) -> None:
    try:
        outcome = await self._store.commit(part.batch)
    except (Ambiguous, Unavailable):
        self._give_up(part, Ambiguous("lost"))
        return
    if isinstance(outcome, Committed):
        await self._receipts.keep(part.batch, outcome.zxid)
        for (request, _), sale in zip(part.accepted, part.batch.sales, strict=True):
            found = await self._store.orders.find(
                sale.ref.event, sale.ref.generation, sale.order_id
            )
            self._answers.answer(request, Code.SOLD, found)
    else:
        self._take_back(part)
        await self._mend(outcome, part)


def _kept_as_read(self: Seller, attempt: SaleAttempt) -> None:
    for request, _ in attempt.accepted:
        request.take_back()


_candidates = Seller._candidates


async def _remembered_sold_out(
    self: Seller, requests: Sequence[PendingPurchase]
) -> list[Candidate]:
    found = await _candidates(self, requests)
    for request, ref in found:
        if ref in self._stock_cache._sold_out:
            self._answers.answer(request, Code.SOLD_OUT)
    return [(request, ref) for request, ref in found if not request.is_answered]


# --- answers -------------------------------------------------------------------------

_settle, _answer = Seller._settle, Answers.answer


async def _answered_first(self: Seller, attempt: SaleAttempt) -> None:
    _tell_sold(self, attempt)
    await _settle(self, attempt)


def _answered_again(self: Answers, request: PendingPurchase, *args: Any, **kwargs: Any) -> None:
    request.state = RequestState.WAITING
    _answer(self, request, *args, **kwargs)


async def _not_looked_up(
    self: Answers, requests: Sequence[Candidate], code: Code, left: Callable[[TypeRef], int]
) -> None:
    for request, ref in requests:
        self.answer(request, code, remaining=left(ref))


async def _dropped(self: Seller, timeout_s: float) -> None:
    self._draining = True
    self._queue._waiting.clear()


async def _confirmed_unwritten(self: Answers, attempt: SaleAttempt, zxid: int) -> None:
    for (request, _), sale in zip(attempt.accepted, attempt.batch.sales, strict=True):
        self.answer(
            request, Code.SOLD, StoredOrder(sale.order_id, sale.ref.event, sale.order, zxid)
        )


_retry = Receipts._retry


async def _retried_alone(self: Receipts) -> None:
    with patch.object(self, "_flush", lambda: None):
        await _retry(self)


FAULTS: Mapping[str, Plant] = {
    "no dedup: an order's name is not made from its key": lambda: patch(
        "workers.selling.seller.order_id",
        lambda order_key, event, key: f"{hash((event, key, object())) & (2**128 - 1):032x}",
    ),
    "an ambiguous commit is called failed": _on_doubt(_unresolved, _give_up=_called_failed),
    "an ambiguous commit is called sold": _on_doubt(_unresolved, _give_up=_called_sold),
    "an ambiguous commit is tried again with fresh versions": _on_doubt(_tried_afresh),
    "any order of the key is taken for the batch's own": lambda: patch.object(
        Store, "happened", _happened_to_somebody
    ),
    "counters are set without their version": lambda: patch("core.store.batch.SetData", _blind_set),
    "another stripe is drawn from without its version": lambda: patch(
        "workers.selling.stock_cache.draw", _draw_blindly
    ),
    "a second multi is in flight on an expected version": _on_seller(_settle=_two_in_flight),
    "the fence is missing": lambda: patch.object(SaleAttempts, "make", _unfenced),
    "sold is answered before it is committed": _on_seller(_settle=_answered_first),
    "requests are answered again and again": lambda: patch.object(
        Answers, "answer", _answered_again
    ),
    "the other stripes are forgotten": lambda: patch.object(StockCache, "left", StockCache.own),
    "what failed is not read anew": _on_seller(_take_back=_kept_as_read),
    "sold out once is sold out for ever": _on_seller(_candidates=_remembered_sold_out),
    "who is refused is not looked up": lambda: patch.object(Answers, "refuse", _not_looked_up),
    "a drained worker drops its queue": _on_seller(drain=_dropped),
    "sold is answered before its receipt is on disk": lambda: patch.object(
        Answers, "confirm", _confirmed_unwritten
    ),
    # These were once in the product, and were found here.
    "a repeat beside its first is not looked up": lambda: patch.object(
        PendingPurchase, "may_have_bought", property(lambda self: self.purchase.keyed)
    ),
    "a key's other purchase shares the fate of the first": lambda: patch.object(
        PendingPurchase, "repeats_the", lambda self, first: True
    ),
    "the log is written without its version": lambda: patch(
        "core.eventlog.ring.SetData", _blind_set
    ),
    "a receipt that comes during a look at the disk is forgotten": lambda: patch.object(
        Receipts, "_retry", _retried_alone
    ),
}
