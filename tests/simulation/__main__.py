"""`python -m tests.simulation`: plays many schedules, or one of them with its story."""

import argparse
import sys
import time
from collections.abc import Sequence

from tests.simulation.border import simulated
from tests.simulation.plan import draw
from tests.simulation.shop import Shop


def main() -> int:
    options = _options(sys.argv[1:])
    with simulated():
        if options.seed is not None:
            return _tell(options.seed)
        return _play_many(range(options.first, options.first + options.schedules))


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="play this one and tell what happens")
    parser.add_argument("--schedules", type=int, default=1000, help="how many (default 1000)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (default 1)")
    return parser.parse_args(words)


def _tell(seed: int) -> int:
    plan = draw(seed)
    print(plan)
    shop = Shop(plan, told=True)
    shop.play()
    print(*shop.world.story or (), sep="\n")
    print(*shop.breaches or ["no violation"], sep="\n")
    return 1 if shop.breaches else 0


def _play_many(seeds: range) -> int:
    began = time.monotonic()
    failed = 0
    for seed in seeds:
        shop = Shop(draw(seed))
        shop.play()
        if shop.breaches:
            failed += 1
            print(f"seed {seed}: {shop.breaches[0]}")
            print(f"  python -m tests.simulation --seed {seed}")
    took_s = time.monotonic() - began
    print(f"{len(seeds)} schedules, seeds {seeds[0]} to {seeds[-1]}: {failed} with violations")
    print(f"{took_s:.1f} s, {len(seeds) / took_s:.0f} schedules a second")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
