"""The scenes of a long run, each with its own ensemble and its own verdict."""

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from admin.drill.proof.checker import Finding
from core.schema.records import Marker, encode
from core.zookeeper.tree_setup import prepare_tree
from supervisor.zookeeper.ensemble import wait_for_quorum
from tests.faults.ambiguity.clocks import JumpingClocks
from tests.faults.ambiguity.sale import Run, SaleReport
from tests.faults.ensemble.partition import Islands
from tests.faults.ensemble.servers import three_servers
from tests.faults.ensemble.storms import Partitions, deaths
from tests.faults.nemeses.disk import disk_of
from tests.faults.nemeses.mixture import Tally, inflict, menu, plan
from tests.faults.shop import open_shop
from tests.support.buyers.crowd import PATIENT, Crowd
from tests.support.zookeeper_server import PASSWORD

QUORUM_S = 60.0
# The share of a run's time for each scene; mixed faults get the rest. Some 20 lost answers are
# resolved a second.
DOUBTS, PARTITIONS = 0.35, 0.1
# How long a scene takes to begin and to end, and how long a mixture of faults takes.
AROUND_S = 15.0
MIXTURE_S = 15.0
# More types take too long to make and to check.
TYPES_PER_SECOND, FEWEST_TYPES, MOST_TYPES = 10.0, 30, 900

Say = Callable[[str], None]


@dataclass
class Report:
    """What one scene has done and found."""

    scene: str
    took_s: float
    did: str
    findings: tuple[Finding, ...]
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Times:
    """The times of ambiguous commits, of partitions, and of the end, on the monotonic clock."""

    doubts_s: float
    partitions_s: float
    end: float


def shares(lasts_s: float, now: float) -> Times:
    """Divides so many seconds from now on among the scenes; one that would have none is cut."""
    doubts_s, partitions_s = DOUBTS * lasts_s - AROUND_S, PARTITIONS * lasts_s - AROUND_S
    return Times(max(0.0, doubts_s), max(0.0, partitions_s), now + lasts_s)


def types_for(lasts_s: float) -> int:
    """Returns how many types a run of so many seconds may sell out."""
    return max(FEWEST_TYPES, min(MOST_TYPES, math.ceil(lasts_s * TYPES_PER_SECOND)))


def ambiguous_commits(home: Path, seed: int, goal: int, lasts_s: float, say: Say) -> Report:
    """Makes commits ambiguous until so many are resolved or the time is over.

    Most are straight at the sellers, whose clocks jump; some are made while servers die, and some
    through the web, over links that fail as well.
    """
    began = time.monotonic()
    done: list[SaleReport] = []
    types = types_for(lasts_s)
    with three_servers(home) as servers:
        rng = random.Random(seed)
        shares = {
            Run(servers.hosts, seed, event="timeless", types=types, clocks=JumpingClocks): 0.6,
            Run(
                servers.hosts,
                seed + 1,
                event="mortal",
                types=types,
                storm=lambda: deaths(servers, rng),
            ): 0.2,
            Run(servers.hosts, seed + 2, event="linked", types=types, web=True): 0.2,
        }
        for run, share in shares.items():
            count = math.ceil(share * goal)
            done.append(asyncio.run(run.until(count, share * lasts_s)))
            say(f"ambiguous commits: {sum(each.resolved for each in done)} of {goal} resolved")
    return _doubted("ambiguous commits", began, done, "clocks jump, servers die, links fail")


def partitions(home: Path, seed: int, lasts_s: float) -> Report | None:
    """Cuts servers off from each other; None where this machine has no network namespaces."""
    began = time.monotonic()
    islands = Islands(home, random.Random())
    with ExitStack() as stack:
        try:
            stack.enter_context(islands.afloat())
        except OSError:
            return None
        asyncio.run(wait_for_quorum(islands.hosts, QUORUM_S, lambda _: None))
        marker = encode(Marker())
        asyncio.run(
            prepare_tree(islands.hosts, PASSWORD, marker, close_root=True, timeout_s=QUORUM_S)
        )
        parted = Partitions(islands, random.Random(seed))
        run = Run(islands.hosts, seed, types=types_for(lasts_s), storm=parted.storm)
        doubts = asyncio.run(run.until(1_000_000, lasts_s))
    report = _doubted("partitions", began, [doubts], f"{parted.count} partitions of the ensemble")
    report.counts["partitions"] = parted.count
    return report


def mixed_faults(home: Path, seed: int, end: float, say: Say) -> Report:
    """Inflicts one mixture after the other on a whole shop, at least one, until `end`."""
    began = time.monotonic()
    tally = Tally()
    data_dir = home / "data"
    with disk_of(data_dir) as disk, open_shop(data_dir, seed) as shop:
        faults = menu(disk)
        mixtures = plan(faults, seed)
        with Crowd(shop.instance.buyer, PATIENT, seed=seed) as crowd:
            while not tally.faults or time.monotonic() + MIXTURE_S + AROUND_S < end:
                mixture = next(mixtures)
                inflict(shop, crowd, faults, mixture, tally)
                names = ", ".join(strike.name for strike in mixture)
                say(f"faults: {tally.faults} after {time.monotonic() - began:.0f} s: {names}")
        crowd.settle()
        shop.instance.expect_health()
        findings = shop.findings(crowd)
    kinds = f"{len(tally.struck)} kinds in {len(tally.recoveries_s)} mixtures"
    slowest = f"the slowest recovery {max(tally.recoveries_s):.1f} s"
    did = f"{tally.faults} faults of {kinds}, {crowd.wishes} purchases, {slowest}"
    report = Report("mixed faults", time.monotonic() - began, did, findings)
    report.counts.update(faults=tally.faults, purchases=crowd.wishes, sold=len(crowd.sold))
    return report


def _doubted(scene: str, began: float, done: Sequence[SaleReport], what: str) -> Report:
    events: Counter[str] = sum((each.events for each in done), Counter())
    attempts = sum(len(each.history.attempts) for each in done)
    did = f"{events['resolved']} resolved of {events['ambiguous']}; {attempts} attempts; {what}"
    findings = tuple(finding for each in done for finding in each.findings)
    report = Report(scene, time.monotonic() - began, did, findings)
    report.counts.update(resolved=events["resolved"], ambiguous=events["ambiguous"])
    return report
