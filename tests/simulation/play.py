"""Plays schedules and says which of them broke a promise."""

from collections.abc import Iterable

from tests.simulation.border import simulated
from tests.simulation.plan import draw
from tests.simulation.shop import Shop


def broken(seeds: Iterable[int], most: int | None = None) -> list[tuple[int, str]]:
    """The seeds that broke a promise, each with its first breach; not more than `most`."""
    found: list[tuple[int, str]] = []
    with simulated():
        for seed in seeds:
            shop = Shop(draw(seed))
            shop.play()
            if shop.breaches:
                found.append((seed, shop.breaches[0]))
            if len(found) == most:
                break
    return found


def replay(seed: int) -> str:
    """The command that plays it again and tells its story."""
    return f"python -m tests.simulation --seed {seed}"
