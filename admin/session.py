"""An operator's connection to an instance."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core import process_identity, runfile
from core.errors import NotRunning, Unavailable
from core.models import SupervisorRecord
from core.process_birth import Identified
from core.secret import load_secret
from core.settings import Settings
from core.zk import ZooKeeper, connect

CONNECT_S = 5.0


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


def _anything_lives(record: SupervisorRecord) -> bool:
    meant: tuple[Identified, ...] = (record, *record.processes)
    return any(process_identity.living(each) for each in meant)
