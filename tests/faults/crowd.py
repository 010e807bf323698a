"""Buyers who keep buying while a shop is broken, and remember every answer."""

import http.client
import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from admin.drill.proof.history import History, PurchaseAttempt, Wish, answered, unanswered
from tests.support.instance import Buyer

RETRY_S = 0.1
SETTLE_TRIES = 150
SETTLE_S = 0.2


@dataclass(frozen=True)
class Habits:
    """A buyer thinks for some `think_s` before each purchase, and asks `tries` times with its
    key while the end is open. A share `again` asks also where the end is known.
    """

    types: tuple[str, ...] = ("A",)
    quantities: tuple[int, ...] = (1,)
    think_s: float = 0.0
    tries: int = 1
    again: float = 0.0


EAGER = Habits()
# A is plenty; B and C are scarce: both sell out, and are put on sale anew.
PATIENT = Habits(("A", "A", "B", "C"), (1, 1, 1, 2, 4), think_s=0.02, tries=4, again=0.05)


class Crowd:
    """`size` buyers in a closed loop inside a `with` block, each purchase with its own key.

    `open_` opens a connection to the shop. What a buyer does follows from the seed.
    """

    def __init__(
        self,
        open_: Callable[[], Buyer],
        habits: Habits = EAGER,
        *,
        seed: int = 0,
        size: int = 8,
        name: str = "crowd",
    ) -> None:
        self._open = open_
        self._habits = habits
        self._name = name
        self._stop = threading.Event()
        self._numbers = itertools.count()
        self._threads = [
            threading.Thread(target=self._buy, args=(random.Random(f"{seed} {number}"),))
            for number in range(size)
        ]
        self.history = History()
        self.sold_at = 0.0

    def __enter__(self) -> "Crowd":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    @property
    def sold(self) -> list[PurchaseAttempt]:
        return [attempt for attempt in self.history.attempts if attempt.sold]

    @property
    def unsure(self) -> list[PurchaseAttempt]:
        """The attempts that ended neither in an order nor in a final refusal."""
        return [attempt for attempt in self.history.attempts if not attempt.served]

    @property
    def answers(self) -> Counter[str]:
        """How many attempts ended how: a status, a problem's code, or `None`."""
        return Counter(each.code or str(each.status) for each in self.history.attempts)

    def longest_pause_s(self) -> float:
        """The longest time in which nobody got a ticket."""
        times = sorted(attempt.ended_s for attempt in self.sold)
        return max((later - earlier for earlier, later in itertools.pairwise(times)), default=0.0)

    @property
    def wishes(self) -> int:
        """How many purchases were begun."""
        return len({attempt.key for attempt in self.history.attempts})

    def settle(self) -> None:
        """Asks once more for every purchase that is open, until all have a true answer."""
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

    def _buy(self, rng: random.Random) -> None:
        buyer = self._open()
        while not self._stop.wait(rng.uniform(0.5, 1.5) * self._habits.think_s):
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
            if self._stop.wait(rng.uniform(0.5, 1.5) * RETRY_S):
                return

    def _ask(self, buyer: Buyer, wish: Wish) -> PurchaseAttempt:
        began_s = time.monotonic()
        try:
            reply = buyer.buy(wish.type, key=wish.key, quantity=wish.quantity, buyer=wish.buyer)
        except (http.client.HTTPException, OSError):
            attempt = unanswered(wish, began_s, time.monotonic())
        else:
            ended_s = time.monotonic()
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
