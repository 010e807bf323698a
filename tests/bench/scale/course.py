"""The course of a long sale: sell, measure, break something, measure again."""

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import psutil

from core.cluster_secret import load_secret
from tests.bench.results import percentile
from tests.bench.scale import gauges
from tests.bench.scale.crowd import SAMPLE_ORDERS, STUCK_S, Crowd, addresses, hosts_of
from tests.bench.scale.results import Size, Step, Times, Turn
from tests.support.instance import ENTRYPOINT, Instance

WORKERS = 3
SERVERS = 3
STEPS = 10
POLL_S = 0.02
ENDLESS = 1_000_000
VERIFY_S = 600.0
# The leader is killed in the middle of a sale, which ends after so many more purchases.
KILL_AFTER_S = 1.0
BOUGHT_SINCE = 5_000
# The heap is measured by a full collection, which disturbs the sale, and so seldom.
HEAP_AT_STEPS = (1, 5)
# The number of turns of the full and a fresh instance, and the windows of each.
TURNS = 6
TURN_WINDOWS = 2


@dataclass(frozen=True)
class Plan:
    """A sale of `orders` in `STEPS` steps, after `warm_up` others, with `at_once` under way."""

    orders: int
    warm_up: int
    at_once: int

    @property
    def step(self) -> int:
        return self.orders // STEPS

    @property
    def window(self) -> int:
        return self.step // 10

    @property
    def turn(self) -> int:
        return TURN_WINDOWS * self.window

    @property
    def stock(self) -> int:
        """Counts the planned sales; breaking and timing things takes some more."""
        return self.warm_up + self.orders + TURNS * self.turn


class Course:
    """One instance and its crowd; `tell` is told the progress."""

    def __init__(
        self,
        instance: Instance,
        plan: Plan,
        runner: asyncio.Runner,
        tell: Callable[[str], None],
    ) -> None:
        self._instance = instance
        self._plan = plan
        self._runner = runner
        self._tell = tell
        self._secret = load_secret(instance.data_dir)
        self._hosts = hosts_of(instance, SERVERS)
        self._crowd = Crowd(self._addresses(), self._secret.link_key, plan.at_once)
        self._orders = 0

    def sell(self) -> tuple[tuple[Step, ...], tuple[Size, ...]]:
        """Sells everything, step by step; the warm-up is no step."""
        self.warm_up()
        steps, sizes = [], [self.size(heap=False)]
        for number in range(1, STEPS + 1):
            steps.append(self._buy(self._plan.step, self._plan.window))
            sizes.append(self.size(heap=number in HEAP_AT_STEPS))
        return tuple(steps), tuple(sizes)

    def warm_up(self) -> None:
        self._buy(self._plan.warm_up, self._plan.window)

    def catch_up(self) -> None:
        """Sells what the other one has sold before its second step."""
        self.warm_up()
        self._buy(self._plan.step, self._plan.window)

    def turn(self) -> Step:
        """Sells one window of a turn's length."""
        return self._buy(self._plan.turn, self._plan.turn)

    def size(self, *, heap: bool) -> Size:
        """Measures the sizes; with `heap`, every server makes a full collection."""
        found = gauges.size(self._instance, self._orders, heap=heap)
        self._tell(f"own processes {found.own_mb:.0f} MB, live heap {found.live_mb or '-'} MB")
        return found

    def time(self) -> Times:
        """Times everything; the instance is down at the end."""
        orders = self._orders
        looked_up_ms = self._look_up()
        leader_s = self._kill_leader()
        worker_s = self._kill_worker()
        verify_s, verify_mb = self._verify()
        down_s = self._timed("down", self._instance.down)
        up_s = self._timed("up", self._instance.up)
        self._verify()
        snapshot_mb = gauges.snapshot_mb(self._instance)
        self._instance.down()
        return Times(
            orders=orders,
            verify_s=verify_s,
            verify_mb=verify_mb,
            leader_killed_s=leader_s,
            worker_back_s=worker_s,
            down_s=down_s,
            up_s=up_s,
            order_p50_ms=percentile(looked_up_ms, 50),
            order_p99_ms=percentile(looked_up_ms, 99),
            snapshot_mb=snapshot_mb,
        )

    # --- selling ---------------------------------------------------------------------

    def _buy(self, count: int, window: int) -> Step:
        processes = gauges.Processes(self._instance)
        before = processes.clocks()
        step = self._runner.run(self._crowd.buy(count, self._orders, window))
        cpu_us = processes.clocks().since(before, step.sold)
        step = msgspec.structs.replace(step, cpu_us=cpu_us)
        self._orders = step.orders
        self._tell(
            f"{step.orders:,} sold, {step.per_second:,.0f}/s, p99 {step.p99_ms:.0f} ms, "
            f"longest gap {step.longest_gap_ms:.0f} ms, {step.refused} refused, {cpu_us} us each"
        )
        return step

    def _addresses(self) -> dict[str, str]:
        return self._runner.run(addresses(self._hosts, self._secret, WORKERS))

    # --- timing ----------------------------------------------------------------------

    def _timed(self, what: str, act: Callable[[], object]) -> float:
        started = time.monotonic()
        act()
        took_s = time.monotonic() - started
        self._tell(f"{what} took {took_s:.1f} s")
        return took_s

    def _look_up(self) -> list[float]:
        """Returns the milliseconds of finding some orders over HTTP."""
        # A leader that has just collected its whole heap may have lost its role.
        self._instance.expect_health()
        buyer = self._instance.buyer()
        every = max(1, len(self._crowd.sample) // SAMPLE_ORDERS)
        replies = [buyer.get(f"/api/orders/{id_}") for id_ in self._crowd.sample[::every]]
        for reply in replies:
            assert reply.status == 200, reply
        return [reply.took_s * 1000 for reply in replies]

    def _kill_leader(self) -> float:
        """Returns the longest time without a sale, in seconds."""
        [leader] = self._instance.servers("leader")
        step = self._runner.run(self._buy_while_killing(leader["pid"]))
        self._orders = step.orders
        gap_s = step.longest_gap_ms / 1000
        self._tell(f"leader killed: {gap_s:.1f} s without a sale")
        self._instance.expect_health()
        return gap_s

    async def _buy_while_killing(self, pid: int) -> Step:
        buying = asyncio.create_task(self._crowd.buy(ENDLESS, self._orders, ENDLESS))
        await asyncio.sleep(KILL_AFTER_S)
        os.kill(pid, signal.SIGKILL)
        before = self._crowd.bought
        async with asyncio.timeout(STUCK_S):
            while self._crowd.bought < before + BOUGHT_SINCE:
                await asyncio.sleep(POLL_S)
        self._crowd.finish()
        return await buying

    def _kill_worker(self) -> float:
        """Returns the seconds from its death until a new one is registered and ready."""
        worker = self._instance.worker("worker-1")
        os.kill(worker["pid"], signal.SIGKILL)
        started = time.monotonic()
        old = worker["address"]
        for _ in itertools.count():
            found = self._addresses()
            if found["worker-1"] != old:
                break
            time.sleep(POLL_S)
        took_s = time.monotonic() - started
        self._tell(f"killed worker back after {took_s:.1f} s")
        self._runner.run(self._crowd.relink(found))
        return took_s

    def _verify(self) -> tuple[float, float]:
        """Returns its seconds, and its most memory in MB."""
        command = [sys.executable, str(ENTRYPOINT), "verify"]
        command += ["--data-dir", str(self._instance.data_dir)]
        started = time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            most = 0.0
            while process.poll() is None:
                most = max(most, _rss_mb(process.pid))
                time.sleep(POLL_S)
                assert time.monotonic() - started < VERIFY_S, "verify took too long"
        assert process.returncode == 0, "verify found a breach"
        took_s = time.monotonic() - started
        self._tell(f"verify took {took_s:.1f} s and {most:.0f} MB")
        return took_s, most


def take_turns(large: Course, fresh: Course) -> tuple[Turn, ...]:
    """Lets both sell as many, one after the other, in changing order."""
    turns = []
    for number in range(TURNS):
        if number % 2:
            of_fresh, of_large = fresh.turn(), large.turn()
        else:
            of_large, of_fresh = large.turn(), fresh.turn()
        turns.append(Turn(large=of_large, fresh=of_fresh))
    return tuple(turns)


def _rss_mb(pid: int) -> float:
    try:
        return float(psutil.Process(pid).memory_info().rss) / gauges.MB
    except psutil.NoSuchProcess:
        return 0.0
