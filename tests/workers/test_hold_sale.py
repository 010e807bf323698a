"""A sale as 12306 saw it: 43 of 100 holds are never paid for; the janitor is killed, twice."""

import asyncio
import http.client
import json
import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from core.cluster_secret import load_secret
from core.schema import paths
from core.schema.records import WorkerRecord, decode
from core.zookeeper.client import connect
from tests.support.buyers.background import Background
from tests.support.instance import Buyer, Instance, Reply, eventually, running

CAPACITY = 600
HOLD_S = 2
BUYERS = 16
ABANDONED = 0.43
# The time from the beginning of the sale, and from kill to kill.
KILLED_AFTER_S = 3.0
SALE_S = 12.0
THINKS_S = 0.4
PATIENCE_S = 15.0


@dataclass(frozen=True)
class Hold:
    """A hold as its buyer was told; `status` is what its order has to have in the end."""

    order: str
    quantity: int
    status: str


class Sale(Background):
    """Buyers that hold and confirm, or never come back, inside a `with` block."""

    def __init__(self, shop: Instance, event: str) -> None:
        super().__init__([self._buy] * BUYERS, PATIENCE_S + THINKS_S)
        self._shop = shop
        self._event = event
        self._rng = random.Random(43)
        self._numbers = count()
        self.holds: list[Hold] = []
        self.refusals: Counter[str] = Counter()
        self.troubles: list[str] = []

    def _buy(self) -> None:
        buyer = self._shop.buyer()
        try:
            while not self.stop.is_set():
                self._hold(buyer, f"hold-{next(self._numbers)}")
        except Exception as error:
            self.troubles.append(repr(error))

    def _hold(self, buyer: Buyer, key: str) -> None:
        quantity = self._rng.randint(1, 3)
        wanted = {"event": self._event, "type": "A", "quantity": quantity, "buyer": "Ann"}
        held = ask(buyer, "/api/holds", key, wanted)
        if held.status >= 400:
            self.refusals[held.code] += 1
            self.stop.wait(THINKS_S / 4)
            return
        order = held.json["order"]
        if self._rng.random() < ABANDONED:
            self.holds.append(Hold(order, quantity, "expired"))
            return
        self.stop.wait(self._rng.uniform(0, THINKS_S))
        confirmed = ask(buyer, f"/api/holds/{order}/confirm", key)
        assert confirmed.status == 200 or confirmed.code == "hold-expired", confirmed
        status = "sold" if confirmed.status == 200 else "expired"
        self.holds.append(Hold(order, quantity, status))


def ask(buyer: Buyer, path: str, key: str, body: object = None) -> Reply:
    """Asks again with the same key, until there is a definite answer."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            reply = buyer.request("POST", path, json.dumps(body or {}).encode(), headers)
        except (http.client.HTTPException, OSError):
            continue
        if reply.status < 500:
            return reply
        time.sleep(0.1)
    raise AssertionError(f"{path} was not answered within {PATIENCE_S} s")


@dataclass(frozen=True)
class Elected:
    """What the elected candidate's znode holds, and the candidate's process."""

    candidate: bytes
    pid: int


async def elected(shop: Instance) -> Elected | None:
    zk = await connect(
        f"127.0.0.1:{shop.zookeeper_port}", load_secret(shop.data_dir).zookeeper_password
    )
    try:
        await zk.sync()
        found = await zk.find(f"{paths.JANITOR}/elected")
        if found is None:
            return None
        workers = [paths.worker(name) for name in await zk.children(paths.WORKERS)]
        for znode in await zk.get_many(workers):
            record = decode(WorkerRecord, znode.data, znode.path) if znode else None
            if record and found.data.startswith(f"{record.name} ".encode()):
                return Elected(found.data, record.pid)
        return None
    finally:
        await zk.close()


def kill_janitor(shop: Instance, before: Elected | None = None) -> Elected:
    """Kills the elected worker, once it is another than `before`."""

    def another() -> Elected | None:
        found = asyncio.run(elected(shop))
        return None if before and found and found.candidate == before.candidate else found

    found: Elected = eventually("there is a janitor", another)
    os.kill(found.pid, signal.SIGKILL)
    return found


def test_a_sale_of_holds_ends_with_every_ticket_sold_or_for_sale(tmp_path: Path) -> None:
    with running(tmp_path / "data") as shop:
        made = shop.run(
            *("event", "create", "train", "--publish", "--type", f"A:{CAPACITY}:10"),
            *("--hold-minutes", str(HOLD_S / 60), "--extensions", "0"),
        )
        assert made.returncode == 0, made.stderr
        ends = time.monotonic() + SALE_S
        with Sale(shop, "train") as sale:
            time.sleep(KILLED_AFTER_S)
            first = kill_janitor(shop)
            time.sleep(KILLED_AFTER_S)
            second = kill_janitor(shop, first)
            time.sleep(max(0.0, ends - time.monotonic()))
        assert sale.troubles == []
        assert first.pid != second.pid
        buyer = shop.buyer()
        a = eventually("no hold is left", lambda: settled(buyer), 30.0)
        told = Counter(hold.status for hold in sale.holds)
        tickets = Counter[str]()
        for hold in sale.holds:
            tickets[hold.status] += hold.quantity
        assert told["expired"] / told.total() == pytest.approx(ABANDONED, abs=0.08)
        assert a["sold"] == tickets["sold"]
        assert a["remaining"] + a["sold"] == CAPACITY
        for hold in sale.holds:
            assert buyer.get(f"/api/orders/{hold.order}").json["status"] == hold.status
        sell_the_rest(buyer, a["remaining"])
        shop.verify()


def settled(buyer: Buyer) -> dict[str, int] | None:
    """Waits until nothing is held, and returns the stock."""
    event = buyer.get("/api/events/train").json
    [a] = event["types"]
    return None if a["held"] or event["stale"] else a


def sell_the_rest(buyer: Buyer, left: int) -> None:
    """Checks that everything for sale can be bought, to the last ticket (P4)."""
    while left:
        quantity = min(10, left)
        assert buyer.buy("A", event="train", quantity=quantity).status == 201
        left -= quantity
    assert buyer.buy("A", event="train").code == "sold-out"
