"""How many files and connections a process may have open, and what a box office needs of them."""

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
    """As many as the system lets this process have; how many that is."""
    most = allowed()
    if most != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def require() -> None:
    """As many as the system allows. Raises `StartupError` where not even a start gets by."""
    most = raise_limit()
    if 0 <= most < RESERVE:
        raise StartupError(f"this user may have {most} open files only; {ADVICE[errno.EMFILE]}")


def allowed() -> int:
    """How many this process, and whatever it starts, could have."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def connections(limit: int) -> int:
    """So many visitors leave room for the rest: a server that can open nothing more turns in
    circles, and sells nothing.
    """
    if limit == resource.RLIM_INFINITY:
        return CONNECTIONS
    return max(FEWEST, min(CONNECTIONS, limit - RESERVE))


def strangers(limit: int) -> int:
    """So many connections that have proved nothing leave room for those that have."""
    if limit == resource.RLIM_INFINITY:
        return STRANGERS
    return max(FEWEST, min(STRANGERS, limit // STRANGERS_SHARE))


def shortage_reason(limit: int) -> str:
    """What a low limit means, and what to do; nothing where it is high enough."""
    most = connections(limit)
    if most == CONNECTIONS:
        return ""
    return (
        f"a web server serves {most} connections at once, since a process may have only {limit} "
        f"files open; for {CONNECTIONS}, let it have {CONNECTIONS + RESERVE}: "
        f"`ulimit -Hn {CONNECTIONS + RESERVE}`, LimitNOFILE= of systemd, --ulimit of containers"
    )
