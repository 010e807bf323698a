"""The moment when a process began. With its pid it names the process for good.

The kernel counts the ticks from boot to a start, which no setting of the clock moves.
"""

import os
import socket
from pathlib import Path
from typing import Protocol

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# A field of /proc/PID/stat, counted after the name, which may hold anything.
START_FIELD = 19


class Identified(Protocol):
    """Names a process by its pid and `birth`, or `created` where there is no birth."""

    @property
    def pid(self) -> int | None: ...
    @property
    def created(self) -> float: ...
    @property
    def birth(self) -> str: ...


def birth(pid: int) -> str:
    """Returns the boot and the tick in which a process began; empty without one, or /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return f"{BOOT_ID.read_text().strip()}-{int(fields[START_FIELD])}"
    except OSError:
        return ""


def place() -> str:
    """Names the place where this process's pids are valid: a kernel's boot and a pid namespace.

    Two containers have pids of their own, and perhaps one hostname.
    """
    try:
        return f"{BOOT_ID.read_text().strip()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def shares_our_pids(pid: int) -> bool:
    """Whether it is in no container of its own; true where that can't be told."""
    try:
        return os.readlink(f"/proc/{pid}/ns/pid") == os.readlink("/proc/self/ns/pid")
    except OSError:
        return True
