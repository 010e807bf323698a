"""Faults planted into the changes of holds and orders."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

from admin.recovery import recount
from core.errors import Ambiguous, Breach
from core.schema import paths
from core.schema.records import Order, Stock
from core.store import order_lifecycle
from core.store.batch import Amendment, Batch, Failure
from core.store.commit import Commitment
from core.store.order_changes import ChangeDraft, OrderChanger, OrdersToChange
from core.store.order_lifecycle import Act, Occasion, OrderChange, Refusal, effect
from core.store.orders import StoredOrder
from core.store.stock import TypeRef, TypeStock
from core.transport.link import Code
from core.zookeeper.client import Committed
from workers.janitor import Janitor
from workers.order_changes import OrderChangeQueue, PendingChange
from workers.receipts.writer import Receipts

Plant = Callable[[], AbstractContextManager[Any]]


def _together(*plants: AbstractContextManager[Any]) -> Plant:
    @contextmanager
    def planted() -> Iterator[None]:
        with ExitStack() as stack:
            for plant in plants:
                stack.enter_context(plant)
            yield

    return planted


# --- the expiry ----------------------------------------------------------------------


def _expired_blindly(ref: TypeRef, order_id: str, order: Order, version: int) -> Amendment:
    return Amendment(ref, order_id, order, -1 if order.status == "expired" else version)


def _expired_again(order: Order, change: OrderChange, occasion: Occasion) -> Order | Refusal:
    """Expires an order whatever its status is."""
    if occasion.at < (order.until or 0.0):
        return Refusal.NOT_EXPIRED
    return order_lifecycle._changed(order, Act.EXPIRE, change, occasion, status="expired")


def _given_back(stock: Stock, before: Order, after: Order) -> Stock:
    if after.status == "expired":
        return stock.move(held=-after.quantity)
    return effect(stock, before, after)


def _expired_early(order: Order, change: OrderChange, occasion: Occasion) -> Order | Refusal:
    if order.status != "held":
        return order
    return order_lifecycle._changed(order, Act.EXPIRE, change, occasion, status="expired")


async def _forgotten_first(self: Janitor, name: str, generation: str, slot: int) -> int:
    lists = await self._store.holds.lists(name, generation, slot)
    await self._store.holds.forget(list(lists), paths.hold_slot(name, generation, slot))
    orders = [order for each in lists.values() for order in each.orders]
    return await self._expire(orders) if orders else 0


# --- the life of an order ------------------------------------------------------------


def _only_expired(order: Order, _occasion: Occasion) -> Refusal | None:
    if order.status == "expired":
        return Refusal.HOLD_EXPIRED
    return None if order.status == "held" else Refusal.NOT_HELD


def _confirmed_whatever(order: Order, change: OrderChange, occasion: Occasion) -> Order | Refusal:
    if order.status in ("held", "expired"):
        return order_lifecycle._changed(order, Act.CONFIRM, change, occasion, status="sold")
    return order if order.status == "sold" else Refusal.NOT_HELD


_checked_in = order_lifecycle._checked_in


def _let_in_again(order: Order, change: OrderChange, occasion: Occasion) -> Order | Refusal:
    return _checked_in(replace(order, admitted=None), change, occasion)


# --- committing ----------------------------------------------------------------------

_batch = OrderChanger._batch


async def _unfenced(
    self: OrderChanger, batch_id: str, draft: ChangeDraft, found: OrdersToChange
) -> tuple[Batch, Mapping[str, Order]]:
    batch, changed = await _batch(self, batch_id, draft, found)
    return replace(batch, fence=""), changed


_resolve = Commitment._resolve


async def _unresolved(self: Commitment, batch: Batch) -> Committed | Failure:
    if batch.amendments:
        raise Ambiguous("who knows")
    return await _resolve(self, batch)


def _told_no(requests: Sequence[PendingChange], code: Code) -> None:
    for each in requests:
        each.answer(Code.OVERLOADED)


def _never_sent(self: OrderChangeQueue, request: PendingChange) -> Code:
    return Code.OVERLOADED


# --- receipts ------------------------------------------------------------------------


async def _unwritten(self: OrderChanger, batch: Batch, zxid: int, draft: ChangeDraft) -> None: ...


_keep = OrderChanger._keep


async def _kept_alone(self: OrderChanger, batch: Batch, zxid: int, draft: ChangeDraft) -> None:
    await _keep(self, batch, zxid, replace(draft, ends=()))


_keep_order = Receipts.keep_order


async def _kept_once(self: Receipts, stored: StoredOrder) -> None:
    if stored.id not in self._recent:
        await _keep_order(self, stored)


# --- the recount ---------------------------------------------------------------------

_covers = recount._covers


def _covered_or_breach(tally: Any, again: TypeStock) -> bool:
    if not _covers(tally, again):
        raise Breach(again.path, "more was sold during the count than it says")
    return True


FAULTS: Mapping[str, Plant] = {
    "an expiry does not look at the order's version": lambda: patch(
        "core.store.order_changes.Amendment", _expired_blindly
    ),
    "a janitor gives back what was given back": _together(
        patch("core.store.order_lifecycle._expired", _expired_again),
        patch("core.store.order_changes.effect", _given_back),
    ),
    "a janitor does not look at the clock": lambda: patch(
        "core.store.order_lifecycle._expired", _expired_early
    ),
    "a list of holds is forgotten before they have expired": lambda: patch.object(
        Janitor, "_clear", _forgotten_first
    ),
    "who extends a hold does not list it anew": lambda: patch(
        "core.store.order_changes._held_longer", lambda draft: ()
    ),
    "a hold is confirmed after its end": lambda: patch(
        "core.store.order_lifecycle._not_for_sale", _only_expired
    ),
    "an expired hold is confirmed": lambda: patch(
        "core.store.order_lifecycle._confirmed", _confirmed_whatever
    ),
    "the second door lets in as well": lambda: patch(
        "core.store.order_lifecycle._checked_in", _let_in_again
    ),
    "who changes orders is not fenced": lambda: patch.object(OrderChanger, "_batch", _unfenced),
    "a change in doubt is called not done": _together(
        patch.object(Commitment, "_resolve", _unresolved),
        patch("workers.order_changes._answer_all", _told_no),
    ),
    "a change that was sent is called not done": lambda: patch.object(
        OrderChangeQueue, "_code_of_late", _never_sent
    ),
    "a change is answered before its receipt is on disk": lambda: patch.object(
        OrderChanger, "_keep", _unwritten
    ),
    # These were once in the product, and were found here.
    "a change that was done before needs no receipt beside another": lambda: patch.object(
        OrderChanger, "_keep", _kept_alone
    ),
    "an order's first receipt stands for all of its changes": lambda: patch.object(
        Receipts, "keep_order", _kept_once
    ),
    "tickets that come back during a recount are a breach": lambda: patch(
        "admin.recovery.recount._covers", _covered_or_breach
    ),
}
