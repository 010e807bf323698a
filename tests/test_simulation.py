"""Schedules of sales over a simulated ensemble, clock and links; see `tests/simulation`."""

import os
import subprocess
import sys
from collections.abc import Iterable

import pytest

from tests.instance import ROOT
from tests.simulation.border import simulated
from tests.simulation.plan import draw
from tests.simulation.planted import FAULTS
from tests.simulation.shop import Shop

SCHEDULES = 2000
AT_ONCE = 250
FOUND_WITHIN = 1000
# Each broke a promise once: a purchase and its repeat in one batch were refused without a
# look at what the key had bought; a key's other purchase was refused together with its first.
ONCE_BROKEN = (1174, 1275)


def breaches(seed: int) -> list[str]:
    shop = Shop(draw(seed))
    shop.play()
    if not shop.breaches:
        return []
    return [*shop.breaches, f"play it again: python -m tests.simulation --seed {seed}"]


def first_broken(seeds: Iterable[int]) -> list[str]:
    with simulated():
        return next((found for seed in seeds if (found := breaches(seed))), [])


@pytest.mark.parametrize("first", range(1, SCHEDULES, AT_ONCE))
def test_no_schedule_breaks_a_promise(first: int) -> None:
    assert first_broken(range(first, first + AT_ONCE)) == []


@pytest.mark.parametrize("seed", ONCE_BROKEN)
def test_what_broke_once_holds(seed: int) -> None:
    assert first_broken([seed]) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str) -> None:
    with FAULTS[fault]():
        assert first_broken(range(1, FOUND_WITHIN + 1))


def test_a_seed_tells_the_same_story_in_every_process() -> None:
    stories = {
        subprocess.run(
            [sys.executable, "-m", "tests.simulation", "--seed", "7"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in (1, 2)
    }
    [story] = stories
    assert len(story.splitlines()) > 20
