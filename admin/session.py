"""An operator's connection to an instance, and the note of what was done over it."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core import runfile
from core.errors import NotRunning, Unavailable
from core.logs import EventLog
from core.models import SupervisorRecord
from core.secret import load_secret
from core.settings import Settings
from core.zk import ZooKeeper, connect

CONNECT_S = 5.0
NOTE_TRIES = 3
SOURCE = "operator"


@asynccontextmanager
async def session(settings: Settings) -> AsyncIterator[ZooKeeper]:
    """A connected client of the instance in the data directory, or of `--zookeeper`.

    Raises `NotRunning`, `Unavailable`, `AccessDenied`, and `StartupError` without a secret.
    """
    hosts = runfile.hosts(settings.data_dir, settings.zookeeper)
    secret = load_secret(settings.data_dir)
    try:
        zk = await connect(hosts, secret.zookeeper_password, timeout_s=CONNECT_S)
    except Unavailable:
        if settings.zookeeper or _anything_lives(runfile.read(settings.data_dir)):
            raise
        raise NotRunning(f"nothing is running in {settings.data_dir}; start it with `up`") from None
    try:
        yield zk
    finally:
        await zk.close()


async def note(zk: ZooKeeper, event: str, text: str) -> None:
    """Writes an operator's act into the log. Raises `ZooKeeperError`."""
    log = EventLog(SOURCE, time.time)
    await log.load(zk)
    log.info(event, text)
    for _ in range(NOTE_TRIES):  # another operator may write at the same moment
        if log.waiting:
            await log.flush(zk)


def _anything_lives(record: SupervisorRecord) -> bool:
    processes = [(process.pid, process.created) for process in record.processes]
    return any(
        runfile.living(pid, created) for pid, created in [(record.pid, record.created), *processes]
    )
