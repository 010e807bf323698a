"""The registry of living workers, web servers and supervisors, each an ephemeral znode.

A registration's name carries a random incarnation, `worker-1.3fa9c1`, which is never
used twice. That makes it a fence: a transaction that checks it fails for good once the
registration is gone.
"""

import asyncio
import logging
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from typing import Generic, NamedTuple, TypeAlias

import msgspec

from core.errors import BadZnode, NoNode, Unavailable, ZooKeeperError
from core.machine.process_birth import Identified
from core.schema import paths
from core.schema.records import RecordT, WorkerRecord, decode, encode
from core.zookeeper.client import ZooKeeper
from core.zookeeper.watch import Watch, whenever_changed

REFRESH_S = 1.0


class Registration:
    """One process's registration: lost with the session, and then made anew."""

    def __init__(self, zk: ZooKeeper, name: str, path_of: Callable[[str], str]) -> None:
        self._zk = zk
        self._name = name
        self._path_of = path_of
        # When two tasks find the registration gone, they make one new one.
        self._lock = asyncio.Lock()
        self._left = False
        self.path = ""

    async def publish(self, record: msgspec.Struct) -> None:
        """Writes the record, under a new incarnation where there is no registration any more."""
        async with self._lock:
            if self._left:
                return
            with suppress(NoNode):
                if self.path:
                    await self._zk.set(self.path, encode(record))
                    return
            await self._enter(record)

    async def _enter(self, record: msgspec.Struct) -> None:
        path = self._path_of(f"{self._name}.{secrets.token_hex(3)}")
        await self._zk.ensure(paths.parent(path))
        # Kept even when the answer is lost: the next `publish` finds out whether it is there.
        self.path = path
        await self._zk.create(path, encode(record), ephemeral=True)

    def fence(self) -> str:
        """Returns the path that transactions check. Raises `Unavailable` where there is none."""
        if not self.path:
            raise Unavailable("this worker is not registered")
        return self.path

    async def leave(self) -> None:
        """Deletes the registration; no transaction that checks it commits from now on."""
        async with self._lock:
            self._left = True
            path, self.path = self.path, ""
            if path:
                with suppress(ZooKeeperError):
                    await self._zk.delete(path)


class Registered(NamedTuple, Generic[RecordT]):
    registration: str
    record: RecordT


LiveWorker: TypeAlias = Registered[WorkerRecord]


async def workers(zk: ZooKeeper) -> list[LiveWorker]:
    """Reads the registered workers; none before the tree is made."""
    return await present(zk, paths.WORKERS, WorkerRecord)


def watch_workers(zk: ZooKeeper) -> AsyncIterator[list[LiveWorker]]:
    """Yields the workers whenever one comes or goes, and every second for their load.

    While ZooKeeper is away it yields nothing: the last list stays good.
    """
    read = partial(_records, zk, paths.WORKERS, WorkerRecord)
    return whenever_changed(zk, read, REFRESH_S)


def is_of(record: WorkerRecord, instance: str, process: Identified) -> bool:
    """Whether that process of that instance registered the worker.

    On another host there may be a worker with the same name and the same pid.
    """
    if not record.instance:  # an earlier version's
        return record.host == socket.gethostname() and record.pid == process.pid
    registered = (record.instance, record.pid, record.birth)
    return registered == (instance, process.pid, process.birth)


async def expel(zk: ZooKeeper, instance: str, process: Identified) -> bool:
    """Deletes the registration of a worker process that is dead, and so fences what it sent."""
    expelled = False
    for worker in await workers(zk):
        if is_of(worker.record, instance, process):
            with suppress(NoNode):
                await zk.delete(paths.worker(worker.registration))
                expelled = True
    return expelled


async def present(zk: ZooKeeper, parent: str, kind: type[RecordT]) -> list[Registered[RecordT]]:
    """Lists the records below `parent` by their registrations; none without a tree."""
    try:
        return await _records(zk, parent, kind, None)
    except NoNode:
        return []


async def _records(
    zk: ZooKeeper, parent: str, kind: type[RecordT], watch: Watch | None
) -> list[Registered[RecordT]]:
    names = await zk.children(parent, watch)
    found: list[Registered[RecordT]] = []
    for znode in await zk.get_many([f"{parent}/{name}" for name in names]):
        try:
            if znode is not None:
                record = decode(kind, znode.data, znode.path)
                found.append(Registered(paths.name(znode.path), record))
        except BadZnode as error:
            logging.getLogger("zkticket.registry").warning("%s", error)
    return found
