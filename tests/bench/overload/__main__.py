"""`make bench OVERLOAD=1`: goodput at ten times the capacity, compared with its peak.

Three shops, one after the other. The first sells as fast as it can: on one machine its web
server is the bottleneck, and ten times the connections of the peak are all served, later. The
second one's ensemble takes `DELAY_S` for each answer, so that ten times its capacity can really
be offered. The third one has a worker at a tenth of its speed.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

from tests.bench import command, packages
from tests.bench.overload.crowd import Rush, rush
from tests.bench.overload.delay import slow_shop
from tests.bench.overload.freeze import slowed
from tests.bench.overload.usage import Usage
from tests.support.instance import Instance, running

STOCK = ("--quantity", "9000000")
DELAY_S = 0.25
WARM_UP_S = 5
PEAK_S = 10
# Connections for a shop's peak, and ten times as many.
QUICK_PEAK, QUICK_RUSH = (256, 512), 5120
SLOW_PEAK, SLOW_RUSH = (600, 900), 2000


@dataclass(frozen=True)
class Outcome:
    """A shop's peak, its goodput when far more was offered, and whether that was enough."""

    peak: Rush
    over: Rush
    met: bool


def main(
    seconds: Annotated[int, typer.Option(help="How long each overload lasts.")] = 60,
    only: Annotated[str, typer.Option(help="One shop alone: quick, slow or lame.")] = "",
) -> None:
    """Measures it and prints the ratios; exit 1 where one is not reached."""
    packages.require()
    wanted = [name for name in SHOPS if only in ("", name)]
    outcomes = {name: SHOPS[name](seconds) for name in wanted}
    quick, slow = outcomes.get("quick"), outcomes.get("slow")
    if quick and slow:
        _tell_costs(quick.peak, slow.over)
    raise typer.Exit(0 if all(outcome.met for outcome in outcomes.values()) else 1)


def _quick(seconds: int) -> Outcome:
    print("A shop at full speed")
    with _shop() as shop:
        return _compare(shop, QUICK_PEAK, QUICK_RUSH, seconds)


def _slow(seconds: int) -> Outcome:
    print(f"A shop whose ensemble takes {DELAY_S} s for each answer")
    with _slow_shop() as shop:
        found = _compare(shop, SLOW_PEAK, SLOW_RUSH, seconds)
    offered = _verdict("answers to the peak", found.over.answers / found.peak.goodput, 10)
    return replace(found, met=found.met and offered)


def _lame(seconds: int) -> Outcome:
    """Two healthy workers alone, then beside a slow one, with one crowd."""
    print("The same with a worker at a tenth of its speed")
    with _slow_shop("--workers", "2") as shop:
        two = _told(rush(shop, Usage(shop), SLOW_RUSH, max(10, seconds // 2)))
    with _slow_shop() as shop, slowed(shop.worker("worker-1")["pid"]):
        three = _told(rush(shop, Usage(shop), SLOW_RUSH, seconds))
    share = three.goodput / two.goodput
    return Outcome(two, three, _verdict("goodput to that of the two healthy alone", share, 0.75))


def _compare(shop: Instance, peaks: tuple[int, ...], connections: int, seconds: int) -> Outcome:
    usage = Usage(shop)
    peak = max((_told(rush(shop, usage, n, PEAK_S)) for n in peaks), key=lambda r: r.goodput)
    over = _told(rush(shop, usage, connections, seconds))
    met = _verdict("goodput to its peak", over.goodput / peak.goodput, 0.9)
    if over.samples.shed:
        shed_ms = median(over.samples.shed) * 1000
        print(f"  a refusal took {shed_ms:.0f} ms at the median (at most 100)")
        met = met and shed_ms <= 100
    return Outcome(peak, over, met)


def _tell_costs(peak: Rush, over: Rush) -> None:
    """Tells the cost of a sale, where none is refused, and of a refusal, where most are."""
    sale_us = {role: used / peak.load.sold * 1e6 for role, used in peak.cpu_s.items()}
    whole_us = sum(used for role, used in sale_us.items() if role != "wrk")
    shed_us = (over.cpu_s["web"] * 1e6 - over.load.sold * sale_us["web"]) / over.load.failed
    wrk_us = over.cpu_s["wrk"] / (over.answers * over.seconds) * 1e6
    print(
        f"  processor time: {whole_us:.0f} µs a sale, {sale_us['web']:.0f} of them the web's; "
        f"{shed_us:.0f} µs a refusal; wrk {wrk_us:.0f} µs an answer"
    )


def _told(found: Rush) -> Rush:
    load = found.load
    cpu = ", ".join(f"{role} {used / found.seconds:.2f}" for role, used in found.cpu_s.items())
    print(
        f"  {found.connections:5d} connections, {found.seconds} s: {load.per_second:6.0f} sold/s, "
        f"{load.failed / found.seconds:6.0f} refused/s, p50 {load.p50_ms:.0f} ms, "
        f"p99 {load.p99_ms:.0f} ms; processors: {cpu}",
        flush=True,
    )
    return found


def _verdict(what: str, ratio: float, needed: float) -> bool:
    print(f"  {what}: {ratio:.2f} (at least {needed:g})", flush=True)
    return ratio >= needed


@contextmanager
def _shop(*options: str) -> Iterator[Instance]:
    with (
        tempfile.TemporaryDirectory() as scratch,
        running(Path(scratch) / "data", *STOCK, *options) as shop,
    ):
        rush(shop, Usage(shop), 64, WARM_UP_S)
        yield shop
        shop.verify()
        shop.down()


@contextmanager
def _slow_shop(*options: str) -> Iterator[Instance]:
    with (
        tempfile.TemporaryDirectory() as scratch,
        slow_shop(Path(scratch), DELAY_S, *STOCK, *options) as shop,
    ):
        rush(shop, Usage(shop), 600, WARM_UP_S)
        yield shop


SHOPS = {"quick": _quick, "slow": _slow, "lame": _lame}

if __name__ == "__main__":
    command.run(main)
