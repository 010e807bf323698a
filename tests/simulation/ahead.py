"""The simulation of the test suite, played in processes of its own while other tests wait.

Schedules only compute, and other tests mostly wait. So the schedules are played at the lowest
priority, beside the tests of another process.
"""

import multiprocessing
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from tests.simulation.planted import capacity, holds, payments, selling
from tests.simulation.play import Report, play

SCHEDULES = 2000
AT_ONCE = 250
FIRSTS = range(1, SCHEDULES, AT_ONCE)
FOUND_WITHIN = 1000
PLANTED = {**selling.FAULTS, **holds.FAULTS, **payments.FAULTS, **capacity.FAULTS}
LOWEST_PRIORITY = 19


@dataclass(frozen=True)
class Simulation:
    """The reports under way: `reports` by the first seed of each part, `found` by planted fault."""

    reports: Mapping[int, Future[Report]]
    found: Mapping[str, Future[Report]]


@contextmanager
def begun() -> Iterator[Simulation]:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        mp_context=spawn, initializer=os.nice, initargs=(LOWEST_PRIORITY,)
    ) as pool:
        yield Simulation(
            {first: pool.submit(play, range(first, first + AT_ONCE)) for first in FIRSTS},
            {fault: pool.submit(_play_with, fault) for fault in PLANTED},
        )
        pool.shutdown(cancel_futures=True)


def _play_with(fault: str) -> Report:
    with PLANTED[fault]():
        return play(range(1, FOUND_WITHIN + 1), most_broken=1)
