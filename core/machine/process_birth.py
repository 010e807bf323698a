"""When a process began, which with its pid names it for good: a pid is used again.

The kernel counts the ticks from boot to a start, which no setting of the clock moves.
"""

import os
import socket
from pathlib import Path
from typing import Protocol

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# Of /proc/PID/stat, counted from the one behind the name, which may hold anything.
START_FIELD = 19


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
