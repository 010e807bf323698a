"""`python -m tests.simulation`: plays many schedules, or tells the story of one."""

import argparse
import logging
import multiprocessing
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.border import simulated
from tests.simulation.plan import draw
from tests.simulation.play import Report, play, replay
from tests.simulation.shop import Shop
from tests.support.throwaway import thrown_away

AT_ONCE = 250


def main() -> int:
    options = _options(sys.argv[1:])
    if options.seed is not None:
        return _tell(options.seed)
    return _play_many(range(options.first, options.first + options.schedules), options.jobs)


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="play this one and tell what happens")
    parser.add_argument("--schedules", type=int, default=1000, help="how many (default 1000)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (default 1)")
    parser.add_argument("--jobs", type=int, help="processes at once (default: one a core)")
    return parser.parse_args(words)


def _tell(seed: int) -> int:
    plan = draw(seed)
    logging.disable()
    with simulated():
        shop = Shop(plan, told=True)
        shop.play()
    for line in (*plan.told(), *(shop.world.story or ()), *(shop.breaches or ["no violation"])):
        print(line)
    return 1 if shop.breaches else 0


def _play_many(seeds: range, jobs: int | None) -> int:
    began = time.monotonic()
    whole = Report()
    parts = [seeds[start : start + AT_ONCE] for start in range(0, len(seeds), AT_ONCE)]
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        for report in pool.map(play, parts):
            whole.add(report)
            for seed, breach in report.broken:
                print(f"seed {seed}: {breach}\n  {replay(seed)}", flush=True)
            if sys.stderr.isatty():
                print(f"\r{whole.schedules} schedules", end="\r", file=sys.stderr, flush=True)
    took_s = time.monotonic() - began
    print(
        f"{whole.schedules} schedules, seeds {seeds[0]} to {seeds[-1]}, in {took_s:.0f} s "
        f"({whole.schedules / took_s:.0f} a second): {len(whole.broken)} with violations"
    )
    print(
        f"{whole.attempts} purchases at workers, {whole.orders} sold or held; "
        f"{whole.changes} changes of orders asked for"
    )
    print(
        "entries of the logs:", ", ".join(f"{n} {event}" for event, n in whole.events.most_common())
    )
    return 1 if whole.broken else 0


if __name__ == "__main__":
    with thrown_away():
        sys.exit(main())
