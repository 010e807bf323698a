"""The time from `up` to the first sold ticket, compared with three bare JVMs."""

import asyncio
import os
import subprocess
import time
from pathlib import Path

from core.zookeeper.probe import has_quorum, probe_all
from supervisor.zookeeper import quorum_auth
from supervisor.zookeeper.ensemble import MAIN_CLASS, local_ensemble
from supervisor.zookeeper.java import find_class_path, find_java
from tests.support.instance import eventually, free_ensemble_port, running

LEAST_ROUNDS, MOST_ROUNDS = 2, 6
MOST = 1.5


def test_up_sells_within_one_and_a_half_times_what_bare_servers_need(tmp_path: Path) -> None:
    """Both are measured in turns, and the best of each counts: the machine has other work as well.

    A noisy machine gets more rounds to show an undisturbed one.
    """
    bare_s: list[float] = []
    sold_s: list[float] = []
    while len(sold_s) < LEAST_ROUNDS or (
        _ratio(sold_s, bare_s) > MOST and len(sold_s) < MOST_ROUNDS
    ):
        number = len(sold_s)
        bare_s.append(_bare_quorum_s(tmp_path / f"bare-{number}"))
        sold_s.append(_first_sale_s(tmp_path / f"shop-{number}"))
    ratio = _ratio(sold_s, bare_s)
    print(f"first sale {min(sold_s):.2f} s, bare quorum {min(bare_s):.2f} s, ratio {ratio:.2f}")
    assert ratio <= MOST, (bare_s, sold_s)


def _ratio(sold_s: list[float], bare_s: list[float]) -> float:
    return min(sold_s) / min(bare_s)


def _first_sale_s(home: Path) -> float:
    home.mkdir()
    started = time.monotonic()
    with running(home / "data") as shop:
        assert shop.buyer().buy().status == 201
        took_s = time.monotonic() - started
        shop.down()
    return took_s


def _bare_quorum_s(home: Path) -> float:
    ensemble = local_ensemble(home, free_ensemble_port(), 3, "")
    ensemble.configure()
    for each in ensemble.servers:
        # ZooKeeper's default: its servers trust each other.
        each.config.write_text(each.config.read_text().replace(quorum_auth.CONFIG, ""))
    command = [str(find_java(os.environ)), "-cp", find_class_path(os.environ).text, MAIN_CLASS]
    started = time.monotonic()
    servers = [
        subprocess.Popen(
            [*command, str(server.config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for server in ensemble.servers
    ]
    try:
        eventually("a quorum", lambda: has_quorum(asyncio.run(probe_all(ensemble.hosts))))
        return time.monotonic() - started
    finally:
        for server in servers:
            server.kill()
            server.wait()
