"""The supervisor's process table: in the run file on its machine, and in ZooKeeper."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from core.cluster import run_file
from core.cluster.node import Identity
from core.errors import ZkticketError
from core.eventlog.ring import EventLog
from core.machine import disk_space, process_birth
from core.schema.records import Disk, ProcessRecord, SupervisorRecord
from core.settings import Settings
from supervisor import readiness
from supervisor.operations.request_executor import Requests
from supervisor.processes.fleet import Fleet


@dataclass(eq=False)
class ProcessTable:
    """The table of all processes; `ready` once tickets can be bought."""

    _settings: Settings
    _identity: Identity
    _fleet: Fleet
    _requests: Requests
    _log: EventLog
    _now: Callable[[], float]
    ready: bool = False
    _me: psutil.Process = field(default_factory=psutil.Process)
    _place: str = field(default_factory=process_birth.place)
    _written: SupervisorRecord | None = None
    _room: tuple[Disk, ...] = ()
    _looked_at: int = 0
    _trouble: str = ""

    @property
    def url(self) -> str:
        return readiness.url(self._settings.host, self._settings.port)

    def write(self) -> bool:
        """Writes the run file each second and at each change; returns whether it did."""
        record = self.record()
        if record == self._written:
            return False
        self._written, before, self._trouble = record, self._trouble, ""
        try:
            run_file.write(self._settings.data_dir, record)
        except OSError as error:
            self._trouble = f"cannot write the run file: {error.strerror}"
            if self._trouble != before:
                self._log.warning("disk", self._trouble)
        return True

    def record(self) -> SupervisorRecord:
        return SupervisorRecord(
            host=self._identity.host,
            place=self._place,
            pid=self._identity.pid,
            created=self._me.create_time(),
            birth=self._identity.birth,
            url=self.url,
            zookeeper=self._settings.hosts,
            ready=self.ready,
            instance=self._identity.instance,
            workers=self._settings.workers,
            processes=self._fleet.records(),
            requests=self._requests.progress,
            disks=self._disks(),
            at=float(int(self._now())),
        )

    def _disks(self) -> tuple[Disk, ...]:
        """Measures the disks once a second, however often the table changes."""
        second = int(self._now())
        if second != self._looked_at:
            self._looked_at, self._room = second, disk_space.of(self._settings.data_dir)
        return self._room


def before(data_dir: Path, taken: SupervisorRecord | None) -> Mapping[str, ProcessRecord]:
    """Finds the processes of the previous supervisor, `taken` over or killed, by name."""
    try:
        table = taken or run_file.read(data_dir)
    except ZkticketError:
        return {}
    return {process.name: process for process in table.processes}
