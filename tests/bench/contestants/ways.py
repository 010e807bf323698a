"""Ways to sell tickets with kazoo alone, each as a program would do it."""

import itertools
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from kazoo.client import KazooClient

from core.schema.paths import BUCKETS
from core.schema.records import LogEntry, Order, Stock, encode
from tests.bench.contestants.shop import STOCK
from tests.bench.load import BenchError

LOG_SLOTS = 8

# Sells once more, and returns the number of tickets.
Seller = Callable[[], int]


class Way(Protocol):
    """A way to sell, with nothing but settings, since it is sent to other processes."""

    @property
    def name(self) -> str: ...
    def prepare(self, client: KazooClient, sellers: int) -> None:
        """Makes the znodes that this many sellers need, below `/`."""

    def seller(self, client: KazooClient, number: int) -> Seller:
        """Makes a seller, with a session of its own."""

    def sold(self, client: KazooClient) -> int:
        """Returns the number of sold tickets by the znodes."""


@dataclass(frozen=True)
class Locked:
    """The first program's way: lock the type, read, write one less, note it, unlock."""

    name: str = "kazoo Lock"

    def prepare(self, client: KazooClient, sellers: int) -> None:
        client.create("/lock/stock", str(STOCK).encode(), makepath=True)
        client.ensure_path("/lock/log")

    def seller(self, client: KazooClient, number: int) -> Seller:
        lock = client.Lock("/lock/mutex", str(number))

        def sell() -> int:
            with lock:
                left = int(client.get("/lock/stock")[0])
                client.set("/lock/stock", str(left - 1).encode())
                client.create("/lock/log/sold-", f"seller {number}: {left}".encode(), sequence=True)
            return 1

        return sell

    def sold(self, client: KazooClient) -> int:
        return STOCK - int(client.get("/lock/stock")[0])


@dataclass(frozen=True)
class Counted:
    """kazoo's Counter recipe, one less for each ticket; it does not even keep orders."""

    name: str = "kazoo Counter"

    def prepare(self, client: KazooClient, sellers: int) -> None:
        client.create("/counter", str(STOCK).encode())

    def seller(self, client: KazooClient, number: int) -> Seller:
        counter = client.Counter("/counter")

        def sell() -> int:
            counter.__sub__(1)
            return 1

        return sell

    def sold(self, client: KazooClient) -> int:
        return STOCK - int(client.get("/counter")[0])


@dataclass(frozen=True)
class Transacted:
    """One `multi` for several orders, with everything that a sale of zkticket's contains.

    Each seller has a counter of its own, so none waits for another.
    """

    name: str
    orders: int = 1

    def prepare(self, client: KazooClient, sellers: int) -> None:
        made = client.transaction()
        for folder in ("/orders", "/sellers", "/stock", "/log"):
            made.create(folder)
        for bucket in BUCKETS:
            made.create(f"/orders/{bucket}")
        for number in range(sellers):
            made.create(f"/sellers/{number}")
            made.create(f"/stock/{number}", encode(Stock(remaining=STOCK)))
            made.create(f"/log/{number}")
            for slot in range(LOG_SLOTS):
                made.create(f"/log/{number}/{slot}")
        expect(made.commit())

    def seller(self, client: KazooClient, number: int) -> Seller:
        return BatchSeller(client, number, self.orders).sell

    def sold(self, client: KazooClient) -> int:
        stocks = (client.get(f"/stock/{name}")[0] for name in client.get_children("/stock"))
        return sum(msgspec.json.decode(data, type=Stock).sold for data in stocks)


class BatchSeller:
    """Sells in one transaction after the other.

    Each checks the registration, moves the counter on, makes the orders, writes the log's newest
    znode and deletes the oldest."""

    def __init__(self, client: KazooClient, number: int, orders: int) -> None:
        self._client = client
        self._number = number
        self._orders = orders
        self._stock = Stock(remaining=STOCK)
        self._version = 0
        self._slots = itertools.count(LOG_SLOTS)

    def sell(self) -> int:
        """Sells once. Raises `BenchError` where the transaction fails."""
        stock = self._stock.sell(self._orders)
        ids = [secrets.token_hex(16) for _ in range(self._orders)]
        slot = next(self._slots)
        batch = f"{self._number}.{slot}"
        transaction = self._client.transaction()
        transaction.check(f"/sellers/{self._number}", -1)
        transaction.set_data(f"/stock/{self._number}", encode(stock), self._version)
        for id_ in ids:
            transaction.create(f"/orders/{id_[:2]}/{id_}", _order(batch))
        transaction.create(f"/log/{self._number}/{slot}", _entry(ids))
        transaction.delete(f"/log/{self._number}/{slot - LOG_SLOTS}")
        expect(transaction.commit())
        self._stock, self._version = stock, self._version + 1
        return self._orders


def expect(results: list[Any]) -> None:
    """Raises what went wrong, which kazoo's transactions only return."""
    wrong = next((result for result in results if isinstance(result, Exception)), None)
    if wrong is not None:
        raise BenchError(f"a transaction failed: {type(wrong).__name__} {wrong}")


def _order(batch: str) -> bytes:
    at = round(time.time(), 3)
    return encode(Order(type="A", quantity=1, buyer="Ann", status="sold", at=at, batch=batch))


def _entry(ids: list[str]) -> bytes:
    text = f"{len(ids)} of A in {len(ids)} orders"
    at = round(time.time(), 3)
    return encode(LogEntry(at=at, level="info", event="sold", text=text, orders=tuple(ids)))
