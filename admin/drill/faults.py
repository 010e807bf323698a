"""What is broken, how it is mended, and what to watch meanwhile."""

import random
import signal
from collections.abc import Callable, Sequence

import msgspec

from admin.drill.fault_names import FaultName
from admin.drill.processes import ObservedProcess

Choose = Callable[[Sequence[ObservedProcess], random.Random], list[ObservedProcess]]


class Fault(msgspec.Struct, frozen=True):
    """`hold_s` is how long it lasts before it is mended: processes thawed, `up` said again."""

    name: FaultName
    does: str
    watch: str
    choose: Choose
    sends: signal.Signals = signal.SIGKILL
    hold_s: float = 0.0
    # Granian's server is a child of the process that the supervisor knows.
    with_children: bool = False
    # What the operator does afterwards, where the supervisor can't.
    up_again: bool = False

    @property
    def freezes(self) -> bool:
        return self.sends is signal.SIGSTOP

    @property
    def verb(self) -> str:
        return "froze" if self.freezes else "killed"


def _one(role: str) -> Choose:
    def choose(processes: Sequence[ObservedProcess], rng: random.Random) -> list[ObservedProcess]:
        able = [
            process
            for process in processes
            if role in (process.role, process.state) and process.well
        ]
        return [rng.choice(able)] if able else []

    return choose


def _servers(how_many: int | None) -> Choose:
    def choose(processes: Sequence[ObservedProcess], rng: random.Random) -> list[ObservedProcess]:
        able = [process for process in processes if process.role == "zookeeper"]
        return rng.sample(able, len(able) if how_many is None else how_many)

    return choose


FAULTS: dict[FaultName, Fault] = {
    fault.name: fault
    for fault in (
        Fault(
            FaultName.WORKER,
            "kill -9 of a worker, with purchases in its hands.",
            "the web asks the others, with the same keys: nobody notices anything.",
            _one("worker"),
        ),
        Fault(
            FaultName.ZOMBIE,
            "SIGSTOP of a worker past the end of its session, then SIGCONT.",
            "it wakes and thinks that it may still sell; its registration is gone.",
            _one("worker"),
            signal.SIGSTOP,
            hold_s=8.0,
        ),
        Fault(
            FaultName.WEB,
            "kill -9 of the web server: every connection breaks.",
            "buyers see errors until it is back, ask again with their keys, buy once.",
            _one("web"),
            with_children=True,
        ),
        Fault(
            FaultName.FOLLOWER,
            "kill -9 of a follower.",
            "two of three servers still make a majority: commits go on.",
            _one("follower"),
        ),
        Fault(
            FaultName.LEADER,
            "kill -9 of the leader.",
            "the two others elect a new one; buyers wait, and nobody is lost.",
            _one("leader"),
        ),
        Fault(
            FaultName.PAUSE,
            "SIGSTOP of the leader: its connections stay open, and nothing comes back.",
            "silence must be noticed before anybody is elected: that takes longer.",
            _one("leader"),
            signal.SIGSTOP,
            hold_s=6.0,
        ),
        Fault(
            FaultName.QUORUM,
            "SIGSTOP of two of the three servers for 5 s.",
            "the third may not sell alone: buyers get 503 at once, and buy afterwards.",
            _servers(2),
            signal.SIGSTOP,
            hold_s=5.0,
        ),
        Fault(
            FaultName.ENSEMBLE,
            "kill -9 of all three servers at the same moment.",
            "they come back with what is on disk: every sale that was answered.",
            _servers(None),
        ),
        Fault(
            FaultName.SUPERVISOR,
            "kill -9 of the supervisor; 3 s later somebody says `up` again.",
            "the sale goes on unwatched; the new supervisor adopts what runs.",
            _one("supervisor"),
            hold_s=3.0,
            up_again=True,
        ),
    )
}


def chosen(names: Sequence[FaultName]) -> list[Fault]:
    """The faults of these names, in that order; all of them where none is named, or `all`."""
    if not names or FaultName.ALL in names:
        return list(FAULTS.values())
    return [FAULTS[name] for name in names]
