"""What is on sale: the events' rules and the types' counters, as they were read last."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from core.errors import BadZnode, NoSuchEvent, NoSuchType
from core.logs import EventLog
from core.models import Event
from core.stock import Counter, TypeRef
from core.store import Store
from core.wire import Code
from workers.stripes import draw, place_of, remaining

EVENT_AGE_S = 1.0


@dataclass(frozen=True)
class Offer:
    """A type that somebody wishes for, and whether it is on sale now."""

    ref: TypeRef
    on_sale: bool


@dataclass(frozen=True)
class CachedEvent:
    event: Event
    read_at: float


class Offers:
    """An event is read again once it is `EVENT_AGE_S` old, a counter once it is forgotten."""

    def __init__(
        self, store: Store, log: EventLog, now: Callable[[], float], clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._log = log
        self._place = place_of(log.source)
        self._now = now
        self._clock = clock
        self._events: dict[str, CachedEvent] = {}
        self._counters: dict[TypeRef, tuple[Counter, ...]] = {}
        self._sold_out: set[TypeRef] = set()

    async def find(self, event_name: str, type_: str) -> Offer | Code:
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

    def rules(self, ref: TypeRef) -> Event:
        return self._events[ref.event].event

    def hold_ends(self, ref: TypeRef) -> float:
        """When a hold that is made now ends, in Unix seconds."""
        return round(self._now() + self.rules(ref).hold_s, 3)

    # --- stock -----------------------------------------------------------------------

    def own(self, ref: TypeRef) -> int:
        """What this worker's stripe holds."""
        counters = self._counters[ref]
        return counters[self._place % len(counters)].stock.remaining

    def left(self, ref: TypeRef) -> int:
        """What all stripes hold together."""
        return remaining(self._counters[ref])

    def draw(self, ref: TypeRef, sold: int, held: int) -> tuple[Counter, ...]:
        """The counters that change when so many are sold and held, as they are then."""
        counters = self._counters[ref]
        return draw(counters, self._place % len(counters), sold=sold, held=held)

    def moved(self, changed: Iterable[Counter]) -> None:
        """Those counters are committed: that is what they say now."""
        for counter in changed:
            self._sold_out.discard(counter.ref)
            known = list(self._counters[counter.ref])
            known[counter.number] = replace(counter, version=counter.version + 1)
            self._counters[counter.ref] = tuple(known)

    def note_sold_out(self, ref: TypeRef) -> None:
        """Has it in the log where nothing is left, once."""
        if not self.left(ref) and ref not in self._sold_out:
            self._sold_out.add(ref)
            self._log.info("sold out", f"{ref.event} {ref.type}")

    # --- doubts ----------------------------------------------------------------------

    def forget(self, refs: Iterable[TypeRef]) -> None:
        """Their counters are read anew."""
        for ref in refs:
            self._counters.pop(ref, None)

    def forget_events(self) -> None:
        self._events.clear()
