"""Operators' requests to an instance's supervisor, and their progress."""

import secrets
import time
from collections import Counter
from collections.abc import Sequence

from core.cluster import desired_state, instance_id, supervisors
from core.errors import NoSuchProcess, NotRunning, WrongUsage, ZkticketError
from core.eventlog.audit import SOURCE, note
from core.schema.records import OperatorRequest, Progress, SupervisorRecord
from core.settings import MOST_WORKERS, Settings
from core.zookeeper.client import ZooKeeper

SERVERS = "zookeeper"
SUPERVISOR = "supervisor"
GROUPS = ("web", SERVERS)
# With fewer, the remaining ones are no majority.
LEAST_SERVERS = 3
ALL_WORKERS = "all workers, in turn"


async def supervisor_of(zk: ZooKeeper, settings: Settings, machine: str = "") -> SupervisorRecord:
    """Finds the supervisor on that machine, which is a hostname or an instance's id.

    Without one it finds that of the data directory, or the only one where nothing was started from
    there. Raises `NotRunning` where it is not at work, and `ZkticketError` where several could be
    meant.
    """
    own = instance_id.load(settings.data_dir)
    living = await supervisors.living(zk)
    if machine:
        meant = [table for table in living if machine in (table.host, table.instance)]
        missing = f"no supervisor is at work on {machine}"
    elif own:
        meant = [table for table in living if table.instance == own]
        missing = f"the supervisor of {settings.data_dir} is not at work; `up` starts it"
    else:
        meant = living
        missing = "no supervisor is at work; `up` starts one, and takes over what runs"
    if not meant:
        raise NotRunning(missing + _others(living))
    if len({table.instance for table in meant}) > 1:
        raise ZkticketError(f"several supervisors could be meant{_others(meant)}")
    return max(meant, key=lambda table: table.at)


def _others(tables: Sequence[SupervisorRecord]) -> str:
    """Says which instances may be named; nothing for none."""
    hosts = Counter(table.host for table in tables)
    names = {table.host if hosts[table.host] == 1 else table.instance for table in tables}
    return f"; with --machine you may name {' or '.join(sorted(names))}" if names else ""


def known(table: SupervisorRecord, name: str) -> tuple[str, ...]:
    """Names the meant processes. Raises `NoSuchProcess`, `ZkticketError` for too few servers."""
    names: dict[str, tuple[str, ...]] = {
        name: (name,) for name in (SUPERVISOR, *(each.name for each in table.processes))
    }
    for role in GROUPS:
        if group := tuple(each.name for each in table.processes if each.role == role):
            names[role] = group
    if name not in names:
        raise NoSuchProcess(f"there is no process {name!r}; there are: {', '.join(sorted(names))}")
    if name == SERVERS and len(names[name]) < LEAST_SERVERS:
        raise ZkticketError(
            "the sale would pause: so few ZooKeeper servers have no quorum while one restarts; "
            f"name one to have it all the same, as in `restart {names[name][0]}`"
        )
    return names[name]


def new_id() -> str:
    """Makes a request's id: a request that is sent twice is done once."""
    return secrets.token_hex(8)


async def ask_restart(
    zk: ZooKeeper,
    table: SupervisorRecord,
    id_: str,
    name: str | None,
    timeout_s: float,
    by: str = SOURCE,
) -> OperatorRequest:
    """Asks for a restart of one process, or of one worker after the other. Does not wait for it.

    Raises `NoSuchProcess`, `ZkticketError` for too few servers, `ZooKeeperError`.
    """
    names = known(table, name) if name else ()
    await note(zk, "restart", f"by {by}: {name or ALL_WORKERS}")
    return await desired_state.ask(zk, table.instance, _request(id_, "restart", timeout_s, names))


async def ask_scale(
    zk: ZooKeeper,
    table: SupervisorRecord,
    id_: str,
    workers: int,
    timeout_s: float,
    by: str = SOURCE,
) -> OperatorRequest:
    """Asks for so many workers from now on. Raises as `ask_restart` does."""
    if not 1 <= workers <= MOST_WORKERS:
        raise WrongUsage(f"there can be 1 to {MOST_WORKERS} workers, not {workers}")
    await note(zk, "scale", f"by {by}: {workers} workers")
    request = _request(id_, "scale", timeout_s)
    return await desired_state.ask(
        zk, table.instance, request, workers=workers, instead_of=table.workers
    )


def _request(
    id_: str, action: str, timeout_s: float, names: tuple[str, ...] = ()
) -> OperatorRequest:
    at = round(time.time(), 3)
    return OperatorRequest(id=id_, action=action, names=names, timeout_s=timeout_s, at=at)


async def progress(zk: ZooKeeper, instance: str, request_id: str) -> Progress | None:
    """Returns a request's progress; None before a supervisor knows it. Raises `ZooKeeperError`."""
    tables = await supervisors.living(zk)
    told = (each for table in tables if table.instance == instance for each in table.requests)
    return next((each for each in told if each.id == request_id), None)
