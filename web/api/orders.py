"""Purchases and orders over the JSON interface."""

import random

import bottle
import msgspec

from core.errors import ZkticketError
from core.transport.link import Answer, Code
from web.context import Context
from web.http import problems
from web.http.replies import JSON, Reply, json_reply
from web.http.request import Request
from web.http.routing import Outcome
from web.reads.order_lookup import find_order
from web.requests.purchase import Basket, from_json

REPLAYED = [*JSON, ("idempotency-replayed", "true")]


class OrderApi:
    """Each method is a route: it parses, calls one function, maps the result to a status."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def mount(self, app: bottle.Bottle) -> None:
        app.route("/api/orders", "POST", self.post_order)
        app.route("/api/orders/<order_id>", "GET", self.get_order)
        app.route("/api/holds/<order_id>", "GET", self.get_order)

    async def post_order(self, request: Request) -> Outcome:
        basket = basket_of(request)
        answer = await self._context.checkout.buy(basket, request.began, request.gone)
        return bought(answer, basket, self._context.rng)

    async def get_order(self, _request: Request, order_id: str) -> Outcome:
        try:
            return json_reply(await find_order(self._context.orders, order_id))
        except ZkticketError as error:
            return problems.of_read(error, self._context.rng)


def basket_of(request: Request) -> Basket:
    """What the request wants to buy. Raises `BadRequest`."""
    return from_json(request.content_type, request.body, request.idempotency_key)


def bought(answer: Answer, basket: Basket, rng: random.Random) -> Outcome:
    """The outcome of a purchase for the buyer."""
    if answer.order is not None and answer.code is Code.SOLD:
        return json_reply(answer.order, 201)
    if answer.order is not None and answer.code is Code.REPLAYED:
        return Reply(200, REPLAYED, msgspec.json.encode(answer.order))
    return problems.of_answer(answer, basket.type, basket.quantity, rng)
