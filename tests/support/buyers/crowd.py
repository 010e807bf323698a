"""Buyers who keep buying while a test breaks something, and remember every answer."""

import http.client
import itertools
import random
import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from admin.drill.proof.history import History, PurchaseAttempt, Wish, answered, unanswered
from tests.support.buyers.background import Background
from tests.support.instance import Buyer, Instance, Reply

RETRY_S = 0.1
SETTLE_TRIES = 150
SETTLE_S = 0.2


@dataclass(frozen=True)
class Habits:
    """How a buyer behaves.

    It thinks for about `think_s` before each purchase, and asks up to `tries` times with the same
    key while the outcome is open. A share `again` of the buyers asks once more afterwards.
    """

    types: tuple[str, ...] = ("A",)
    quantities: tuple[int, ...] = (1,)
    think_s: float = 0.0
    tries: int = 1
    again: float = 0.0


EAGER = Habits()
# There are plenty of A; B and C are scarce: they sell out, and are put on sale again.
PATIENT = Habits(("A", "A", "B", "C"), (1, 1, 1, 2, 4), think_s=0.02, tries=4, again=0.05)


class Crowd(Background):
    """`size` buyers in a closed loop inside a `with` block, each purchase with its own key.

    `open_` opens a connection to the shop. What a buyer wants, and when, follows from the seed.
    """

    def __init__(
        self,
        open_: Callable[[], Buyer],
        habits: Habits = EAGER,
        *,
        seed: int = 0,
        size: int = 8,
    ) -> None:
        rngs = (random.Random(f"{seed} {number}") for number in range(size))
        super().__init__([partial(self._buy, rng) for rng in rngs], patience_s=60.0)
        self._open = open_
        self._habits = habits
        # No two crowds of one shop share a key.
        self._name = f"crowd-{secrets.token_hex(3)}"
        self._numbers = itertools.count()
        self.history = History()
        self.sold_at = 0.0
        # The answers after which the web closed the connection.
        self.farewells: list[Reply] = []

    @property
    def sold(self) -> list[PurchaseAttempt]:
        return [attempt for attempt in self.history.attempts if attempt.sold]

    @property
    def unsure(self) -> list[PurchaseAttempt]:
        """Attempts that ended neither in an order nor in a final refusal."""
        return [attempt for attempt in self.history.attempts if not attempt.served]

    @property
    def answers(self) -> Counter[str]:
        """Counts the attempts by their end: a status, a problem's code, or `None`."""
        return Counter(each.code or str(each.status) for each in self.history.attempts)

    @property
    def statuses(self) -> Counter[int]:
        """Counts the attempts by their HTTP status, 0 where no answer came."""
        return Counter(each.status or 0 for each in self.history.attempts)

    def longest_pause_s(self, since_s: float = 0.0) -> float:
        """The longest time in which nobody got a ticket, of `time.monotonic`."""
        times = sorted(attempt.ended_s for attempt in self.sold if attempt.ended_s > since_s)
        return max((later - earlier for earlier, later in itertools.pairwise(times)), default=0.0)

    @property
    def wishes(self) -> int:
        """The number of purchases that were begun."""
        return len({attempt.key for attempt in self.history.attempts})

    def settle(self) -> None:
        """Asks again for every purchase that is open, until each has a final answer."""
        ends = {attempt.key: attempt for attempt in self.history.attempts if attempt.served}
        open_ = {each.key: each for each in self.history.attempts if each.key not in ends}
        buyer = self._open()
        for attempt in open_.values():
            for _ in range(SETTLE_TRIES):
                if self._ask(buyer, _wish(attempt)).served:
                    break
                time.sleep(SETTLE_S)
            else:
                raise AssertionError(f"no final answer to {attempt.key}")

    def expect_sales(self, shop: Instance, type_: str = "A", others: int = 0) -> None:
        """Expects that each key has one order, and that these are all orders of the type.

        `others` are tickets of the type that were sold before.
        """
        orders: dict[str, str] = {}
        for attempt in self.sold:
            assert attempt.order is not None
            assert orders.setdefault(attempt.key, attempt.order.order) == attempt.order.order
        assert len(set(orders.values())) == len(orders)
        assert shop.types()[type_]["sold"] == len(orders) + others
        shop.verify()

    def _buy(self, rng: random.Random) -> None:
        buyer = self._open()
        while not self.stop.wait(rng.uniform(0.5, 1.5) * self._habits.think_s):
            number = next(self._numbers)
            self._pursue(buyer, rng, self._new_wish(rng, number))
        buyer.close()

    def _new_wish(self, rng: random.Random, number: int) -> Wish:
        return Wish(
            key=f"{self._name}-{number}",
            buyer=f"buyer-{self._name}-{number}",
            type=rng.choice(self._habits.types),
            quantity=rng.choice(self._habits.quantities),
        )

    def _pursue(self, buyer: Buyer, rng: random.Random, wish: Wish) -> None:
        for _ in range(self._habits.tries):
            if self._ask(buyer, wish).served:
                if rng.random() < self._habits.again:
                    self._ask(buyer, wish)
                return
            if self.stop.wait(rng.uniform(0.5, 1.5) * RETRY_S):
                return

    def _ask(self, buyer: Buyer, wish: Wish) -> PurchaseAttempt:
        began_s = time.monotonic()
        try:
            reply = buyer.buy(wish.type, key=wish.key, quantity=wish.quantity, buyer=wish.buyer)
        except (http.client.HTTPException, OSError):
            attempt = unanswered(wish, began_s, time.monotonic())
        else:
            ended_s = time.monotonic()
            if reply.headers.get("connection") == "close":
                self.farewells.append(reply)
            attempt = answered(wish, began_s, ended_s, reply.status, reply.headers, reply.body)
        self.history.add(attempt)
        if attempt.sold:
            self.sold_at = max(self.sold_at, began_s)
        return attempt


def _wish(attempt: PurchaseAttempt) -> Wish:
    return Wish(
        key=attempt.key,
        buyer=attempt.buyer,
        type=attempt.type,
        quantity=attempt.quantity,
        event=attempt.event,
    )
