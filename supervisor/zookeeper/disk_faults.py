"""Restarts ZooKeeper servers that could not write, before they go on from memory.

A server whose disk was full for a moment joins the others again in the same process, and goes on
with its log behind a hole: its next start loses what belongs there (ZOOKEEPER-4882, open in 3.9.5).
Killed before, it starts from its log, which is whole, and gets the rest from the leader. While its
disk stays full it dies again and again, and is given up; it is started again once there is room.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from core.machine import disk_space
from supervisor import log_rotation
from supervisor.processes.child import Child, ChildState

# A server's line after the death of the thread that writes its log. It says the same of the thread
# that talks to a leader that has died: that is no fault of its own.
SEVERE = b"Severe unrecoverable error, from thread : SyncThread"
WHY = "it could not write to its disk"
ROOM = "there is room on its disk again"
TIME_LETTERS = len("2026-01-01T00:00:00.000+0000")


class ServerLog:
    """A server's log, read on from the last position."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_to = 0

    def severe_news(self) -> list[float]:
        """Reads on; returns the times, in Unix seconds, at which the server could not write."""
        return [_time_of(line) for line in self._news() if SEVERE in line]

    def _news(self) -> list[bytes]:
        """Reads whole lines; after a rotation, the rest of the earlier file as well."""
        lines: list[bytes] = []
        try:
            if self._path.stat().st_size < self._read_to:
                self._read_to = 0
                with suppress(FileNotFoundError):
                    lines = _read(log_rotation.aside(self._path)).splitlines()
            whole, end, _ = _read(self._path, self._read_to).rpartition(b"\n")
        except OSError:
            return lines
        self._read_to += len(whole) + len(end)
        return lines + whole.splitlines()


def _read(path: Path, start: int = 0) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read()


@dataclass(eq=False)
class Disks:
    """Watches the servers' logs; `_clock` is that of the children's deadlines."""

    _clock: Callable[[], float]
    _is_full: Callable[[Path], bool] = disk_space.is_full
    _logs: dict[int, ServerLog] = field(default_factory=dict)
    # The servers that were given up while their disk was full, by name.
    _waiting: set[str] = field(default_factory=set)

    def restart(self, servers: Iterable[Child]) -> bool:
        """Restarts servers that could not write, without draining, and those that were given up
        and whose full disk has room now. Returns whether there was one.
        """
        restarted = False
        for server in servers:
            if self._has_failed(server):
                server.restart(WHY, self._clock())
            elif self._has_room_again(server):
                self._waiting.discard(server.plan.name)
                server.restart(ROOM, self._clock(), asked=True)
            else:
                continue
            restarted = True
        return restarted

    def _has_room_again(self, server: Child) -> bool:
        if server.state is not ChildState.FATAL:
            return False
        if self._is_full(data_of(server)):
            self._waiting.add(server.plan.name)
            return False
        return server.plan.name in self._waiting

    def _has_failed(self, server: Child) -> bool:
        process = server.process
        if process is None or server.state is ChildState.DRAINING:
            return False
        log = self._logs.setdefault(process.pid, ServerLog(server.plan.log))
        # Lines from before this process's start are another process's.
        return any(at >= process.created for at in log.severe_news())


def data_of(server: Child) -> Path:
    """The folder of its log and snapshots: beside its configuration, its last argument."""
    return Path(server.plan.argv[-1]).parent / "data"


def _time_of(line: bytes) -> float:
    """Reads the time of a line, in Unix seconds; 0 where it does not begin with one."""
    try:
        return datetime.fromisoformat(line[:TIME_LETTERS].decode()).timestamp()
    except ValueError:
        return 0.0
