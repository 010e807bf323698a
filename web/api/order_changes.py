"""Holds and changes of orders over the JSON interface."""

import bottle
import msgspec

from core.store.lifecycle import Act
from core.transport.link import Code
from web.api.orders import basket_of, bought
from web.auth.operator import OperatorGuard
from web.auth.webhook_signature import ID_HEADER, is_signed
from web.context import Context
from web.http import problems
from web.http.problems import Problem, problem
from web.http.replies import json_reply
from web.http.request import Request
from web.http.routing import Outcome
from web.requests.order_change import WantedChange, check_in, errand, payment


class OrderChangeApi:
    """Each method is a route: it parses, calls one function, maps the result to a status."""

    def __init__(self, context: Context, guard: OperatorGuard) -> None:
        self._context = context
        self._guard = guard

    def mount(self, app: bottle.Bottle) -> None:
        app.route("/api/holds", "POST", self.post_hold)
        app.route("/api/holds/<order_id>/confirm", "POST", self.post_confirm)
        app.route("/api/holds/<order_id>/release", "POST", self.post_release)
        app.route("/api/holds/<order_id>/extend", "POST", self.post_extend)
        app.route("/api/orders/<order_id>/cancel", "POST", self.post_cancel)
        app.route("/api/check-in", "POST", self.post_check_in)
        app.route("/api/payments", "POST", self.post_payment)

    # --- holds -----------------------------------------------------------------------

    async def post_hold(self, request: Request) -> Outcome:
        """Holds tickets for a while: a bounded number for a client, any for an operator."""
        operator = self._guard.is_asked(request)
        if operator and (refusal := self._guard.refusal(request)):
            return refusal
        basket = msgspec.structs.replace(basket_of(request), hold=True)
        address = None if operator else request.client
        answer = await self._context.checkout.hold(basket, request.began, None, address)
        if isinstance(answer, Problem):
            return answer
        return bought(answer, basket, self._context.rng)

    async def post_confirm(self, request: Request, order_id: str) -> Outcome:
        return await self._amend(request, _wanted(request, order_id, Act.CONFIRM))

    async def post_release(self, request: Request, order_id: str) -> Outcome:
        return await self._amend(request, _wanted(request, order_id, Act.RELEASE))

    async def post_extend(self, request: Request, order_id: str) -> Outcome:
        return await self._amend(request, _wanted(request, order_id, Act.EXTEND))

    # --- orders ----------------------------------------------------------------------

    async def post_cancel(self, request: Request, order_id: str) -> Outcome:
        """Cancels an order: for its buyer if the event allows that, or for an operator's token."""
        operator = self._guard.is_asked(request)
        if operator and (refusal := self._guard.refusal(request)):
            return refusal
        return await self._amend(request, _wanted(request, order_id, Act.CANCEL, operator=operator))

    async def post_check_in(self, request: Request) -> Outcome:
        """Lets a ticket's holder in at the first scan; later ones say when that was."""
        if refusal := self._guard.refusal(request):
            return refusal
        return await self._amend(request, check_in(request))

    async def post_payment(self, request: Request) -> Outcome:
        """Confirms a hold when a payment provider says that it was paid.

        A payment that is late, the second one, or of another sum counts for nothing: it is
        recorded with the order, and the answer says that it should be refunded.
        """
        if not is_signed(self._context.payment_key, request, self._context.clock.now()):
            return problem("bad-signature")
        return await self._amend(request, payment(request, request.headers[ID_HEADER]))

    # --- all of them -----------------------------------------------------------------

    async def _amend(self, request: Request, wanted: WantedChange) -> Outcome:
        answer = await self._context.checkout.change(wanted, request.began)
        if answer.code is Code.DONE and answer.order is not None:
            return json_reply(answer.order)
        return problems.of_change(answer, self._context.rng)


def _wanted(request: Request, order_id: str, act: Act, *, operator: bool = False) -> WantedChange:
    return errand(order_id, act, request.idempotency_key, operator=operator)
