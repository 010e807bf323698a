"""A disk that is full for a moment; the mixture of seed 2 found what happened then."""

import json
import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.nemeses.disk import disk_of, made
from tests.faults.shop import Shop, open_shop
from tests.support.buyers.crowd import EAGER, Crowd
from tests.support.instance import Instance, eventually, running

FULL_S = 3.0


@pytest.mark.timeout(240)
def test_a_leader_whose_disk_was_full_starts_again_later(tmp_path: Path) -> None:
    """It used to go on from memory, with a hole in its log, and then never started again."""
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


@pytest.mark.timeout(240)
def test_status_names_a_full_disk_in_words_and_to_programs(tmp_path: Path) -> None:
    """It used to say only "no quorum", while the log knew why."""
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    with ExitStack() as stack:
        try:
            disk = stack.enter_context(made(data_dir, tmp_path / "data.img", size_mb=768))
        except OSError:
            pytest.skip("no file system of its own can be mounted here")
        shop = stack.enter_context(running(data_dir))
        disk.fill()
        eventually("status names it", lambda: f"the disk of {data_dir} is full" in text_of(shop))
        found = json.loads(shop.run("status", "--json").stdout)
        assert not found["healthy"]
        [told] = found["disks"]
        assert (told["directory"], told["state"]) == (str(data_dir), "full")
        assert found["problems"][0].startswith("the disk of")
        assert shop.buyer().buy().status == 503
        disk.free()
        eventually("it sells again", lambda: shop.buyer().buy().status == 201, timeout_s=60)
        shop.expect_health()


def text_of(shop: Instance) -> str:
    return shop.run("status").stdout


def make_leader(shop: Shop, server: int = 3) -> int:
    """Kills leaders until that server leads."""
    for _ in range(10):
        eventually("a leader", lambda: "leader" in shop.roles())
        leader = shop.roles().index("leader") + 1
        if leader == server:
            return server
        os.kill(shop.server(leader), signal.SIGKILL)
        eventually("all serve", lambda: "down" not in shop.roles())
    raise AssertionError("another server leads each time")
