"""The processes of an instance as they are at one moment."""

import os
import random
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil

from admin.drill.faults import Fault
from core.cluster import run_file
from core.errors import ZkticketError
from core.machine import process_identity
from core.machine.process_birth import Identified
from core.zookeeper.probe import probe_all

# A server that does not answer within this is shown as down.
PROBE_S = 0.4
WELL = frozenset({"running", "leader", "follower", "standalone"})


class ObservedProcess(msgspec.Struct, frozen=True):
    """A process; its `state` is what its supervisor says, a server's role, or frozen or dead."""

    name: str
    role: str
    state: str
    pid: int | None
    created: float
    birth: str = ""

    @property
    def well(self) -> bool:
        return self.state in WELL

    def signal(self, number: signal.Signals, *, children: bool = False) -> None:
        """Sends a signal to this very process, if it lives, or to its children as well."""
        process = process_identity.living(self)
        if process is None:
            return
        with suppress(psutil.NoSuchProcess):
            below = process.children(recursive=True) if children else []
            for each in [process, *below]:
                with suppress(ProcessLookupError):
                    os.kill(each.pid, number)


def victims(
    fault: Fault, processes: Iterable[ObservedProcess], rng: random.Random
) -> list[ObservedProcess]:
    """Chooses the processes that the fault strikes; none where there are too few."""
    meant = [each for each in processes if fault.strikes in (each.role, each.state)]
    if fault.victims is None:
        return meant
    well = [each for each in meant if each.well]
    return rng.sample(well, fault.victims) if len(well) >= fault.victims else []


async def look(data_dir: Path) -> tuple[ObservedProcess, ...]:
    """Returns servers, workers, web, supervisor; nothing where the run file can't be read."""
    try:
        record = run_file.read(data_dir)
    except ZkticketError:
        return ()
    roles = {each.address: each.role for each in await probe_all(record.zookeeper, PROBE_S)}
    found = []
    for each in record.processes:
        said = roles.get(each.address, "down") if each.role == "zookeeper" else each.state
        found.append(_observed(each.name, each.role, each, said))
    return (*found, _observed("supervisor", "supervisor", record, "running"))


def _observed(name: str, role: str, meant: Identified, said: str) -> ObservedProcess:
    return ObservedProcess(name, role, _seen(meant) or said, meant.pid, meant.created, meant.birth)


def _seen(meant: Identified) -> str:
    """Returns what only the operating system knows of a process: dead, frozen, or nothing."""
    process = process_identity.living(meant)
    if process is None:
        return "dead"
    try:
        return "frozen" if process.status() == psutil.STATUS_STOPPED else ""
    except psutil.NoSuchProcess:
        return "dead"
