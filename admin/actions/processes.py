"""`restart` and `scale`: asks a supervisor through ZooKeeper, and waits for the end."""

import time
from asyncio import sleep
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import typer

from admin.zookeeper_session import with_session
from core.cluster import desired_state, operator_requests
from core.errors import Unavailable, ZkticketError, ZooKeeperError
from core.machine import streams
from core.schema.records import OperatorRequest, Progress, SupervisorRecord
from core.settings import Settings
from core.zookeeper.client import ZooKeeper

POLL_S = 0.1
# A living supervisor takes note within a moment; a new one needs some time to start.
ANSWER_S = 10.0
# A timeout at the supervisor is seen a little later here.
GRACE_S = 5.0

Ask = Callable[[ZooKeeper, SupervisorRecord, str], Awaitable[OperatorRequest]]


def restart(settings: Settings, machine: str, name: str | None, timeout_s: float) -> None:
    """Has one process restarted, or one worker after the other."""
    ask = partial(operator_requests.ask_restart, name=name, timeout_s=timeout_s)
    streams.tell(with_session(settings, lambda zk: _done(zk, settings, machine, ask)))


def scale(settings: Settings, machine: str, workers: int, timeout_s: float) -> None:
    ask = partial(operator_requests.ask_scale, workers=workers, timeout_s=timeout_s)
    streams.tell(with_session(settings, lambda zk: _done(zk, settings, machine, ask)))


async def _done(zk: ZooKeeper, settings: Settings, machine: str, ask: Ask) -> str:
    """Asks, waits for the end and says what was done.

    Raises `NotRunning`, `NoSuchProcess`, and `ZkticketError` with the reason why it was not done.
    """
    table = await operator_requests.supervisor_of(zk, settings, machine)
    id_ = operator_requests.new_id()
    try:
        request = await ask(zk, table, id_)
        return await _follow(zk, table.instance, request)
    finally:
        # A request that nobody follows any more is withdrawn, unless it is being done.
        with suppress(ZooKeeperError):
            await desired_state.withdraw(zk, table.instance, id_)


async def _follow(zk: ZooKeeper, instance: str, request: OperatorRequest) -> str:
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
                typer.echo(f"waiting: {told}", err=True)
        elif time.monotonic() - heard_at > ANSWER_S:
            raise ZkticketError("the supervisor does not answer; `status` shows how it is")
        await sleep(POLL_S)
    raise ZkticketError(f"not done within {request.timeout_s:.0f} s; `status` shows how it is")


async def _progress(zk: ZooKeeper, instance: str, request_id: str) -> Progress | None:
    """Returns the progress; `None` also while ZooKeeper can't be asked."""
    with suppress(Unavailable):
        return await operator_requests.progress(zk, instance, request_id)
    return None
