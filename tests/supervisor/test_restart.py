"""Restarts and scaling by an operator, which no buyer notices."""

import http.client
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from core.cluster_secret import load_secret
from tests.support.buyers.background import Background
from tests.support.buyers.crowd import Crowd, Habits
from tests.support.fakes.fake_web import FakeWeb
from tests.support.instance import (
    ENTRYPOINT,
    Buyer,
    Instance,
    environment,
    eventually,
    running,
    stopped,
)
from tests.support.signed_in import enter, sign_out

# A restart takes a core one second for each worker, which shows on a busy machine.
TRIES = 4
LEAST_GOODPUT = 0.6


@pytest.fixture(scope="module")
def open_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """One instance for all these tests: it has to live with restarts."""
    with running(tmp_path_factory.mktemp("restart") / "data", "--quantity", "500000") as instance:
        yield instance


def pids(shop: Instance, kind: str = "workers") -> dict[str, int]:
    return {found["name"]: found["pid"] for found in shop.status()[kind]}


def done(command: subprocess.CompletedProcess[str]) -> str:
    assert command.returncode == 0, command.stdout + command.stderr
    return command.stdout


class Newcomers(Background):
    """Opens a connection for each request, inside a `with` block, and keeps the failures."""

    SIZE = 3

    def __init__(self, port: int) -> None:
        super().__init__([self._knock] * self.SIZE)
        self._port = port
        self.served = 0
        self.failures: list[Exception] = []

    def _knock(self) -> None:
        while not self.stop.is_set():
            buyer = Buyer(self._port)
            try:
                assert buyer.get("/healthz").status == 200
                self.served += 1
            except (http.client.HTTPException, OSError) as error:
                self.failures.append(error)
            finally:
                buyer.close()
            time.sleep(0.005)


def goodput(crowd: Crowd, since: int, began: float) -> float:
    """Returns the tickets a second since so many were sold."""
    return (len(crowd.sold) - since) / (time.monotonic() - began)


def test_a_rolling_restart_costs_no_buyer_anything(open_shop: Instance) -> None:
    ratios: list[float] = []
    before = pids(open_shop)
    others = open_shop.types()["A"]["sold"]
    with Crowd(open_shop.buyer) as crowd:
        eventually("some sold", lambda: len(crowd.sold) > 200)
        while len(ratios) < TRIES and max(ratios, default=0.0) < LEAST_GOODPUT:
            began, since = time.monotonic(), len(crowd.sold)
            time.sleep(2.0)
            usual = goodput(crowd, since, began)
            began, since = time.monotonic(), len(crowd.sold)
            said = open_shop.run("restart")
            ratios.append(goodput(crowd, since, began) / usual)
            assert "worker-1, worker-2, worker-3 restarted" in done(said)
            assert "waiting: worker-2 (2 of 3)" in said.stderr
    print(f"goodput during a rolling restart: {max(ratios):.2f} of the usual")
    assert set(crowd.statuses) <= {200, 201}, crowd.unsure
    assert max(ratios) >= LEAST_GOODPUT, ratios
    crowd.expect_sales(open_shop, others=others)
    assert not set(pids(open_shop).values()) & set(before.values())
    worker = open_shop.worker("worker-3")
    assert worker["restarts"] == len(ratios)
    assert worker["last_restart_reason"].startswith("restart by operator")


def test_one_worker_is_restarted_and_the_others_are_left_alone(open_shop: Instance) -> None:
    before = pids(open_shop)
    assert "worker-2 restarted" in done(open_shop.run("restart", "worker-2"))
    after = pids(open_shop)
    assert {name for name in after if after[name] != before[name]} == {"worker-2"}
    log = open_shop.run("admin", "log", "--source", "operator", "--source", "supervisor").stdout
    assert "by operator: worker-2" in log
    assert "worker-2 restarted in" in log


def test_a_restart_of_the_web_turns_nobody_away(open_shop: Instance) -> None:
    before = pids(open_shop, "web")
    others = open_shop.types()["A"]["sold"]
    with Crowd(open_shop.buyer) as crowd, Newcomers(open_shop.port) as newcomers:
        idle = open_shop.buyer()
        for _ in range(2):
            assert idle.get("/healthz").status == 200
            assert "web-1 restarted" in done(open_shop.run("restart", "web"))
            assert idle.get("/healthz").status == 200
        old = [found for found in before.values() if psutil.pid_exists(found)]
        eventually("the old one has ended", lambda: not any(map(psutil.pid_exists, old)))
    assert set(crowd.statuses) == {201}, crowd.unsure
    # Each connection to the old one ended with an answer that said so.
    assert len(crowd.farewells) >= 8
    assert newcomers.served > 100
    assert not newcomers.failures
    crowd.expect_sales(open_shop, others=others)
    [web] = open_shop.status()["web"]
    assert (web["restarts"], web["last_restart_reason"]) == (2, "restart by operator")


def test_a_killed_web_refuses_no_connection(open_shop: Instance) -> None:
    [web] = pids(open_shop, "web").values()
    with Newcomers(open_shop.port) as newcomers:
        eventually("some served", lambda: newcomers.served > 50)
        os.kill(web, signal.SIGKILL)
        eventually("it is back", lambda: _is_restarted(open_shop, "web", web))
        served = newcomers.served
        eventually("more served", lambda: newcomers.served > served + 50)
    assert not [error for error in newcomers.failures if isinstance(error, ConnectionRefusedError)]
    # Only those that were connected when it died lost their connection.
    assert len(newcomers.failures) <= Newcomers.SIZE


def test_all_servers_restart_in_turn_and_no_sale_is_lost(open_shop: Instance) -> None:
    before = open_shop.status()["ensemble"]["servers"]
    [leader] = [found["id"] for found in before if found["role"] == "leader"]
    others = open_shop.types()["A"]["sold"]
    with Crowd(open_shop.buyer, size=4) as crowd:
        eventually("some sold", lambda: len(crowd.sold) > 100)
        said = done(open_shop.run("restart", "zookeeper"))
        sold = len(crowd.sold)
        open_shop.expect_health()
        eventually("it sells on", lambda: len(crowd.sold) > sold + 50)
    assert f"zookeeper-{leader} restarted in" in said  # the last one
    after = open_shop.status()["ensemble"]["servers"]
    assert not {found["pid"] for found in before} & {found["pid"] for found in after}
    print(f"the longest pause {crowd.longest_pause_s():.1f} s, {crowd.statuses}")
    crowd.settle()
    assert set(crowd.statuses) <= {200, 201, 503}, crowd.unsure
    crowd.expect_sales(open_shop, others=others)


def test_the_only_server_restarts_if_it_is_named(tmp_path: Path) -> None:
    with running(tmp_path / "data", "--servers", "1", "--workers", "1") as shop:
        refused = shop.run("restart", "zookeeper")
        assert refused.returncode == 1
        assert "`restart zookeeper-1`" in refused.stderr
        [before] = shop.status()["ensemble"]["servers"]
        assert "zookeeper-1 restarted in" in done(shop.run("restart", "zookeeper-1"))
        [after] = shop.status()["ensemble"]["servers"]
        assert after["pid"] != before["pid"]
        eventually("it sells", lambda: shop.buyer().buy().status == 201)
        shop.verify()
        shop.down()


def test_scaling_costs_no_buyer_anything_and_strands_no_ticket(open_shop: Instance) -> None:
    with Crowd(open_shop.buyer, Habits(types=("C",)), size=4) as crowd:
        eventually("some sold", lambda: len(crowd.sold) > 100)
        assert "5 workers at work" in done(open_shop.run("scale", "5"))
        assert [worker["state"] for worker in open_shop.status()["workers"]] == ["ready"] * 5
        eventually("a new one sells", lambda: open_shop.worker("worker-5")["sold_total"] > 0)
        done(open_shop.run("admin", "reset", "B", "--quantity", "40", "--yes"))
        assert "1 worker at work" in done(open_shop.run("scale", "1"))
        assert list(pids(open_shop)) == ["worker-1"]
        buyer = open_shop.buyer()
        assert [buyer.buy("B").status for _ in range(40)] == [201] * 40
        assert buyer.buy("B").code == "sold-out"
        assert "3 workers at work" in done(open_shop.run("scale", "3"))
    assert set(crowd.statuses) <= {200, 201}, crowd.unsure
    crowd.expect_sales(open_shop, "C")
    open_shop.expect_health()


def test_the_secret_alone_restarts_and_scales_from_elsewhere(
    open_shop: Instance, tmp_path: Path
) -> None:
    shutil.copy(open_shop.data_dir / "secret", tmp_path / "secret")
    hosts = ",".join(server["address"] for server in open_shop.status()["ensemble"]["servers"])
    before = pids(open_shop)

    def elsewhere(*words: str) -> str:
        where = ["--data-dir", str(tmp_path), "--zookeeper", hosts]
        command = [sys.executable, str(ENTRYPOINT), *words, *where]
        return done(
            subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=60)
        )

    elsewhere("scale", "4")
    elsewhere("restart", "worker-4")
    elsewhere("scale", "3")
    assert pids(open_shop) == before


def test_what_cannot_be_done_is_said_in_a_line(open_shop: Instance, tmp_path: Path) -> None:
    unknown = open_shop.run("restart", "worker-9")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "there are: supervisor, web, web-1, worker-1" in unknown.stderr
    assert open_shop.run("scale", "0").returncode == 2
    assert open_shop.run("scale", "65").returncode == 2
    assert Instance(tmp_path / "data").run("restart").returncode == 3
    worker = open_shop.worker("worker-1")
    with stopped(worker["pid"]):
        late = open_shop.run("restart", "worker-1", "--timeout", "1")
    assert late.returncode == 1
    assert "not done within 1 s: worker-1 drains" in late.stderr
    eventually(
        "it is restarted all the same",
        lambda: _is_restarted(open_shop, "workers", worker["pid"]),
    )


def _is_restarted(shop: Instance, kind: str, pid: int) -> bool:
    """Whether no process of the kind has that pid, and all of them work."""
    return all(
        found["pid"] != pid and found["state"] in ("ready", "running")
        for found in shop.status()[kind]
    )


def test_a_killed_supervisors_successor_knows_the_scale_and_the_restarts(
    open_shop: Instance,
) -> None:
    done(open_shop.run("scale", "4"))
    before = open_shop.status()
    others = open_shop.types()["A"]["sold"]
    with Crowd(open_shop.buyer, size=4) as crowd:
        eventually("some sold", lambda: len(crowd.sold) > 100)
        assert open_shop.process is not None
        os.kill(open_shop.process.pid, signal.SIGKILL)
        open_shop.process.wait()
        gone = open_shop.run("restart")
        assert gone.returncode == 3
        assert "`up`" in gone.stderr
        eventually("it sells on", lambda: _sells_on(crowd, len(crowd.sold)))
        open_shop.up()
        open_shop.expect_health()
    assert set(crowd.statuses) <= {200, 201}, crowd.unsure
    after = open_shop.status()
    told = ("name", "pid", "restarts", "last_restart_reason")
    for kind in ("workers", "web"):
        assert [[found[word] for word in told] for found in after[kind]] == [
            [found[word] for word in told] for found in before[kind]
        ]
    assert len(after["workers"]) == 4
    with Newcomers(open_shop.port) as newcomers:
        assert "web-1 restarted" in done(open_shop.run("restart", "web"))
    assert not newcomers.failures
    assert "4 workers at work" in done(open_shop.run("scale", "4"))
    crowd.expect_sales(open_shop, others=others)


def _sells_on(crowd: Crowd, since: int) -> bool:
    time.sleep(0.2)
    return len(crowd.sold) > since


def test_a_hung_process_is_replaced_and_status_and_log_say_why(tmp_path: Path) -> None:
    with running(tmp_path / "data", "--worker-hung-s", "3") as shop:
        worker = shop.worker("worker-2")
        [web] = pids(shop, "web").values()
        frozen = [psutil.Process(pid) for pid in (worker["pid"], web)]
        frozen += frozen[1].children(recursive=True)
        for process in frozen:
            process.suspend()
        eventually("another worker", lambda: _is_restarted(shop, "workers", worker["pid"]), 60)
        eventually("another web", lambda: _is_restarted(shop, "web", web), 60)
        assert shop.buyer().buy().status == 201
        eventually("nothing frozen is left", lambda: not any(p.is_running() for p in frozen))
        shop.expect_health()
        status = shop.status()
        told = [status["web"][0], shop.worker("worker-2")]
        assert [found["restarts"] for found in told] == [1, 1]
        assert all("hung: no heartbeat for" in found["last_restart_reason"] for found in told)
        log = shop.run("admin", "log", "--source", "supervisor", "--grep", "hung").stdout
        assert "worker-2 is restarted: hung" in log
        assert "web-1 is restarted: hung" in log
        shop.down()


def test_the_scale_outlasts_a_stop_until_up_is_told_another_number(tmp_path: Path) -> None:
    shop = Instance(tmp_path / "data", ("--servers", "1", "--workers", "2"))
    try:
        done(shop.up().run("scale", "3"))
        shop.down()
        assert len(pids(shop.up())) == 3
        shop.down()
        shop.options = ("--servers", "1", "--workers", "1")
        assert len(pids(shop.up())) == 1
        shop.down()
    finally:
        shop.clean_up()


def test_a_signed_out_operator_stays_out_when_the_web_is_replaced(open_shop: Instance) -> None:
    assert open_shop.process is not None
    web = FakeWeb(open_shop.port, open_shop.process)
    token = load_secret(open_shop.data_dir).operator_token
    gone, stays = enter(web, token), enter(web, token)
    assert sign_out(gone).headers["location"] == "/operator/sign-in"
    before = pids(open_shop, "web")
    done(open_shop.run("restart", "web"))
    assert pids(open_shop, "web") != before
    assert gone.get("/operator").status == 303
    eventually("the other one is signed in", lambda: stays.get("/operator").status == 200, 5.0)
    assert gone.get("/operator").status == 303
