"""Buyers who keep buying while a test breaks something, and remember every answer."""

import http.client
import itertools
import secrets
import threading
import time
from collections import Counter
from dataclasses import dataclass
from types import TracebackType

from tests.support.instance import Instance, Reply


@dataclass(frozen=True)
class Attempt:
    """One purchase as its buyer saw it; `reply` is None where the connection broke."""

    key: str
    reply: Reply | None
    at: float


class Crowd:
    """`size` buyers in a closed loop inside a `with` block, each purchase with its own key."""

    def __init__(self, shop: Instance, size: int = 8, type_: str = "A", others: int = 0) -> None:
        """`others` have bought tickets of this type before."""
        self._shop = shop
        self._type = type_
        self._others = others
        self._name = secrets.token_hex(3)
        self._stop = threading.Event()
        self._keys = itertools.count()
        self._threads = [threading.Thread(target=self._buy) for _ in range(size)]
        self.attempts: list[Attempt] = []

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
            thread.join(30)

    @property
    def sold(self) -> list[Attempt]:
        return [a for a in self.attempts if a.reply is not None and a.reply.status in (200, 201)]

    @property
    def unsure(self) -> list[Attempt]:
        """Purchases whose buyer does not know the end."""
        return [a for a in self.attempts if a.reply is None or a.reply.status >= 500]

    def statuses(self) -> Counter[int]:
        return Counter(a.reply.status if a.reply is not None else 0 for a in self.attempts)

    def longest_pause_s(self) -> float:
        """The longest time in which nobody got a ticket."""
        times = sorted(attempt.at for attempt in self.sold)
        return max((later - earlier for earlier, later in itertools.pairwise(times)), default=0.0)

    def settle(self) -> None:
        """Asks again with the same key, until every unsure purchase has a true answer."""
        buyer = self._shop.buyer()
        for attempt in self.unsure:
            for _ in range(40):
                reply = buyer.buy(self._type, key=attempt.key)
                if reply.status < 500:
                    break
                time.sleep(0.25)
            assert reply.status in (200, 201), reply
            self.attempts.append(Attempt(attempt.key, reply, time.monotonic()))

    def check(self) -> None:
        """Every key that ever got a ticket has exactly that one order, and all are there."""
        orders: dict[str, str] = {}
        for attempt in self.sold:
            assert attempt.reply is not None
            order = attempt.reply.json["order"]
            assert orders.setdefault(attempt.key, order) == order
        assert len(set(orders.values())) == len(orders)
        assert self._shop.types()[self._type]["sold"] == len(orders) + self._others
        self._shop.verify()

    def _buy(self) -> None:
        buyer = self._shop.buyer()
        while not self._stop.is_set():
            key = f"crowd-{self._name}-{next(self._keys)}"
            try:
                reply = buyer.buy(self._type, key=key)
            except (http.client.HTTPException, OSError):
                reply = None
            self.attempts.append(Attempt(key, reply, time.monotonic()))
            if reply is None or reply.status >= 500:
                time.sleep(0.05)
        buyer.close()
