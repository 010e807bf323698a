"""Asks an instance's supervisor for something, through ZooKeeper, and follows it to the end."""

import time
from asyncio import sleep
from collections.abc import Awaitable, Callable
from contextlib import suppress

from core.cluster import operator_requests
from core.errors import Unavailable, ZkticketError, ZooKeeperError
from core.schema.records import OperatorRequest, Progress, SupervisorRecord
from core.settings import Settings
from core.zookeeper.client import ZooKeeper

POLL_S = 0.1
# A supervisor that lives takes note within a moment; a new one needs its time to come up.
ANSWER_S = 10.0
# What the supervisor gives up by itself is heard a little later here.
GRACE_S = 5.0

Tell = Callable[[str], None]
Ask = Callable[[str], Awaitable[OperatorRequest]]


async def restart(
    zk: ZooKeeper, settings: Settings, machine: str, name: str | None, timeout_s: float, tell: Tell
) -> str:
    """Has one process restarted, or one worker after the other; says what was done.

    Raises `NotRunning`, `NoSuchProcess`, `ZkticketError` saying why not.
    """
    table = await operator_requests.supervisor_of(zk, settings, machine)
    return await _ask(
        zk, table, lambda id_: operator_requests.ask_restart(zk, table, id_, name, timeout_s), tell
    )


async def scale(
    zk: ZooKeeper, settings: Settings, machine: str, workers: int, timeout_s: float, tell: Tell
) -> str:
    """Has so many workers sell from now on. Raises as `restart` does."""
    table = await operator_requests.supervisor_of(zk, settings, machine)
    return await _ask(
        zk, table, lambda id_: operator_requests.ask_scale(zk, table, id_, workers, timeout_s), tell
    )


async def _ask(zk: ZooKeeper, table: SupervisorRecord, ask: Ask, tell: Tell) -> str:
    id_ = operator_requests.new_id()
    try:
        request = await ask(id_)
        return await _follow(zk, table.instance, request, tell)
    finally:
        # What nobody follows any more is withdrawn, unless it is being done.
        with suppress(ZooKeeperError):
            await operator_requests.withdraw(zk, table.instance, id_)


async def _follow(zk: ZooKeeper, instance: str, request: OperatorRequest, tell: Tell) -> str:
    """Waits for the end; says what was done. Raises `ZkticketError` with a reason why not."""
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
    """How far the request is; `None` also while ZooKeeper can't be asked."""
    with suppress(Unavailable):
        return await operator_requests.progress(zk, instance, request_id)
    return None
