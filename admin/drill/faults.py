"""What is broken, how it is mended, and what to watch meanwhile.

The command line names the faults, so nothing slow is imported here: `--help` is quick.
"""

import enum
import signal
from collections.abc import Sequence
from dataclasses import dataclass


class FaultName(enum.StrEnum):
    """The faults as a command line names them, in the order of a drill of all."""

    WORKER = "worker"
    ZOMBIE = "zombie"
    WEB = "web"
    FOLLOWER = "follower"
    LEADER = "leader"
    PAUSE = "pause"
    QUORUM = "quorum"
    ENSEMBLE = "ensemble"
    SUPERVISOR = "supervisor"
    ALL = "all"


@dataclass(frozen=True)
class Fault:
    """Strikes `victims` well processes of a role, or servers in a state; `None` strikes all.

    It is mended after `hold_s`: processes are thawed, or `up` is run again.
    """

    name: FaultName
    does: str
    watch: str
    strikes: str
    victims: int | None = 1
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


FAULTS: dict[FaultName, Fault] = {
    fault.name: fault
    for fault in (
        Fault(
            FaultName.WORKER,
            "kill -9 of a worker in the middle of purchases.",
            "the web asks other workers, with the same keys: no buyer notices it.",
            "worker",
        ),
        Fault(
            FaultName.ZOMBIE,
            "SIGSTOP of a worker past the end of its session, then SIGCONT.",
            "it wakes and thinks that it may still sell; its registration is gone.",
            "worker",
            sends=signal.SIGSTOP,
            hold_s=8.0,
        ),
        Fault(
            FaultName.WEB,
            "kill -9 of the web server: every connection breaks.",
            "buyers see errors, ask again with their keys, and buy once it is back.",
            "web",
            with_children=True,
        ),
        Fault(
            FaultName.FOLLOWER,
            "kill -9 of a follower.",
            "two of three servers still make a majority: commits go on.",
            "follower",
        ),
        Fault(
            FaultName.LEADER,
            "kill -9 of the leader.",
            "the two others elect a new one; buyers wait, and nobody is lost.",
            "leader",
        ),
        Fault(
            FaultName.PAUSE,
            "SIGSTOP of the leader: its connections stay open, and nothing comes back.",
            "silence must be noticed before a leader is elected: it takes longer.",
            "leader",
            sends=signal.SIGSTOP,
            hold_s=6.0,
        ),
        Fault(
            FaultName.QUORUM,
            "SIGSTOP of two of the three servers for 5 s.",
            "the third may not sell alone: buyers get 503 at once, and buy afterwards.",
            "zookeeper",
            victims=2,
            sends=signal.SIGSTOP,
            hold_s=5.0,
        ),
        Fault(
            FaultName.ENSEMBLE,
            "kill -9 of all three servers at the same moment.",
            "they come back with what is on disk: every sale that was answered.",
            "zookeeper",
            victims=None,
        ),
        Fault(
            FaultName.SUPERVISOR,
            "kill -9 of the supervisor; 3 s later somebody runs `up` again.",
            "the sale goes on unwatched; the new supervisor adopts what runs.",
            "supervisor",
            hold_s=3.0,
            up_again=True,
        ),
    )
}


def chosen(names: Sequence[FaultName]) -> list[Fault]:
    """Returns the faults of these names, in that order, or all of them for none or for `all`."""
    if not names or FaultName.ALL in names:
        return list(FAULTS.values())
    return [FAULTS[name] for name in names]
