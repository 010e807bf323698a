"""`make bench WATCHERS=1`: compares sales while two thousand pages watch, and while none does.

Both take turns on one instance, so that a shared machine is as fast for both. The generator's
processor time is taken from the sale, all of it on a machine of two cores. The generator is
therefore a process of its own that does as little as possible, and tells what it used. Where
strangers take more than `STRANGERS` processors, the rounds say nothing.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import msgspec
import psutil
import typer

from tests.bench import command, packages
from tests.bench.load import HOT_TYPE, BenchError, Load, offer
from tests.bench.overload.usage import Usage
from tests.bench.watchers.page import Seen
from tests.support.instance import ROOT, Instance, running

STOCK = ("--quantity", "9000000")
CONNECTIONS = 256
WARM_UP_S = 6
# The time until so many pages have been told to ask less often, and do.
SETTLE_S = 14
END_S = 10.0
NEEDED = 0.9
STRANGERS = 0.2


@dataclass(frozen=True)
class Turn:
    """One sale; `watchers_s` is processor time of the pages' generator, `others_s` of strangers."""

    load: Load
    seconds: int
    cpu_s: dict[str, float]
    watchers_s: float
    others_s: float

    @property
    def sale_us(self) -> float:
        """Returns the processor time of a sale, which does not depend on others' load."""
        return (sum(self.cpu_s.values()) + self.watchers_s) / self.load.sold * 1e6


def main(
    watchers: Annotated[int, typer.Option(help="How many pages are open.")] = 2000,
    rounds: Annotated[int, typer.Option(help="How often each is measured.")] = 3,
    seconds: Annotated[int, typer.Option(help="How long each sale lasts.")] = 8,
) -> None:
    """Measures it and prints the ratio; exit 1 where the watchers cost more than a tenth."""
    packages.require()
    with (
        tempfile.TemporaryDirectory() as scratch,
        running(Path(scratch) / "data", *STOCK) as shop,
    ):
        offer(_orders(shop), HOT_TYPE, CONNECTIONS, WARM_UP_S)
        found = [_round(shop, watchers, seconds, number) for number in range(rounds)]
        shop.verify()
        shop.down()
    ratio = median(ratio for ratio, _ in found)
    print(f"sold with {watchers} watchers to sold without: {ratio:.3f} (at least {NEEDED:g})")
    others = median(others for _, others in found)
    if others > STRANGERS:
        raise BenchError(f"that says nothing: others used {others:.1f} processors meanwhile")
    raise typer.Exit(0 if ratio >= NEEDED else 1)


def _round(shop: Instance, watchers: int, seconds: int, number: int) -> tuple[float, float]:
    """Returns the ratio, and how many processors strangers used.

    Both orders are measured, so that nothing that warms up or fills up favours one.
    """
    turns = {
        False: lambda: _told("nobody watches", _sale(shop, seconds)),
        True: lambda: _told(f"{watchers} watch", _watched(shop, watchers, seconds)),
    }
    found = {watched: turns[watched]() for watched in (number % 2 == 1, number % 2 == 0)}
    alone, watched = found[False], found[True]
    ratio = watched.load.per_second / alone.load.per_second
    pages_us = watched.watchers_s / watched.load.sold * 1e6
    print(
        f"  round {number + 1}: {ratio:.3f}; processor time a sale: {alone.sale_us:.0f} µs alone, "
        f"{watched.sale_us:.0f} µs watched, {pages_us:.0f} of them the pages' generator",
        flush=True,
    )
    return ratio, (alone.others_s + watched.others_s) / (2 * seconds)


def _sale(shop: Instance, seconds: int, pages: psutil.Process | None = None) -> Turn:
    usage = Usage(shop)
    before, all_before = _used(pages), _used_by_all()
    with usage.counted() as cpu_s:
        load = offer(_orders(shop), HOT_TYPE, CONNECTIONS, seconds)
    watchers_s = _used(pages) - before
    others_s = _used_by_all() - all_before - sum(cpu_s.values()) - watchers_s
    return Turn(load, seconds, cpu_s, watchers_s, others_s)


def _watched(shop: Instance, watchers: int, seconds: int) -> Turn:
    with _pages(shop, watchers) as pages:
        time.sleep(SETTLE_S)
        return _sale(shop, seconds, psutil.Process(pages.pid))


@contextmanager
def _pages(shop: Instance, watchers: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Opens so many pages inside the block; tells afterwards what they saw."""
    pages = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.watchers.page", str(shop.port), str(watchers)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    began = time.monotonic()
    try:
        yield pages
        seconds = time.monotonic() - began
        output, _ = pages.communicate(timeout=END_S)
    finally:
        pages.kill()
        pages.wait()
    if pages.returncode != 0 or not output:
        raise BenchError(f"the pages' generator ended with {pages.returncode}")
    seen = msgspec.json.decode(output, type=Seen)
    print(
        f"    pages: {seen.answers / seconds:.0f} answers/s, {seen.unchanged / seconds:.0f} of "
        f"them unchanged, {seen.opened / seconds:.0f} connections/s, p50 {seen.p50_ms:.0f} ms, "
        f"p99 {seen.p99_ms:.0f} ms, {seen.refused} refused, {seen.broken} broken"
    )


def _used(process: psutil.Process | None) -> float:
    """Returns its processor seconds so far."""
    return sum(process.cpu_times()[:2]) if process else 0.0


def _used_by_all() -> float:
    """Returns the processor seconds of everything on this machine."""
    used = psutil.cpu_times()
    return float(used.user + used.nice + used.system)


def _told(who: str, turn: Turn) -> Turn:
    load, cpu_s = (
        turn.load,
        {
            **turn.cpu_s,
            "pages": turn.watchers_s,
            "others": turn.others_s,
        },
    )
    cpu = ", ".join(f"{role} {used / turn.seconds:.2f}" for role, used in cpu_s.items())
    print(
        f"  {who}: {load.per_second:6.0f} sold/s, {load.failed} failed, p50 {load.p50_ms:.0f} ms, "
        f"p99 {load.p99_ms:.0f} ms; processors: {cpu}",
        flush=True,
    )
    return turn


def _orders(shop: Instance) -> str:
    return f"http://127.0.0.1:{shop.port}/api/orders"


if __name__ == "__main__":
    command.run(main)
