"""Limits of open files and connections, and how many of them a sale needs."""

import errno
import resource

from core.errors import StartupError
from core.machine.system_errors import ADVICE

# Visitors of a web server at once, idle ones too.
CONNECTIONS = 8192
# What else it has open: ZooKeeper, a link to each worker, its log, its libraries.
RESERVE = 128
FEWEST = 16
# Connections to a worker that have not proved themselves: a web or supervisor does so within
# milliseconds, and all of them connect anew when a worker starts.
STRANGERS = 128
STRANGERS_SHARE = 4


def raise_limit() -> int:
    """Raises the limit as far as the system allows; returns it."""
    most = allowed()
    if most != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def require() -> None:
    """Raises the limit; raises `StartupError` where it is too low even for a start."""
    most = raise_limit()
    if 0 <= most < RESERVE:
        raise StartupError(f"this user may have {most} open files only; {ADVICE[errno.EMFILE]}")


def allowed() -> int:
    """Returns the most that this process and its children could have."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def connections(limit: int) -> int:
    """Returns how many visitors leave room for the rest: a server that can open nothing more
    turns in circles, and sells nothing.
    """
    if limit == resource.RLIM_INFINITY:
        return CONNECTIONS
    return max(FEWEST, min(CONNECTIONS, limit - RESERVE))


def strangers(limit: int) -> int:
    """Returns how many unproven connections leave room for the proven ones."""
    if limit == resource.RLIM_INFINITY:
        return STRANGERS
    return max(FEWEST, min(STRANGERS, limit // STRANGERS_SHARE))


def shortage_reason(limit: int) -> str:
    """Says what a low limit means and what to do; empty where it is high enough."""
    most = connections(limit)
    if most == CONNECTIONS:
        return ""
    return (
        f"a web server serves {most} connections at once, since a process may have only {limit} "
        f"files open; for {CONNECTIONS}, let it have {CONNECTIONS + RESERVE}: "
        f"`ulimit -Hn {CONNECTIONS + RESERVE}`, LimitNOFILE= of systemd, --ulimit of containers"
    )
