"""Finds a recorded process among those that live now.

Its birth tells it apart. psutil's `create_time` adds the ticks to the time of the boot, which moves
whenever the system clock is set.
"""

import psutil

from core.machine.process_birth import Identified, birth

# Where the kernel tells no birth, create_time has to be as near as this.
SAME_S = 1.0
FROZEN = (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)


def living(meant: Identified) -> psutil.Process | None:
    """Returns the process, unless it has ended or is a zombie."""
    found = _bearer(meant.pid)
    return found if found is not None and _is_same(found, meant) else None


def is_frozen(meant: Identified) -> bool:
    """Whether it lives, but is stopped by SIGSTOP or a debugger."""
    found = living(meant)
    try:
        return found is not None and found.status() in FROZEN
    except psutil.NoSuchProcess:
        return False


def is_replaced(meant: Identified) -> bool:
    """Whether another process lives under its pid now."""
    found = _bearer(meant.pid)
    return found is not None and not _is_same(found, meant)


def _bearer(pid: int | None) -> psutil.Process | None:
    """Returns whichever process has that pid."""
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
