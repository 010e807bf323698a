"""Asks an instance's supervisor for something, through ZooKeeper, and follows it to the end."""

import secrets
import socket
import time
from asyncio import sleep
from collections.abc import Callable, Sequence
from contextlib import suppress

from msgspec.structs import replace

from admin.session import note
from core import desired, registry, runfile
from core.errors import NotRunning, Unavailable, WrongUsage, ZkticketError, ZooKeeperError
from core.models import Desired, Progress, Request, SupervisorRecord
from core.settings import MOST_WORKERS, Settings
from core.zk import ZooKeeper

POLL_S = 0.1
# A supervisor that lives takes note within a moment; a new one needs its time to come up.
ANSWER_S = 10.0
# What the supervisor gives up by itself is heard a little later here.
GRACE_S = 5.0

Tell = Callable[[str], None]


async def restart(
    zk: ZooKeeper, settings: Settings, name: str | None, timeout_s: float, tell: Tell
) -> str:
    """Has one process restarted, or one worker after the other; what was done, for people.

    Raises `NotRunning`, `WrongUsage` for an unknown name, `ZkticketError` saying why not.
    """
    table = await _supervisor(zk, settings)
    names = (_known(table, name),) if name else ()
    await note(zk, "restart", f"by operator: {name or 'all workers, in turn'}")
    return await _ask(zk, table, _request("restart", timeout_s, names), _unchanged, tell)


async def scale(
    zk: ZooKeeper, settings: Settings, workers: int, timeout_s: float, tell: Tell
) -> str:
    """Has so many workers sell from now on. Raises as `restart` does."""
    if not 1 <= workers <= MOST_WORKERS:
        raise WrongUsage(f"{workers} workers cannot be had; from 1 to {MOST_WORKERS}")
    table = await _supervisor(zk, settings)

    def resized(before: Desired) -> Desired:
        return replace(before, workers=workers, instead_of=table.workers)

    await note(zk, "scale", f"by operator: {workers} workers")
    return await _ask(zk, table, _request("scale", timeout_s), resized, tell)


# --- whom to ask ---------------------------------------------------------------------


async def _supervisor(zk: ZooKeeper, settings: Settings) -> SupervisorRecord:
    """The supervisor of the data directory, or the only one there is."""
    tables = await registry.supervisors(zk)
    mine = [table for table in tables if table.instance == _instance(settings)] or tables
    living = [table for table in mine if not _is_dead(table)]
    if not living:
        raise NotRunning("no supervisor is at work; `up` starts one, and takes over what runs")
    if len({table.instance for table in living}) > 1:
        hosts = ", ".join(sorted({table.host for table in living}))
        raise ZkticketError(f"several supervisors share this ensemble; say it on one of: {hosts}")
    return max(living, key=lambda table: table.at)


def _instance(settings: Settings) -> str:
    return desired.instance_of(socket.gethostname(), settings.data_dir.resolve())


def _is_dead(table: SupervisorRecord) -> bool:
    """It was killed, and its registration waits for its session's end."""
    here = table.host == socket.gethostname()
    return here and runfile.living(table.pid, table.created) is None


def _known(table: SupervisorRecord, name: str) -> str:
    """The process that is meant. Raises `WrongUsage`."""
    names = {each.role: each.name for each in table.processes if each.role == "web"}
    names |= {each.name: each.name for each in table.processes if each.role in ("worker", "web")}
    if name not in names:
        raise WrongUsage(f"there is no process {name!r}; there are: {', '.join(sorted(names))}")
    return names[name]


# --- asking --------------------------------------------------------------------------


def _request(action: str, timeout_s: float, names: Sequence[str] = ()) -> Request:
    return Request(
        id=secrets.token_hex(8),
        action=action,
        names=tuple(names),
        timeout_s=timeout_s,
        at=round(time.time(), 3),
    )


def _unchanged(before: Desired) -> Desired:
    return before


async def _ask(
    zk: ZooKeeper,
    table: SupervisorRecord,
    request: Request,
    also: Callable[[Desired], Desired],
    tell: Tell,
) -> str:
    add = desired.asking(request)
    await desired.change(zk, table.instance, lambda before: add(also(before)))
    try:
        return await _follow(zk, table.instance, request, tell)
    finally:
        # Whoever follows no more wants it no more, unless it is being done.
        with suppress(ZooKeeperError):
            await desired.change(zk, table.instance, desired.without(request.id))


async def _follow(zk: ZooKeeper, instance: str, request: Request, tell: Tell) -> str:
    """What was done. Raises `ZkticketError` with the reason where it was not."""
    deadline = time.monotonic() + request.timeout_s + GRACE_S
    heard_at, told = time.monotonic(), ""
    while time.monotonic() < deadline:
        progress = await _progress(zk, instance, request.id)
        if progress is not None:
            heard_at = time.monotonic()
            if progress.state == "done":
                return progress.text
            if progress.state == "failed":
                raise ZkticketError(progress.text)
            if progress.text != told:
                told = progress.text
                tell(told)
        elif time.monotonic() - heard_at > ANSWER_S:
            raise ZkticketError("the supervisor does not answer; `status` shows how it is")
        await sleep(POLL_S)
    raise ZkticketError(f"not done within {request.timeout_s:.0f} s; `status` shows how it is")


async def _progress(zk: ZooKeeper, instance: str, request_id: str) -> Progress | None:
    """None while no supervisor has taken note of it, or none can be asked."""
    try:
        tables = await registry.supervisors(zk)
    except Unavailable:
        return None
    for table in tables:
        if table.instance == instance and not _is_dead(table):
            for progress in table.requests:
                if progress.id == request_id:
                    return progress
    return None
