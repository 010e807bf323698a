"""A process of the cluster: its identity, session with ZooKeeper, registration and log."""

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress

import msgspec

from core.cluster.registry import Registration
from core.cluster_secret import Secret
from core.errors import ZooKeeperError
from core.eventlog.ring import EventLog, Owner
from core.machine import process_birth
from core.settings import Settings
from core.zookeeper.client import ZooKeeper

PUBLISH_S = 1.0
# The log may wait for a commit in doubt; a process that ends waits no longer than this.
FLUSH_S = 2.0


class Identity(msgspec.Struct, frozen=True):
    """The identity of a process; `birth` tells it from one that had its pid before."""

    name: str
    instance: str
    host: str
    pid: int
    birth: str

    @classmethod
    def from_instance(cls, name: str, instance: str) -> "Identity":
        """Names this very process, in that instance."""
        pid = os.getpid()
        return cls(name, instance, socket.gethostname(), pid, process_birth.birth(pid))

    def make_log(self, now: Callable[[], float]) -> EventLog:
        return EventLog(self.name, now, Owner(self.instance, self.host))


class Node:
    """Publishes and logs for a process while ZooKeeper is there, and waits while it is away."""

    def __init__(
        self, zk: ZooKeeper, log: EventLog, name: str, path_of: Callable[[str], str]
    ) -> None:
        """Takes the `path_of` a registration by its name."""
        self.zk = zk
        self.log = log
        self.registration = Registration(zk, name, path_of)
        self._changed = asyncio.Event()

    @property
    def is_registered(self) -> bool:
        return bool(self.registration.path)

    def changed(self) -> None:
        """Has the record published at once."""
        self._changed.set()

    async def keep(self, record: Callable[[], msgspec.Struct]) -> None:
        """Publishes each second and at each change, and writes the log, until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_publishing(record))
            tasks.create_task(self.log.keep_flushing(self.zk))

    async def _keep_publishing(self, record: Callable[[], msgspec.Struct]) -> None:
        while True:
            self._changed.clear()
            with suppress(ZooKeeperError):
                await self.registration.publish(record())
            with suppress(TimeoutError):
                async with asyncio.timeout(PUBLISH_S):
                    await self._changed.wait()

    async def leave(self) -> None:
        """Writes the rest of the log, within `FLUSH_S`, and takes the registration back."""
        with suppress(ZooKeeperError, TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                await self.log.flush(self.zk)
        await self.registration.leave()


def make_session(settings: Settings, secret: Secret) -> ZooKeeper:
    """Makes the session of an instance's process; `start` begins it."""
    return ZooKeeper(settings.hosts, secret.zookeeper_password, session_s=settings.session_s)
