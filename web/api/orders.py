"""Orders: bought, looked at, cancelled."""

import msgspec

from core.errors import ZkticketError
from core.schema.records import OrderView
from core.store.order_lifecycle import Act
from core.transport.link import Answer, Code
from web.auth.operator import OperatorGuard
from web.auth.roles import Area
from web.handler_context import Context
from web.http import problems
from web.http.problems import Problem
from web.http.replies import JSON, Reply, json_reply
from web.http.request import Request
from web.http.route_description import (
    JSON_BODY,
    OPERATOR,
    OPERATOR_TOKEN,
    READ,
    WAIT,
    Response,
    Route,
)
from web.http.routing import Outcome
from web.reads.order_lookup import find_order
from web.requests.order_change import WantedChange, wanted_change
from web.requests.parameters import KEY, ORDER_ID
from web.requests.purchase import Basket, PurchaseJson, from_json

REPLAYED = [*JSON, ("idempotency-replayed", "true")]

# The problems of a purchase, and of a change of an order.
BUY = (
    *("no-such-event", "no-such-type", "sold-out", "limit-reached", "not-on-sale", "price-changed"),
    "payment-required",
    *("key-reused", "damaged", *JSON_BODY, *WAIT),
)
CHANGE = ("no-such-order", "invalid", "damaged", *WAIT)
# Operations on an order.
CHANGES = ("getOrder", "cancelOrder", "checkIn")

FOUND = Response(200, "The order.", OrderView)
CHANGED = Response(200, "The order after the change, also if it was made before.", OrderView)


def made(done: str, follows: tuple[str, ...]) -> tuple[Response, ...]:
    """The answers to a request that makes an order."""
    again = f"{done} before, with this key: the same order."
    return (
        Response(201, f"{done}.", OrderView, follows=follows),
        Response(200, again, OrderView, ("Idempotency-Replayed",), follows),
    )


class OrderRoutes:
    """What routes of orders share. Each of them parses, calls one function, maps its result."""

    def __init__(self, context: Context, guard: OperatorGuard) -> None:
        self._context = context
        self._guard = guard

    def _bought(self, answer: Answer, basket: Basket) -> Outcome:
        """The order that was bought or held, or why there is none."""
        if answer.order is not None and answer.code is Code.SOLD:
            return json_reply(answer.order, 201)
        if answer.order is not None and answer.code is Code.REPLAYED:
            return Reply(200, REPLAYED, msgspec.json.encode(answer.order))
        label = self._context.catalog.last.label(basket.event, basket.type)
        return problems.from_answer(answer, label, basket.quantity, self._context.rng)

    async def _found(self, order_id: str) -> Outcome:
        """The order as it is now."""
        try:
            return json_reply(await find_order(self._context.orders, order_id))
        except ZkticketError as error:
            return problems.from_read_error(error, self._context.rng)

    async def _changed_by(self, request: Request, order_id: str, act: Act) -> Outcome:
        """The answer to a change that buyers ask for as well as operators, who bring a token."""
        access = self._guard.enter(request, Area.ORDERS) if self._guard.is_asked(request) else None
        if isinstance(access, Problem):
            return access
        wanted = wanted_change(
            order_id,
            act,
            request.idempotency_key,
            operator=access is not None,
            by=access.name if access else "",
        )
        return await self._changed(request, wanted)

    async def _changed(self, request: Request, wanted: WantedChange) -> Outcome:
        """The order after its change, or why it was not changed."""
        answer = await self._context.checkout.change(wanted, request.began)
        if answer.code is Code.DONE and answer.order is not None:
            return json_reply(answer.order)
        return problems.from_refused_change(answer, self._context.rng)


class OrderApi(OrderRoutes):
    """Orders are bought, looked at, cancelled."""

    @Route(
        "POST",
        "/api/orders",
        "buy",
        "Buy tickets",
        "The order is sold when the answer says so: a majority of ZooKeeper's servers has it on "
        "disk. After a 503, or no answer at all, send the same request with the same key again: "
        "it gives the true answer and never buys twice.",
        parameters=(KEY,),
        body=PurchaseJson,
        answers=made("Sold", CHANGES),
        codes=BUY,
    )
    async def post_order(self, request: Request) -> Outcome:
        basket = from_json(request)
        answer = await self._context.checkout.buy(basket, request.began, request.gone)
        return self._bought(answer, basket)

    @Route(
        "GET",
        "/api/orders/<order_id>",
        "getOrder",
        "An order as it is now",
        "Everybody who has the id may look: it can't be guessed.",
        parameters=(ORDER_ID,),
        answers=(FOUND,),
        codes=("no-such-order", *READ),
    )
    async def get_order(self, _request: Request, order_id: str) -> Outcome:
        return await self._found(order_id)

    @Route(
        "POST",
        "/api/orders/<order_id>/cancel",
        "cancelOrder",
        "Cancel an order",
        "Its tickets are for sale again at once. Buyers may cancel where the event is "
        "`cancellable`; operators always may, with their token.",
        parameters=(ORDER_ID, KEY),
        answers=(CHANGED,),
        codes=(*OPERATOR, "not-valid", "already-checked-in", "not-cancellable", *CHANGE),
        keys=(OPERATOR_TOKEN, {}),
    )
    async def post_cancel(self, request: Request, order_id: str) -> Outcome:
        return await self._changed_by(request, order_id, Act.CANCEL)
