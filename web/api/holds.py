"""Holds: kept, looked at, confirmed, given back, extended, paid."""

import msgspec

from core.store.order_lifecycle import Act
from web.api.orders import BUY, CHANGE, CHANGED, FOUND, OrderRoutes, made
from web.auth.roles import Area
from web.auth.webhook_signature import ID_HEADER, is_signed
from web.http.problems import Problem, problem
from web.http.request import Request
from web.http.route_description import JSON_BODY, OPERATOR, OPERATOR_TOKEN, READ, SIGNED, Route
from web.http.routing import Outcome
from web.requests.order_change import PaymentJson, from_payment, wanted_change
from web.requests.parameters import KEY, ORDER_ID
from web.requests.purchase import PurchaseJson, from_json

# Operations on a hold.
CHANGES = ("getHold", "confirmHold", "extendHold", "releaseHold", "payHold")
HOLD = tuple(code for code in BUY if code != "payment-required")
REPEATED = "The request may be repeated: what it asks for is done once."


class HoldApi(OrderRoutes):
    """Holds are made, looked at, confirmed, given back, extended, paid."""

    @Route(
        "POST",
        "/api/holds",
        "hold",
        "Keep tickets for a buyer",
        "The tickets are off sale until `held_until`, then for sale again. All else is as in a "
        "purchase. One address may hold a limited number of tickets at a time; requests with the "
        "operator's token have no limit.",
        parameters=(KEY,),
        body=PurchaseJson,
        answers=made("Held", CHANGES),
        codes=(*HOLD, "too-many-holds", *OPERATOR),
        keys=({}, OPERATOR_TOKEN),
    )
    async def post_hold(self, request: Request) -> Outcome:
        operator = self._guard.is_asked(request)
        if operator and (refusal := self._guard.refusal(request, Area.ORDERS)):
            return refusal
        basket = msgspec.structs.replace(from_json(request), hold=True)
        address = None if operator else request.client
        answer = await self._context.checkout.hold(basket, request.began, None, address)
        if isinstance(answer, Problem):
            return answer
        return self._bought(answer, basket)

    @Route(
        "GET",
        "/api/holds/<order_id>",
        "getHold",
        "A hold as it is now",
        "A hold is an order: this is the same as `/api/orders/{order_id}`.",
        parameters=(ORDER_ID,),
        answers=(FOUND,),
        codes=("no-such-order", *READ),
    )
    async def get_hold(self, _request: Request, order_id: str) -> Outcome:
        return await self._found(order_id)

    @Route(
        "POST",
        "/api/holds/<order_id>/confirm",
        "confirmHold",
        "Buy what is held",
        f"{REPEATED} Where the event's `payment` is `required`, a payment confirms the hold, see "
        "`/api/payments`, or an operator with the token does; others get `payment-required`, and "
        "the hold stays.",
        parameters=(ORDER_ID, KEY),
        answers=(CHANGED,),
        codes=("payment-required", "hold-expired", "not-held", *OPERATOR, *CHANGE),
        keys=({}, OPERATOR_TOKEN),
    )
    async def post_confirm(self, request: Request, order_id: str) -> Outcome:
        return await self._changed_by(request, order_id, Act.CONFIRM)

    @Route(
        "POST",
        "/api/holds/<order_id>/release",
        "releaseHold",
        "Give back what is held",
        REPEATED,
        parameters=(ORDER_ID, KEY),
        answers=(CHANGED,),
        codes=("not-held", *CHANGE),
    )
    async def post_release(self, request: Request, order_id: str) -> Outcome:
        return await self._change(request, order_id, Act.RELEASE)

    @Route(
        "POST",
        "/api/holds/<order_id>/extend",
        "extendHold",
        "Extend a hold by as much time again",
        "A hold may be extended as often as the event's `extensions` say. A request that is "
        "repeated with its key extends it once.",
        parameters=(ORDER_ID, KEY),
        answers=(CHANGED,),
        codes=("hold-expired", "not-held", "no-more-extensions", *CHANGE),
    )
    async def post_extend(self, request: Request, order_id: str) -> Outcome:
        return await self._change(request, order_id, Act.EXTEND)

    @Route(
        "POST",
        "/api/payments",
        "payHold",
        "A payment confirms a hold",
        "A payment provider's call, signed as Standard Webhooks has it with the key that "
        "`admin payment-secret` prints. The same payment gets the same answer again. A payment "
        "that gets a 409 counts for nothing and is recorded with the order: refund it, except "
        "after `payment-used`, which says that it has paid another order.",
        body=PaymentJson,
        answers=(CHANGED,),
        codes=(
            *("bad-signature", "hold-expired", "not-held"),
            *("paid-already", "payment-used", "wrong-amount", *JSON_BODY, *CHANGE),
        ),
        keys=(SIGNED,),
    )
    async def post_payment(self, request: Request) -> Outcome:
        if not is_signed(self._context.payment_key, request, self._context.clock.now()):
            return problem("bad-signature")
        paid = from_payment(request, request.headers[ID_HEADER])
        return await self._changed(request, paid)

    async def _change(self, request: Request, order_id: str, act: Act) -> Outcome:
        wanted = wanted_change(order_id, act, request.idempotency_key)
        return await self._changed(request, wanted)
