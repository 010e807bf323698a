"""How many tickets one client may hold at a time: a bound on what strangers take off sale.

It is kept in this web's memory, by address (the /64 of an IPv6 one). What is sold, given back or
over doesn't count; nor does a purchase without a hold.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import msgspec

from core.networks import client_network
from core.schema.records import OrderView
from core.transport.link import Answer, Code
from web.http.problems import Problem, problem
from web.requests.purchase import Basket

# A hold whose outcome nobody knows counts for so long.
UNKNOWN_S = 60.0
# Of whom nothing was heard for longest is forgotten first.
MOST_CLIENTS = 4096
MOST_ORDERS = 4 * MOST_CLIENTS

# What names a hold before it is an order: its event and its key.
HoldKey: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class Hold:
    """So many tickets until then, in Unix seconds."""

    quantity: int
    until: float


@dataclass(frozen=True)
class HoldClaim:
    """What a client asks for; `hold` stands for it until the answer, unless it is known already."""

    client: str
    place: HoldKey
    hold: Hold | None = None


class OpenHolds:
    """At most `most_holds`, and `most_tickets` in them, of each client; 0 is no bound.

    `now` is in Unix seconds.
    """

    def __init__(self, most_holds: int, most_tickets: int, now: Callable[[], float]) -> None:
        self._most_holds = most_holds or math.inf
        self._most_tickets = most_tickets or math.inf
        self._now = now
        # Who was heard last stands at the end.
        self._clients: OrderedDict[str, dict[HoldKey, Hold]] = OrderedDict()
        self._orders: OrderedDict[str, HoldClaim] = OrderedDict()

    @property
    def size(self) -> int:
        """How many clients are remembered."""
        return len(self._clients)

    def claim(self, address: str, basket: Basket) -> HoldClaim | Problem:
        """Room for a hold until `settle` is told what became of it, or why there is none.

        A request that is sent again gets its true answer, whatever else its client holds.
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
        """What became of it."""
        holds = self._running(claim.client)
        if answer.order is not None and answer.order.status == "held":
            if claim.hold is not None or claim.place in holds:
                self._keep_order(claim, answer.order)
        elif answer.code is not Code.OUTCOME_UNKNOWN and holds.get(claim.place) is claim.hold:
            self._drop(claim)

    def note(self, order: OrderView) -> None:
        """An order has changed: extended, or no hold any more."""
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
