"""What buyers notice of a single fault while they buy."""

import os
import random
import signal
import time
from collections.abc import Callable
from typing import Any

from tests.faults.shop import Shop
from tests.support.buyers.crowd import Crowd
from tests.support.instance import Instance, Reply, eventually, stopped

SESSION_S = 6.0
BUYERS = 8
TRIES = 3


def test_a_killed_worker_costs_no_buyer_anything(own_shop: Instance) -> None:
    def kill() -> None:
        victim = own_shop.worker()
        os.kill(victim["pid"], signal.SIGKILL)
        eventually(
            "the worker is back",
            lambda: (
                own_shop.worker()["state"] == "ready" and own_shop.worker()["pid"] != victim["pid"]
            ),
        )
        eventually("it sells", lambda: own_shop.worker()["sold_total"] > 0)

    with Crowd(own_shop.buyer, size=BUYERS) as crowd:
        eventually("some sold", lambda: len(crowd.sold) > 200)
        assert _shortest_pause_s(crowd, 1.0, kill) < 1.0
    assert set(crowd.answers) <= {"200", "201"}, crowd.unsure
    # 200 answers a repeat of the web's own: the worker died between its commit and its answer.
    # There are no more of these than purchases that were under way, and each says so.
    repeated = [attempt for attempt in crowd.history.attempts if attempt.status == 200]
    assert len(repeated) <= BUYERS
    assert all(attempt.replayed for attempt in repeated)
    audit(own_shop, crowd)
    again = own_shop.worker()
    assert again["restarts"] == 1
    assert "SIGKILL" in again["last_restart_reason"]
    log = own_shop.run("admin", "log", "--source", "supervisor", "--grep", "worker-1").stdout
    assert "SIGKILL" in log


def test_a_killed_leader_loses_no_sale(own_shop: Instance) -> None:
    with Crowd(own_shop.buyer) as crowd:
        eventually("some sold", lambda: len(crowd.sold) > 200)
        os.kill(own_shop.servers("leader")[0]["pid"], signal.SIGKILL)
        killed = time.monotonic()
        eventually("sold again", lambda: _sold_since(crowd, killed + 1.0) > 100)
    audit(own_shop, crowd)


def test_a_leader_that_loses_its_voters_votes_again_with_them(own_shop: Instance) -> None:
    with Crowd(own_shop.buyer) as crowd:
        eventually("some sold", lambda: len(crowd.sold) > 200)
        leader, voter = own_shop.servers("leader")[0]["pid"], own_shop.servers("follower")[0]["pid"]
        os.kill(leader, signal.SIGKILL)
        time.sleep(0.05)  # the two that are left elect the other follower, or are about to
        os.kill(voter, signal.SIGKILL)
        killed = time.monotonic()
        eventually("sold again", lambda: _sold_since(crowd, killed + 1.0) > 100)
    audit(own_shop, crowd)


def test_a_frozen_leader_stops_the_sale_for_four_seconds_at_most(own_shop: Instance) -> None:
    def freeze() -> None:
        eventually("all vote", lambda: len(own_shop.servers("follower")) == 2)
        with stopped(own_shop.servers("leader")[0]["pid"]):
            frozen = time.monotonic()
            eventually("sold again", lambda: _sold_since(crowd, frozen + 0.5) > 100)

    with Crowd(own_shop.buyer) as crowd:
        eventually("some sold", lambda: len(crowd.sold) > 200)
        assert _shortest_pause_s(crowd, 4.0, freeze) < 4.0
    audit(own_shop, crowd)


def test_a_worker_that_slept_past_its_session_sells_nothing_twice(own_shop: Instance) -> None:
    with Crowd(own_shop.buyer) as crowd:
        eventually("some sold", lambda: len(crowd.sold) > 200)
        sleeper = own_shop.worker()
        with stopped(sleeper["pid"]):
            time.sleep(SESSION_S + 2.0)
        eventually("it sells again", lambda: _sells(own_shop, sleeper))
    assert not crowd.unsure, crowd.unsure
    audit(own_shop, crowd)


def test_without_a_quorum_buyers_are_told_at_once(own_shop: Instance) -> None:
    buyer = own_shop.buyer()
    assert buyer.buy().status == 201
    victims = [server["pid"] for server in own_shop.status()["ensemble"]["servers"][:2]]
    with stopped(*victims):
        first = buyer.buy(key="first")
        assert first.status == 503
        assert first.took_s < 3.0
        # Each worker finds out by a commit of its own; a server that has lost the others goes on
        # serving readers until it notices.
        eventually("no quorum", lambda: all(_is_told_at_once(buyer.buy()) for _ in range(5)))
        eventually("stale", lambda: buyer.get("/api/events/default").json["stale"])
        _shows_stale_availability(own_shop)
        status = own_shop.run("status")
        assert status.returncode == 1
        assert "quorum" in status.stdout
        assert own_shop.status()["ensemble"]["quorum"] is False
    pids = [worker["pid"] for worker in own_shop.status()["workers"]]
    eventually("it sells again", lambda: buyer.buy(key="after").status in (200, 201))
    eventually("the first has its answer", lambda: buyer.buy(key="first").status in (200, 201))
    own_shop.expect_health()
    assert [worker["pid"] for worker in own_shop.status()["workers"]] == pids
    own_shop.verify()


def test_killed_servers_come_back_and_so_does_the_sale(own_shop: Instance) -> None:
    with Crowd(own_shop.buyer, size=4) as crowd:
        eventually("some sold", lambda: len(crowd.sold) > 100)
        servers = own_shop.status()["ensemble"]["servers"]
        for server in servers:
            os.kill(server["pid"], signal.SIGKILL)
        killed = time.monotonic()
        eventually("sold again", lambda: _sold_since(crowd, killed + 1.0) > 50, 30)
    audit(own_shop, crowd)


def audit(shop: Instance, crowd: Crowd) -> None:
    Shop(shop, random.Random(1)).audit(crowd)


def _shortest_pause_s(crowd: Crowd, most_s: float, fault: Callable[[], None]) -> float:
    """Repeats a fault until its pause is below `most_s`: a busy machine makes one longer.

    Returns the shortest of the longest pauses, of `TRIES` at most.
    """
    pauses: list[float] = []
    while len(pauses) < TRIES and min(pauses, default=most_s) >= most_s:
        begun = time.monotonic()
        fault()
        pauses.append(crowd.longest_pause_s(begun))
    return min(pauses)


def _is_told_at_once(reply: Reply) -> bool:
    return (
        (reply.status, reply.code) == (503, "no-quorum")
        and reply.took_s < 1.0
        and int(reply.headers["retry-after"]) >= 1
    )


def _shows_stale_availability(shop: Instance) -> None:
    buyer = shop.buyer()
    event = buyer.get("/api/events/default").json
    assert event["stale"] is True
    assert [found["name"] for found in event["types"]] == ["A", "B", "C"]
    assert b"as of" in buyer.get("/").body


def _sold_since(crowd: Crowd, moment: float) -> int:
    return sum(attempt.ended_s > moment for attempt in crowd.sold)


def _sells(shop: Instance, sleeper: dict[str, Any]) -> bool:
    worker = shop.worker()
    sold_before = sleeper["sold_total"] if worker["pid"] == sleeper["pid"] else 0
    return bool(worker["state"] == "ready" and worker["sold_total"] > sold_before)
