"""Nemeses in random mixtures, from a seed: several at once, then a while to recover."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tests.faults.nemeses import connections
from tests.faults.nemeses.connections import LINKS
from tests.faults.nemeses.disk import Disk, Full, Slow
from tests.faults.nemeses.nemesis import SIGNALS, Nemesis
from tests.faults.shop import Shop
from tests.support.buyers.crowd import Crowd

Menu = Mapping[str, Callable[[], Nemesis]]
AT_ONCE = (1, 2, 2, 3, 3)
GAP_S = 0.7


@dataclass(frozen=True)
class Strike:
    """A nemesis that strikes `after_s` after the one before it, for `lasts_s` of its own time."""

    name: str
    after_s: float
    share: float


@dataclass
class Tally:
    """The faults that were inflicted, and how long the sale took to recover each time."""

    struck: Counter[str] = field(default_factory=Counter)
    recoveries_s: list[float] = field(default_factory=list)

    @property
    def faults(self) -> int:
        return self.struck.total()


def plan(menu: Menu, seed: int) -> Iterator[tuple[Strike, ...]]:
    """Yields mixtures without end; each nemesis has had its turn before one comes again."""
    rng = random.Random(f"mixture {seed}")
    waiting: list[str] = []
    while True:
        wanted = rng.choice(AT_ONCE)
        if len(waiting) < wanted:
            waiting = rng.sample(sorted(menu), len(menu))
        mixture, waiting = waiting[:wanted], waiting[wanted:]
        yield tuple(Strike(name, rng.uniform(0, GAP_S), rng.random()) for name in mixture)


def menu(disk: Disk | None) -> Menu:
    """Returns all nemeses that this machine allows."""
    found = dict(SIGNALS)
    if connections.possible():
        found |= LINKS
    if disk is not None:
        found |= {"disk full": lambda: Full(disk), "disk slow": lambda: Slow(disk)}
    return found


def inflict(
    shop: Shop, crowd: Crowd, menu: Menu, mixture: tuple[Strike, ...], tally: Tally
) -> None:
    """Strikes, waits, heals, and waits until the shop sells again."""
    struck: list[Nemesis] = []
    ends = 0.0
    try:
        for strike in mixture:
            time.sleep(strike.after_s)
            nemesis = menu[strike.name]()
            struck.append(nemesis)
            nemesis.strike(shop)
            tally.struck[strike.name] += 1
            shortest, longest = nemesis.lasts_s
            ends = max(ends, time.monotonic() + shortest + strike.share * (longest - shortest))
        time.sleep(max(0.0, ends - time.monotonic()))
    finally:
        for nemesis in sorted(struck, key=lambda each: each.last):
            nemesis.heal(shop)
    tally.recoveries_s.append(shop.await_sales(crowd))
