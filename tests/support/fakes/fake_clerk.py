"""A few orders in every state, and a clerk that changes them by the real rules."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from core.schema.records import Event, Order, Status
from core.store.order_lifecycle import Occasion, Refusal, amended
from core.store.orders import StoredOrder
from core.transport.link import Answer, ChangeRequest, Code

AT = 1750000000.0
TICKETS: Mapping[str, Status] = {
    "a": "sold",
    "a1": "sold",
    "a2": "sold",
    "a3": "sold",
    "a4": "sold",
    "a5": "sold",
    "a6": "sold",
    "a7": "sold",
    # These two have the same number.
    "dd": "sold",
    "dddddddddddddddd0": "sold",
    "b0": "held",
    "b1": "released",
    "b2": "expired",
    "b3": "cancelled",
}


def id_of(name: str) -> str:
    """Returns the id of the order with that name in `TICKETS`."""
    return (name * 32)[:32]


class FakeClerk:
    """Changes its orders; `now` is in Unix seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._orders = {id_of(name): _stored(name, status) for name, status in TICKETS.items()}

    @property
    def all(self) -> Sequence[StoredOrder]:
        return tuple(self._orders.values())

    def stored(self, order_id: str) -> StoredOrder | None:
        return self._orders.get(order_id)

    def answer(self, request: ChangeRequest) -> Answer:
        stored = self._orders.get(request.order)
        if stored is None:
            return Answer(id=request.id, code=Code.NO_SUCH_ORDER)
        rules = Event(generation="0" * 8, title="Summer gala")
        occasion = Occasion(rules, self._now(), "worker-1.b", stored.event)
        after = amended(stored.order, request, occasion)
        if isinstance(after, Refusal):
            return Answer(id=request.id, code=Code(after.value), order=stored.view)
        changed = after is not stored.order
        stored = msgspec.structs.replace(stored, order=after)
        self._orders[request.order] = stored
        return Answer(id=request.id, code=Code.DONE, order=stored.view, changed=changed)


def _stored(name: str, status: Status) -> StoredOrder:
    order = Order(
        type="front",
        quantity=2,
        buyer=f"Ada Lovelace <{name}>",
        status=status,
        at=AT,
        batch="worker-1.b",
        until=None if status == "sold" else AT + 300,
    )
    return StoredOrder(id_of(name), "gala", order, 4294967301)
