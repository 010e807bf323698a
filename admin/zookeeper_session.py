"""An operator's connection to an instance."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from core.cluster import run_file
from core.cluster_secret import load_secret
from core.errors import NotRunning, Unavailable
from core.machine import process_identity
from core.machine.process_birth import Identified
from core.schema.records import SupervisorRecord
from core.settings import Settings
from core.zookeeper.client import ZooKeeper, connect

CONNECT_S = 5.0

T = TypeVar("T")


def with_session(settings: Settings, act: Callable[[ZooKeeper], Awaitable[T]]) -> T:
    """Runs the act over a session of its own. Raises as `session` does."""

    async def over_a_session() -> T:
        async with session(settings) as zk:
            return await act(zk)

    return asyncio.run(over_a_session())


@asynccontextmanager
async def session(settings: Settings) -> AsyncIterator[ZooKeeper]:
    """A connected client of the instance in the data directory, or of `--zookeeper`.

    Raises `NotRunning`, `Unavailable`, `AccessDenied`, and `StartupError` without a secret.
    """
    hosts = run_file.hosts(settings.data_dir, settings.zookeeper)
    secret = load_secret(settings.data_dir)
    try:
        zk = await connect(hosts, secret.zookeeper_password, timeout_s=CONNECT_S)
    except Unavailable:
        if settings.zookeeper or _anything_lives(run_file.read(settings.data_dir)):
            raise
        raise NotRunning(f"nothing is running in {settings.data_dir}; start it with `up`") from None
    try:
        yield zk
    finally:
        await zk.close()


def _anything_lives(record: SupervisorRecord) -> bool:
    meant: tuple[Identified, ...] = (record, *record.processes)
    return any(process_identity.living(each) for each in meant)
