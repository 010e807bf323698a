"""Checkout: buys tickets, holds them for a while, changes orders."""

from collections.abc import Callable

from msgspec.structs import replace

from core.transport.link import Answer, Code
from web.dispatch.dispatcher import Dispatcher
from web.http.problems import Problem
from web.http.request import Gone
from web.metrics.counters import Metrics
from web.reads.catalog import Catalog
from web.requests.hold_quota import OpenHolds
from web.requests.order_change import WantedChange
from web.requests.purchase import Basket


class Checkout:
    """What buyers and operators do with tickets.

    `began` is when the request was complete, by `clock`, which is monotonic; `gone` ends when
    the buyer has closed the connection. `ticket_key` makes the codes of tickets.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        catalog: Catalog,
        open_holds: OpenHolds,
        metrics: Metrics,
        clock: Callable[[], float],
        ticket_key: bytes,
    ) -> None:
        self._dispatcher = dispatcher
        self._catalog = catalog
        self._open_holds = open_holds
        self._metrics = metrics
        self._clock = clock
        self._ticket_key = ticket_key

    async def buy(self, basket: Basket, began: float, gone: Gone | None) -> Answer:
        """Buys tickets; a fresh catalog refuses an unknown event or type without a worker."""
        lacking = self._catalog.lacks(basket.event, basket.type)
        if lacking is not None:
            answer = Answer(id=0, code=Code(lacking))
        else:
            answer = await self._dispatcher.ask(basket, began, gone)
        if answer.code is Code.SOLD:
            self._catalog.sold()
        self._metrics.purchase(answer.code, self._clock() - began)
        return self._coded(answer)

    async def hold(
        self, basket: Basket, began: float, gone: Gone | None, address: str | None
    ) -> Answer | Problem:
        """Holds tickets, at most as many as one client may hold at a time.

        `address` is the client's; None is for operators, who have no bound.
        """
        if address is None:
            return await self.buy(basket, began, gone)
        claim = self._open_holds.claim(address, basket)
        if isinstance(claim, Problem):
            return claim
        answer = await self.buy(basket, began, gone)
        self._open_holds.settle(claim, answer)
        return answer

    async def change(self, wanted: WantedChange, began: float) -> Answer:
        """Changes an order."""
        answer = await self._dispatcher.ask(wanted, began)
        if answer.code is Code.DONE:
            self._catalog.sold()
        if answer.order is not None:
            self._open_holds.note(answer.order)
        return self._coded(answer)

    def _coded(self, answer: Answer) -> Answer:
        """The answer with the code of its order's ticket: workers don't send it."""
        if answer.order is None:
            return answer
        return replace(answer, order=answer.order.coded(self._ticket_key))
