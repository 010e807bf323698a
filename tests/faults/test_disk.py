"""A disk that is full for a moment: found by a mixture of seed 2."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.faults.crowd import EAGER, Crowd
from tests.faults.disk import disk_of
from tests.faults.shop import Shop, open_shop
from tests.instance import eventually

FULL_S = 3.0


@pytest.mark.timeout(240)
def test_a_leader_whose_disk_was_full_starts_again_later(tmp_path: Path) -> None:
    """It had gone on from memory, behind a hole in its log, and never started again."""
    data_dir = tmp_path / "data"
    with disk_of(data_dir) as disk:
        if disk is None:
            pytest.skip("no file system of its own can be mounted here")
        with open_shop(data_dir, seed=2) as shop:
            server = make_leader(shop)
            with Crowd(shop.instance.buyer, EAGER, size=4) as crowd:
                eventually("some sold", lambda: len(crowd.sold) > 100)
                disk.fill()
                time.sleep(FULL_S)
                disk.free()
                shop.await_sales(crowd)
                eventually("it serves again", lambda: shop.roles()[server - 1] != "down")
                shop.await_sales(crowd)
                os.kill(shop.server(server), signal.SIGKILL)
                shop.await_sales(crowd)
            shop.audit(crowd)


def make_leader(shop: Shop, server: int = 3) -> int:
    """Kills the leaders before it."""
    for _ in range(10):
        eventually("a leader", lambda: "leader" in shop.roles())
        leader = shop.roles().index("leader") + 1
        if leader == server:
            return server
        os.kill(shop.server(leader), signal.SIGKILL)
        eventually("all serve", lambda: "down" not in shop.roles())
    raise AssertionError("another server leads each time")
