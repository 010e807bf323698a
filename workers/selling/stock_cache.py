"""Caches what is on sale: the rules of events and the counters of types."""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from core.clock import Clock
from core.errors import BadZnode, NoSuchEvent, NoSuchType
from core.eventlog.ring import EventLog
from core.schema import paths
from core.schema.records import Event, PaymentRule, TicketType
from core.schema.sale_window import hold_ends_at
from core.store.stock import StripeCounter, TypeRef
from core.store.store import Store
from core.store.stripes import selling_stripe
from core.transport.link import Code, Purchase
from core.zookeeper.multi import Check
from workers.selling.stripe_choice import draw, remaining

EVENT_AGE_S = 1.0


class Price(msgspec.Struct, frozen=True):
    """The price of one ticket, and how it is paid; see `core.text.money`."""

    amount: int
    currency: str
    decimals: int
    payment: PaymentRule

    def refusal(self, purchase: Purchase) -> Code | None:
        """Why it is not sold so: the buyer was shown another price, or has to pay first.

        What must be paid first can be held, and what is free needs no payment.
        """
        if purchase.price not in (None, self.amount) or purchase.currency not in (
            "",
            self.currency,
        ):
            return Code.PRICE_CHANGED
        if self.payment == "required" and self.amount and not purchase.hold:
            return Code.PAYMENT_REQUIRED
        return None


class CachedEvent(msgspec.Struct, frozen=True):
    event: Event
    version: int
    read_at: float


class CachedType(msgspec.Struct, frozen=True):
    """`event_version` is the event's when it was read: another one may have another type there."""

    type: TicketType
    version: int
    event_version: int


class StockCache:
    """An event is read again once it is `EVENT_AGE_S` old, types and counters once forgotten.

    What is sold by an old reading of the terms is refused by ZooKeeper: see `unchanged`.
    """

    def __init__(self, store: Store, log: EventLog, clock: Clock) -> None:
        self._store = store
        self._log = log
        self._name = log.source
        self._now = clock.now
        self._clock = clock.monotonic
        self._events: dict[str, CachedEvent] = {}
        self._types: dict[TypeRef, CachedType] = {}
        self._counters: dict[TypeRef, tuple[StripeCounter, ...]] = {}
        self._sold_out: set[TypeRef] = set()

    async def find(self, event_name: str, type_: str) -> TypeRef | Code:
        """Returns a type, with its terms and counters read, or why it can't be sold."""
        try:
            event = await self._event(event_name)
            ref = TypeRef(event_name, event.event.generation, type_)
            cached = self._types.get(ref)
            if cached is None or cached.event_version != event.version:
                read = await self._store.ticket_type(ref)
                self._types[ref] = CachedType(*read, event.version)
                self._counters.pop(ref, None)
            if ref not in self._counters:
                self._counters[ref] = await self._store.counters(ref)
        except NoSuchEvent:
            return Code.NO_SUCH_EVENT
        except NoSuchType:
            return Code.NO_SUCH_TYPE
        except BadZnode as error:
            self._log.error("damaged", str(error))
            return Code.DAMAGED
        return ref

    async def _event(self, name: str) -> CachedEvent:
        cached = self._events.get(name)
        if cached is None or self._clock() - cached.read_at > EVENT_AGE_S:
            # The old reading stays until the new one is there: others of this batch need it.
            cached = CachedEvent(*await self._store.event_at(name), self._clock())
            self._events[name] = cached
        return cached

    def rules(self, ref: TypeRef) -> Event:
        return self._events[ref.event].event

    def is_read_since(self, ref: TypeRef, since: float) -> bool:
        """Whether its event was read after that time, monotonic."""
        return self._events[ref.event].read_at >= since

    def on_sale(self, ref: TypeRef) -> bool:
        return self.rules(ref).on_sale(self._now())

    def prices(self, refs: Iterable[TypeRef]) -> dict[TypeRef, Price]:
        """Returns what a ticket of each of these types costs; looks each type up once."""
        return {ref: self._price(ref) for ref in set(refs)}

    def _price(self, ref: TypeRef) -> Price:
        event = self.rules(ref)
        return Price(self._types[ref].type.price, event.currency, event.decimals, event.payment)

    def unchanged(self, refs: Iterable[TypeRef]) -> tuple[Check, ...]:
        """Checks that the events and types of these are still as they were read.

        A type that was removed and added again begins with the same version, so the event's is
        checked as well, as it was when the type was read: each change of types raises it.
        """
        types = {ref: self._types[ref] for ref in refs}
        events: dict[str, int] = {}
        for ref, type_ in types.items():
            events[ref.event] = min(type_.event_version, events.get(ref.event, type_.event_version))
        return (
            *(Check(paths.event(name), version) for name, version in events.items()),
            *(Check(ref.path, type_.version) for ref, type_ in types.items()),
        )

    def hold_ends(self, ref: TypeRef) -> float:
        """Returns when a hold that is made now ends, in Unix seconds."""
        rules = self.rules(ref)
        return round(hold_ends_at(rules, self._now() + rules.hold_s), 3)

    # --- stock -----------------------------------------------------------------------

    def own(self, ref: TypeRef) -> int:
        """Returns what is left in this worker's stripe."""
        counters = self._counters[ref]
        return counters[selling_stripe(self._name, len(counters))].stock.remaining

    def left(self, ref: TypeRef) -> int:
        """Returns what is left in all stripes together."""
        return remaining(self._counters[ref])

    def draw(self, ref: TypeRef, sold: int, held: int) -> tuple[StripeCounter, ...]:
        """Returns the counters that such a sale changes, as they are after it."""
        counters = self._counters[ref]
        return draw(counters, selling_stripe(self._name, len(counters)), sold=sold, held=held)

    def moved(self, changed: Iterable[StripeCounter]) -> None:
        """Takes in counters that have been committed."""
        for counter in changed:
            self._sold_out.discard(counter.ref)
            known = list(self._counters[counter.ref])
            known[counter.number] = replace(counter, version=counter.version + 1)
            self._counters[counter.ref] = tuple(known)

    def note_sold_out(self, ref: TypeRef) -> None:
        """Logs once that nothing is left."""
        if not self.left(ref) and ref not in self._sold_out:
            self._sold_out.add(ref)
            self._log.info("sold out", f"{ref.event} {ref.type}")

    # --- doubts ----------------------------------------------------------------------

    def forget(self, refs: Iterable[TypeRef]) -> None:
        """Drops the counters of these types: they are read again."""
        for ref in refs:
            self._counters.pop(ref, None)

    def forget_terms(self) -> None:
        """Drops all events and types, with their counters: they are read again."""
        self._events.clear()
        self._types.clear()
        self._counters.clear()
