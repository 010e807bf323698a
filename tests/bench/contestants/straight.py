"""Selling straight on ZooKeeper with kazoo: one ensemble, each way and crew in turn."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.contestants.crew import Crew, Shift, session, work
from tests.bench.contestants.ensemble import three_servers
from tests.bench.contestants.shop import compare
from tests.bench.contestants.ways import Counted, Locked, Transacted, Way
from tests.bench.plan import Plan
from tests.bench.results import Reading, percentile

LOCK = Locked().name
SINGLE = "multi for each ticket"
PIPELINED = "multi, pipelined"
# Several buyers, each in a session of its own. There are four processes, since one interpreter
# would limit 16 sessions.
BUYERS = Crew(processes=4, sessions=4)
# Like zkticket's three workers, but each with more than one transaction under way.
WORKERS = Crew(processes=3, threads=3)


@dataclass(frozen=True)
class Trial:
    """A way and its crew; the figure is filed under `at_once`."""

    way: Way
    crew: Crew
    at_once: int


@dataclass(frozen=True)
class Straight:
    """Measures everything without zkticket and without HTTP."""

    name: str = "straight on ZooKeeper"

    def measure(self, plan: Plan, scratch: Path) -> Iterator[Reading]:
        with three_servers(scratch) as hosts:
            warm_up = Trial(Transacted(SINGLE), BUYERS, BUYERS.sellers)
            _measure(hosts, warm_up, "/warm-up", plan.warm_up_s)
            for number, trial in enumerate(_trials(plan)):
                yield _measure(hosts, trial, f"/trial-{number}", plan.seconds_at(trial.at_once))


def _trials(plan: Plan) -> list[Trial]:
    alone = Crew()
    return [
        Trial(Transacted(SINGLE), alone, alone.sellers),
        Trial(Transacted(SINGLE), BUYERS, BUYERS.sellers),
        Trial(Counted(), BUYERS, BUYERS.sellers),
        Trial(Locked(), BUYERS, BUYERS.sellers),
        *(Trial(Transacted(PIPELINED, orders), WORKERS, orders) for orders in plan.batches),
    ]


def _measure(hosts: str, trial: Trial, root: str, seconds: int) -> Reading:
    """Measures one trial below `root`, and checks its books. Raises `BenchError`."""
    with session(hosts) as above:
        above.create(root)
    with session(hosts + root) as client:
        trial.way.prepare(client, trial.crew.sellers)
        done = work(Shift(trial.way, trial.crew, hosts + root, seconds))
        compare(trial.way.name, done.tickets, trial.way.sold(client), 0)
    return Reading(
        contestant=trial.way.name,
        at_once=trial.at_once,
        per_second=done.tickets / done.seconds,
        p50_ms=percentile(done.took_s, 50) * 1000,
        p99_ms=percentile(done.took_s, 99) * 1000,
    )
