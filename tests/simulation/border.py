"""Stand-ins for the world outside a worker process: its ZooKeeper, links, clocks, chance.

The product's modules stay as they are; only the names that lead out of them are bound anew.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from random import Random
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

from core.transport.link import Answer, ChangeRequest, Purchase
from tests.simulation.checker.recount import life
from tests.simulation.world.disk import Disk, SimulatedJournal
from tests.simulation.world.event_loops import Process
from tests.simulation.zookeeper.ensemble import Ensemble
from tests.simulation.zookeeper.session import SimulatedZooKeeper

EPOCH_S = 1_700_000_000.0
INSTANCE = "simulated"

Submit = Callable[[Purchase | ChangeRequest, Callable[[Answer], None]], None]
Forget = Callable[[Callable[[Answer], None], Collection[int] | None], None]


class Machine(Process):
    """A simulated process with what it finds outside: an ensemble, a wall clock, a link."""

    def __init__(self, ensemble: Ensemble, role: str, pid: int, disk: Disk | None = None) -> None:
        super().__init__(ensemble.world, life(role, pid))
        self.ensemble = ensemble
        self.role = role
        self.pid = pid
        self.disk = disk or Disk()
        self.clock_off_s = self.most_ahead_s = 0.0
        self.zk: SimulatedZooKeeper | None = None
        # Take purchases, and take them back, while the machine listens.
        self.submit: Submit | None = None
        self.forget: Forget | None = None

    def pause(self) -> None:
        super().pause()
        if self.zk is not None:
            self.zk.note_pause(paused=True)

    def resume(self) -> None:
        super().resume()
        if self.zk is not None and self.running:
            self.zk.note_pause(paused=False)

    def kill(self) -> None:
        super().kill()
        self.hang_up()
        if self.zk is not None and self.zk.connection is not None:
            self.zk.connection.break_off()

    def thread_s(self) -> float:
        """Returns how long a worker's thread is busy with flushing receipts."""
        return self.world.rng.random() * self.disk.flush_s

    def hang_up(self) -> None:
        """Closes its links."""
        self.submit = self.forget = None

    def wall_clock(self) -> float:
        """Returns Unix seconds, as far as this machine knows."""
        return EPOCH_S + self.world.now + self.clock_off_s

    def set_clock(self, off_s: float) -> None:
        """Makes its wall clock jump; `most_ahead_s` tells how far it has ever been ahead."""
        self.clock_off_s = off_s
        self.most_ahead_s = max(self.most_ahead_s, off_s)

    def connect(self, session_s: float) -> SimulatedZooKeeper:
        self.zk = SimulatedZooKeeper(self.ensemble, session_s=session_s)
        return self.zk


class SimulatedLinks:
    """Stands in for `workers.link_server.LinkServer`."""

    def __init__(
        self, key: bytes, submit: Submit, forget: Forget, health: object, strangers: int
    ) -> None:
        self._submit = submit
        self._forget = forget

    async def listen(self, host: str) -> str:
        machine = here()
        machine.submit, machine.forget = self._submit, self._forget
        return f"{machine.name}:{machine.pid}"

    def take_turned_away(self) -> int:
        """Counts none: this world has no strangers."""
        return 0

    async def close(self) -> None:
        here().hang_up()


def here() -> Machine:
    """Returns the machine on which the caller runs."""
    machine: Machine = cast(Any, asyncio.get_running_loop())
    return machine


def _zookeeper(hosts: str, password: str, *, session_s: float) -> SimulatedZooKeeper:
    return here().connect(session_s)


def _token_hex(nbytes: int | None = None) -> str:
    return f"{here().world.rng.getrandbits(8 * (nbytes or 32)):0{2 * (nbytes or 32)}x}"


class _Clocks:
    """Stands in for the module `time`: the clocks of the machine on which it is asked."""

    @property
    def time(self) -> Callable[[], float]:
        return here().wall_clock


def _jitter() -> Random:
    return here().world.rng


@contextmanager
def simulated() -> Iterator[None]:
    """Makes worker processes inside the block live in a simulated world."""
    outside: dict[str, Any] = {
        "core.cluster.node.ZooKeeper": _zookeeper,
        "core.cluster.node.os": SimpleNamespace(getpid=lambda: here().pid),
        "core.cluster.node.process_birth": SimpleNamespace(birth=lambda _pid: ""),
        "workers.worker_process.LinkServer": SimulatedLinks,
        "workers.worker_process.ReceiptJournal": lambda *given: SimulatedJournal(
            here().disk, *given
        ),
        "workers.worker_process.random": SimpleNamespace(Random=_jitter),
        "workers.worker_process.instance_id": SimpleNamespace(load=lambda _data_dir: INSTANCE),
        "workers.worker_process.gc_tuning": SimpleNamespace(settle=lambda: None),
        "core.eventlog.audit.time": _Clocks(),
        "secrets.token_hex": _token_hex,
        # Small enough for a schedule to fill all slots of the log.
        "core.eventlog.ring.SLOT_BYTES": 1024,
        "core.eventlog.ring.SLOTS": 4,
    }
    with ExitStack() as stack:
        for name, value in outside.items():
            stack.enter_context(patch(name, value))
        yield
