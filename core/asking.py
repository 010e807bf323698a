"""What operators ask of an instance's supervisor: whom, for what, and how far it has come."""

import secrets
import socket
import time
from collections.abc import Callable

from msgspec.structs import replace

from core import desired, process_identity, registry
from core.errors import NoSuchProcess, NotRunning, WrongUsage, ZkticketError
from core.models import Desired, Progress, Request, SupervisorRecord
from core.notes import note
from core.settings import MOST_WORKERS, Settings
from core.zk import ZooKeeper

ALL_WORKERS = "all workers, in turn"


async def supervisor_of(zk: ZooKeeper, settings: Settings) -> SupervisorRecord:
    """The supervisor of the data directory, or the only one there is.

    Raises `NotRunning`, and `ZkticketError` where it could be several.
    """
    tables = await registry.supervisors(zk)
    mine = [table for table in tables if table.instance == _instance(settings)] or tables
    living = [table for table in mine if not _is_dead(table)]
    if not living:
        raise NotRunning("no supervisor is at work; `up` starts one, and takes over what runs")
    if len({table.instance for table in living}) > 1:
        hosts = ", ".join(sorted({table.host for table in living}))
        raise ZkticketError(f"several supervisors share this ensemble; say it on one of: {hosts}")
    return max(living, key=lambda table: table.at)


def known(table: SupervisorRecord, name: str) -> str:
    """The process that is meant. Raises `NoSuchProcess`."""
    names = {each.role: each.name for each in table.processes if each.role == "web"}
    names |= {each.name: each.name for each in table.processes if each.role in ("worker", "web")}
    if name not in names:
        raise NoSuchProcess(f"there is no process {name!r}; there are: {', '.join(sorted(names))}")
    return names[name]


def new_id() -> str:
    """What a request is called: the same one made twice is done once."""
    return secrets.token_hex(8)


async def ask_restart(
    zk: ZooKeeper, table: SupervisorRecord, id_: str, name: str | None, timeout_s: float
) -> Request:
    """Has one process restarted, or one worker after the other. Returns before it is done.

    Raises `NoSuchProcess`, `ZooKeeperError`.
    """
    names = (known(table, name),) if name else ()
    await note(zk, "restart", f"by operator: {name or ALL_WORKERS}")
    return await _ask(zk, table, _request(id_, "restart", timeout_s, names), _unchanged)


async def ask_scale(
    zk: ZooKeeper, table: SupervisorRecord, id_: str, workers: int, timeout_s: float
) -> Request:
    """Has so many workers sell from now on. Raises as `ask_restart` does."""
    if not 1 <= workers <= MOST_WORKERS:
        raise WrongUsage(f"{workers} workers cannot be had; from 1 to {MOST_WORKERS}")

    def resized(before: Desired) -> Desired:
        return replace(before, workers=workers, instead_of=table.workers)

    await note(zk, "scale", f"by operator: {workers} workers")
    return await _ask(zk, table, _request(id_, "scale", timeout_s), resized)


async def progress(zk: ZooKeeper, instance: str, request_id: str) -> Progress | None:
    """None while no supervisor has taken note of it. Raises `ZooKeeperError`."""
    for table in await registry.supervisors(zk):
        if table.instance == instance and not _is_dead(table):
            for found in table.requests:
                if found.id == request_id:
                    return found
    return None


async def withdraw(zk: ZooKeeper, instance: str, request_id: str) -> None:
    """Takes a request back, unless it is being done. Raises `ZooKeeperError`."""
    await desired.change(zk, instance, desired.without(request_id))


async def _ask(
    zk: ZooKeeper, table: SupervisorRecord, request: Request, also: Callable[[Desired], Desired]
) -> Request:
    add = desired.asking(request)
    await desired.change(zk, table.instance, lambda before: add(also(before)))
    return request


def _request(id_: str, action: str, timeout_s: float, names: tuple[str, ...] = ()) -> Request:
    return Request(
        id=id_, action=action, names=names, timeout_s=timeout_s, at=round(time.time(), 3)
    )


def _unchanged(before: Desired) -> Desired:
    return before


def _instance(settings: Settings) -> str:
    return desired.instance_of(socket.gethostname(), settings.data_dir.resolve())


def _is_dead(table: SupervisorRecord) -> bool:
    """It was killed, and its registration waits for its session's end."""
    here = table.host == socket.gethostname()
    return here and process_identity.living(table) is None
