"""Bounds how many tickets one client may hold at a time, so that strangers can't block a sale.

The open holds are kept in this web server's memory, by address (the /64 of an IPv6 address). Holds
that were sold, given back or have expired don't count, and neither do purchases without a hold.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

import msgspec

from core.client_addresses import client_network
from core.schema.records import OrderView
from core.transport.link import Answer, Code
from web.http.problems import Problem, problem
from web.requests.purchase import Basket

# How long a hold counts if its outcome is unknown.
UNKNOWN_S = 60.0
# The clients and orders that were heard of least recently are forgotten first.
MOST_CLIENTS = 4096
MOST_ORDERS = 4 * MOST_CLIENTS

# A hold's event and idempotency key, which name it before it is an order.
HoldKey: TypeAlias = tuple[str, str]


class Hold(msgspec.Struct, frozen=True):
    """A number of tickets that are held until a time in Unix seconds."""

    quantity: int
    until: float


class HoldClaim(msgspec.Struct, frozen=True):
    """A client's request for a hold; `hold` counts until its answer and is None for a repeat."""

    client: str
    place: HoldKey
    hold: Hold | None = None


class OpenHolds:
    """Allows each client `most_holds` with `most_tickets` in them; 0 means no bound.

    `now` returns Unix seconds.
    """

    def __init__(self, most_holds: int, most_tickets: int, now: Callable[[], float]) -> None:
        self._most_holds = most_holds or math.inf
        self._most_tickets = most_tickets or math.inf
        self._now = now
        # The client that was heard of last stands at the end.
        self._clients: OrderedDict[str, dict[HoldKey, Hold]] = OrderedDict()
        self._orders: OrderedDict[str, HoldClaim] = OrderedDict()

    def claim(self, address: str, basket: Basket) -> HoldClaim | Problem:
        """Reserves room for a hold until `settle` is told its outcome, or says why there is none.

        A repeated request always gets a claim, so that it gets its true answer.
        """
        client, place = client_network(address), (basket.event, basket.key)
        holds = self._running(client)
        if place in holds or self._is_unbounded():
            return HoldClaim(client, place)
        if not self._fits(holds, basket.quantity):
            return self._refusal(holds)
        claim = HoldClaim(client, place, hold := Hold(basket.quantity, self._now() + UNKNOWN_S))
        self._keep(claim, hold)
        return claim

    def settle(self, claim: HoldClaim, answer: Answer) -> None:
        """Keeps the hold if it was made, and frees its room if it was not."""
        holds = self._running(claim.client)
        if answer.order is not None and answer.order.status == "held":
            if claim.hold is not None or claim.place in holds:
                self._keep_order(claim, answer.order)
        elif answer.code is not Code.OUTCOME_UNKNOWN and holds.get(claim.place) is claim.hold:
            self._drop(claim)

    def note(self, order: OrderView) -> None:
        """Follows a change of an order: it was extended, or is no hold any more."""
        claim = self._orders.pop(order.order, None)
        if claim is None:
            return
        if order.status == "held":
            self._keep_order(claim, order)
        else:
            self._drop(claim)

    def _is_unbounded(self) -> bool:
        return math.isinf(self._most_holds) and math.isinf(self._most_tickets)

    def _fits(self, holds: dict[HoldKey, Hold], quantity: int) -> bool:
        tickets = sum(hold.quantity for hold in holds.values())
        return len(holds) < self._most_holds and tickets + quantity <= self._most_tickets

    def _refusal(self, holds: dict[HoldKey, Hold]) -> Problem:
        first = min((hold.until for hold in holds.values()), default=self._now())
        wait_s = max(1, math.ceil(first - self._now()))
        return msgspec.structs.replace(problem("too-many-holds"), retry_after=wait_s)

    def _running(self, client: str) -> dict[HoldKey, Hold]:
        now = self._now()
        known = self._clients.get(client, {})
        return {place: hold for place, hold in known.items() if hold.until > now}

    def _keep(self, claim: HoldClaim, hold: Hold) -> None:
        self._clients[claim.client] = {**self._running(claim.client), claim.place: hold}
        self._clients.move_to_end(claim.client)
        while len(self._clients) > MOST_CLIENTS:
            self._clients.popitem(last=False)

    def _keep_order(self, claim: HoldClaim, order: OrderView) -> None:
        until = datetime.fromisoformat(order.held_until or order.created_at).timestamp()
        self._keep(claim, Hold(order.quantity, until))
        self._orders[order.order] = claim
        while len(self._orders) > MOST_ORDERS:
            self._orders.popitem(last=False)

    def _drop(self, claim: HoldClaim) -> None:
        holds = self._running(claim.client)
        holds.pop(claim.place, None)
        if holds:
            self._clients[claim.client] = holds
        else:
            self._clients.pop(claim.client, None)
