"""Holds, and what becomes of orders: kept, confirmed, extended, given back, let in."""

from typing import Any

import bottle
import msgspec

from core.errors import BadRequest
from core.schema.records import Payment
from core.store.lifecycle import Act
from core.transport.link import Answer, Code
from web.api.orders import basket_of, bought
from web.auth.operator import Guard
from web.auth.webhook_signature import is_signed
from web.context import Deps
from web.http import problems
from web.http.problems import Problem, problem
from web.http.replies import BEGAN, json_reply
from web.http.routing import Outcome
from web.requests.order_change import WantedChange, errand, note, order_in
from web.requests.purchase import Basket, currency_in, expect_media_type, json_object, price_in

# An order's id may come as the address that a QR code carries, no longer than this.
MOST_ADDRESS = 511
# Of the ids that providers give; Stripe's may have so many, and money must not go unrecorded.
MOST_PAYMENT = 255


class Changes:
    """Each method is a route: it parses, calls one function, maps the result to a status."""

    def __init__(self, deps: Deps, guard: Guard) -> None:
        self._deps = deps
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

    def post_hold(self) -> Any:
        """Takes tickets off sale for a while: so many of one client, or any for an operator."""
        environ = bottle.request.environ
        operator = self._guard.is_asked(environ)
        if operator and (refusal := self._guard.refusal(environ)):
            return refusal
        basket = msgspec.structs.replace(basket_of(environ), hold=True)
        return self._hold(basket, environ[BEGAN], None if operator else environ["REMOTE_ADDR"])

    async def _hold(self, basket: Basket, began: float, address: str | None) -> Outcome:
        if address is None:
            answer: Answer | Problem = await self._deps.buy(basket, began, None)
        else:
            answer = await self._deps.hold(basket, began, None, address)
        if isinstance(answer, Problem):
            return answer
        return bought(answer, basket, self._deps.rng)

    def post_confirm(self, order_id: str) -> Any:
        return self._amend(self._wanted(order_id, Act.CONFIRM))

    def post_release(self, order_id: str) -> Any:
        return self._amend(self._wanted(order_id, Act.RELEASE))

    def post_extend(self, order_id: str) -> Any:
        return self._amend(self._wanted(order_id, Act.EXTEND))

    # --- orders ----------------------------------------------------------------------

    def post_cancel(self, order_id: str) -> Any:
        """By its buyer, where the event allows it, or by an operator, who brings the token."""
        environ = bottle.request.environ
        operator = self._guard.is_asked(environ)
        if operator and (refusal := self._guard.refusal(environ)):
            return refusal
        return self._amend(self._wanted(order_id, Act.CANCEL, operator=operator))

    def post_check_in(self) -> Any:
        """The first scan of a ticket lets its holder in; the second says when that was."""
        environ = bottle.request.environ
        if refusal := self._guard.refusal(environ):
            return refusal
        wanted = _object_of(environ)
        return self._amend(
            errand(
                _order(wanted),
                Act.CHECK_IN,
                environ.get("HTTP_IDEMPOTENCY_KEY"),
                note=note(wanted, "door"),
            )
        )

    def post_payment(self) -> Any:
        """A payment provider's call confirms a hold.

        What counts for nothing, because it is late, or the second one, or of another sum, is
        recorded with the order, and the answer says so: refund it.
        """
        environ = bottle.request.environ
        body = environ["wsgi.input"].read()
        if not is_signed(self._deps.payment_key, environ, body, self._deps.clock.now()):
            return problem("bad-signature")
        expect_media_type(environ.get("CONTENT_TYPE", ""), "application/json")
        wanted = json_object(body)
        payment = _payment(wanted, environ["HTTP_WEBHOOK_ID"])
        return self._amend(errand(_order(wanted, "hold"), Act.CONFIRM, None, payment=payment))

    # --- all of them -----------------------------------------------------------------

    def _wanted(self, order_id: str, act: Act, *, operator: bool = False) -> WantedChange:
        key = bottle.request.environ.get("HTTP_IDEMPOTENCY_KEY")
        return errand(order_id, act, key, operator=operator)

    def _amend(self, wanted: WantedChange) -> Any:
        return self._settled(wanted, bottle.request.environ[BEGAN])

    async def _settled(self, wanted: WantedChange, began: float) -> Outcome:
        answer: Answer = await self._deps.amend(wanted, began)
        if answer.code is Code.DONE and answer.order is not None:
            return json_reply(answer.order)
        return problems.of_change(answer, self._deps.rng)


def _object_of(environ: dict[str, Any]) -> dict[str, Any]:
    expect_media_type(environ.get("CONTENT_TYPE", ""), "application/json")
    return json_object(environ["wsgi.input"].read())


def _payment(wanted: dict[str, Any], call: str) -> Payment:
    """The payment that a provider's call tells of; the call's own id names one without a name."""
    name = note(wanted, "payment", MOST_PAYMENT) or note({"payment": call}, "payment", MOST_PAYMENT)
    if not name:
        raise BadRequest("invalid", "detail.note", "payment", most=MOST_PAYMENT)
    return Payment(
        id=name,
        amount=price_in(wanted.get("amount"), "amount"),
        currency=currency_in(wanted.get("currency", "")),
    )


def _order(wanted: dict[str, Any], field: str = "order") -> str:
    """The order's id, also as its ticket prints it, or out of an address."""
    value = wanted.get(field)
    found = order_in(value) if isinstance(value, str) and len(value) <= MOST_ADDRESS else ""
    if not found:
        raise BadRequest("invalid", "detail.order", field)
    return found
