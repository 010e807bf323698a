"""A purchase over the JSON interface: from the request to the answer."""

import random

import msgspec

from core.transport.link import Answer, Code
from web.http import problems
from web.http.replies import JSON, Reply, json_reply
from web.http.request import Request
from web.http.routing import Outcome
from web.requests.purchase import Basket, from_json

REPLAYED = [*JSON, ("idempotency-replayed", "true")]


def basket_of(request: Request) -> Basket:
    """What the request is to buy. Raises `BadRequest`."""
    return from_json(request.content_type, request.body, request.idempotency_key)


def bought(answer: Answer, basket: Basket, rng: random.Random) -> Outcome:
    """What a worker's answer is to a buyer."""
    if answer.order is not None and answer.code is Code.SOLD:
        return json_reply(answer.order, 201)
    if answer.order is not None and answer.code is Code.REPLAYED:
        return Reply(200, REPLAYED, msgspec.json.encode(answer.order))
    return problems.of_answer(answer, basket.type, basket.quantity, rng)
