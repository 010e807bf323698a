"""The orders of `fake_site`: made with P3, changed by the rules of `core.store.order_lifecycle`."""

import time
from collections.abc import Mapping, Sequence

import msgspec

from core.errors import NoSuchOrder
from core.schema.records import Event, Order, order_id
from core.store.availability import EventAvailability
from core.store.order_lifecycle import Occasion, Refusal, amended
from core.store.orders import StoredOrder
from core.transport.link import Answer, ChangeRequest, Code, Purchase
from tests.support.fakes.fake_clerk import FakeClerk
from tests.support.fakes.fake_worker import KEY

MADE_AT = 1748779200.0
ZXID = 4294967301


class FakeOrders:
    """The orders that all fake workers share, beside the clerk's.

    A purchase of a type that is named after a code is answered with that code, and so is every
    change for a buyer that is named after one.
    """

    def __init__(self, events: Mapping[str, EventAvailability], clerk: FakeClerk) -> None:
        self._events = events
        self._clerk = clerk
        self._purchases: dict[str, Purchase] = {}
        self._orders: dict[str, Order] = {}

    @property
    def all(self) -> Sequence[StoredOrder]:
        return [*self._clerk.all, *map(self.find, self._orders)]

    def find(self, id_: str) -> StoredOrder:
        """Returns the order. Raises `NoSuchOrder`."""
        if (stored := self._clerk.stored(id_)) is not None:
            return stored
        if id_ not in self._orders:
            raise NoSuchOrder("there is no such order")
        return StoredOrder(id_, self._purchases[id_].event, self._orders[id_], ZXID)

    def answer(self, purchase: Purchase) -> Answer | None:
        if purchase.type == "silent":
            return None
        if purchase.type == "few":
            return Answer(id=purchase.id, code=Code.SOLD_OUT, remaining=2)
        if purchase.type == "nearly":
            return Answer(id=purchase.id, code=Code.LIMIT_REACHED, allowance=2)
        if purchase.event == "codes":
            return Answer(id=purchase.id, code=Code(purchase.type), remaining=0)
        if purchase.type == "C":
            return Answer(id=purchase.id, code=Code.SOLD_OUT, remaining=0)
        return self._sell(purchase)

    def amend(self, request: ChangeRequest) -> Answer:
        if self._clerk.stored(request.order) is not None:
            return self._clerk.answer(request)
        try:
            found = self.find(request.order)
        except NoSuchOrder:
            return Answer(id=request.id, code=Code.NO_SUCH_ORDER)
        if found.order.buyer in set(Code):
            return Answer(id=request.id, code=Code(found.order.buyer))
        rules = self._rules(found.event)
        occasion = Occasion(rules, time.time(), "b", found.event)
        after = amended(found.order, request, occasion)
        if isinstance(after, Refusal):
            return Answer(id=request.id, code=Code(after.value), order=found.view)
        self._orders[request.order] = after
        view, changed = self.find(request.order).view, after is not found.order
        return Answer(id=request.id, code=Code.DONE, order=view, changed=changed)

    def expire(self, id_: str) -> None:
        """Ends a hold now; its tickets are not yet back on sale."""
        self._orders[id_] = msgspec.structs.replace(self._orders[id_], until=time.time())

    def _sell(self, purchase: Purchase) -> Answer:
        id_ = order_id(KEY, purchase.event, purchase.key)
        first = self._purchases.setdefault(id_, purchase)
        if _wanted(first) != _wanted(purchase):
            return Answer(id=purchase.id, code=Code.KEY_REUSED)
        code = Code.REPLAYED if id_ in self._orders else Code.SOLD
        self._orders.setdefault(id_, self._made(purchase))
        return Answer(id=purchase.id, code=code, order=self.find(id_).view, remaining=7)

    def _made(self, purchase: Purchase) -> Order:
        terms = self._events[purchase.event]
        until = time.time() + terms.hold_s
        prices = {type_.name: type_.price for type_ in terms.types}
        return Order(
            type=purchase.type,
            quantity=purchase.quantity,
            buyer=purchase.buyer,
            status="held" if purchase.hold else "sold",
            at=MADE_AT,
            batch="b",
            until=round(until, 3) if purchase.hold else None,
            price=prices.get(purchase.type, 0),
            currency=terms.currency,
            decimals=terms.decimals,
            payment=terms.payment,
        )

    def _rules(self, event: str) -> Event:
        terms = self._events[event]
        return Event(
            generation="00000000",
            title=terms.title,
            hold_s=terms.hold_s,
            extensions=terms.extensions,
            cancellable=terms.cancellable,
            payment=terms.payment,
        )


def _wanted(purchase: Purchase) -> Purchase:
    """Returns what has to be the same when a key comes again."""
    return msgspec.structs.replace(purchase, id=0, keyed=True, timeout_s=0.0)
