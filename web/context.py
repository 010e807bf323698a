"""What the routes work with, made once at the start and passed to them."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from core.clock import Clock
from core.transport.link import Answer, Code
from web.auth.ended_sessions import Ended
from web.dispatch.dispatcher import Dispatcher
from web.http.problems import Problem
from web.http.request import Gone
from web.metrics.counters import Metrics
from web.metrics.history import History
from web.metrics.scrape import Vitals
from web.operations import Operations
from web.reads.catalog import Catalog
from web.reads.order_lookup import Orders
from web.requests.hold_quota import OpenHolds
from web.requests.order_change import WantedChange
from web.requests.purchase import Basket
from web.server.head import Front


@dataclass(frozen=True)
class Deps:
    """`status` gathers what `/api/status` tells; `connected` is the web's own ZooKeeper."""

    dispatcher: Dispatcher
    catalog: Catalog
    orders: Orders
    status: Callable[[], Awaitable[Any]]
    connected: Callable[[], bool]
    operator_token: str
    payment_key: bytes
    operations: Operations
    ended: Ended
    history: History
    metrics: Metrics
    front: Front
    open_holds: OpenHolds
    vitals: Vitals
    clock: Clock
    rng: random.Random

    async def buy(self, basket: Basket, began: float, gone: Gone | None) -> Answer:
        """The end of a purchase; what a fresh catalog lacks is refused without a worker.

        `began` is when its request was there, by `clock`; `gone` ends when its buyer leaves.
        """
        lacking = self.catalog.lacks(basket.event, basket.type)
        if lacking is not None:
            answer = Answer(id=0, code=Code(lacking))
        else:
            answer = await self.dispatcher.buy(basket, began, gone)
        if answer.code is Code.SOLD:
            self.catalog.sold()
        self.metrics.purchase(answer.code, self.clock.monotonic() - began)
        return answer

    async def hold(
        self, basket: Basket, began: float, gone: Gone | None, address: str
    ) -> Answer | Problem:
        """As `buy`, within what the client at that address may hold at a time."""
        claim = self.open_holds.claim(address, basket)
        if isinstance(claim, Problem):
            return claim
        answer = await self.buy(basket, began, gone)
        self.open_holds.settle(claim, answer)
        return answer

    async def amend(self, errand: WantedChange, began: float) -> Answer:
        """The end of a change of an order; `began` as for `buy`."""
        answer = await self.dispatcher.buy(errand, began)
        if answer.code is Code.DONE:
            self.catalog.sold()
        if answer.order is not None:
            self.open_holds.note(answer.order)
        return answer
