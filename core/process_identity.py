"""Which process is meant: a pid is used again, the birth of a process is not.

The kernel counts the ticks from boot to a start. psutil's `create_time` adds them to the time of
the boot, which moves whenever the system clock is set.
"""

import os
import socket
from pathlib import Path
from typing import Protocol

import psutil

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# Of /proc/PID/stat, counted from the one behind the name, which may hold anything.
START_FIELD = 19
# Where the kernel tells no birth, create_time has to be as near as this.
SAME_S = 1.0


class Identified(Protocol):
    """What names a process: `birth` does with the pid, and `created` where there is no birth."""

    @property
    def pid(self) -> int | None: ...
    @property
    def created(self) -> float: ...
    @property
    def birth(self) -> str: ...


def birth(pid: int) -> str:
    """The boot and the tick in which a process began; empty without one, or without /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return f"{BOOT_ID.read_text().strip()}-{int(fields[START_FIELD])}"
    except OSError:
        return ""


def place() -> str:
    """Where pids mean what they mean to this process: a boot of a kernel, a namespace of pids.

    Two containers have pids of their own, and perhaps one hostname.
    """
    try:
        return f"{BOOT_ID.read_text().strip()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def shares_our_pids(pid: int) -> bool:
    """It is in no container of its own; true where that is not to be seen."""
    try:
        return os.readlink(f"/proc/{pid}/ns/pid") == os.readlink("/proc/self/ns/pid")
    except OSError:
        return True


def living(meant: Identified) -> psutil.Process | None:
    """The process that is meant, unless it has ended or is a zombie."""
    found = _bearer(meant.pid)
    return found if found is not None and _is_same(found, meant) else None


def is_replaced(meant: Identified) -> bool:
    """Another process lives under the pid of the one that is meant."""
    found = _bearer(meant.pid)
    return found is not None and not _is_same(found, meant)


def _bearer(pid: int | None) -> psutil.Process | None:
    """Who lives under that pid."""
    if pid is None:
        return None
    try:
        process = psutil.Process(pid)
        return process if process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def _is_same(found: psutil.Process, meant: Identified) -> bool:
    if meant.birth:
        return birth(found.pid) == meant.birth
    try:
        return bool(abs(found.create_time() - meant.created) <= SAME_S)
    except psutil.NoSuchProcess:
        return False
