"""The supervisor as a node of the cluster: it registers, and follows workers and wishes."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from core.cluster import alarms, desired_state, instance_id, registry, supervisors
from core.cluster.node import Node
from core.cluster.registry import LiveWorker
from core.errors import BadZnode, StartupError, ZooKeeperError
from core.eventlog.ring import EventLog
from core.machine.process_birth import Identified
from core.schema import paths
from core.schema.records import Desired, SupervisorRecord
from core.zookeeper import lost_answers
from core.zookeeper.client import ZooKeeper

T = TypeVar("T")

NAME = "supervisor"
REFRESH_S = 1.0
EXPEL_S = 3.0
LEAVE_S = 3.0
# A living supervisor writes its registration again within this, however busy it is.
ALONE_S = 3 * REFRESH_S


class Membership:
    """Begins once ZooKeeper answers; what fails while it is away is tried again later."""

    def __init__(self, zk: ZooKeeper, log: EventLog, instance: str) -> None:
        self._zk = zk
        self._instance = instance
        self._log = log
        self._node = Node(zk, log, NAME, paths.supervisor)

    async def keep(
        self,
        record: Callable[[], SupervisorRecord],
        on_workers: Callable[[list[LiveWorker]], None],
        on_desired: Callable[[Desired], None],
        remembered: Callable[[], Desired],
    ) -> None:
        """Publishes and listens until it is cancelled.

        `remembered` is what was desired before, as far as this instance knows.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._publish(record))
            tasks.create_task(self._follow(partial(registry.watch_workers, self._zk), on_workers))
            wishes = partial(desired_state.watch, self._zk, self._instance, remembered)
            tasks.create_task(self._follow(wishes, on_desired))

    async def require_alone(self) -> None:
        """Checks, before anything is published, that no other supervisor has this identity.

        A killed supervisor has left a registration, but writes it no more. Raises `StartupError`.
        """
        deadline = time.monotonic() + ALONE_S
        rivals = partial(supervisors.living_of, self._zk, self._instance)
        before = await lost_answers.read(self._zk, rivals)
        while before and time.monotonic() < deadline:
            await asyncio.sleep(REFRESH_S / 4)
            for name, rival in (await lost_answers.read(self._zk, rivals)).items():
                if name in before and rival.at != before[name].at:
                    raise StartupError(
                        f"the supervisor of this instance lives on {rival.host}, pid {rival.pid}: "
                        f"this data directory is a copy; delete {instance_id.FILE_NAME} in it to "
                        "make it an instance of its own"
                    )

    def changed(self) -> None:
        """Publishes the changed record now."""
        self._node.changed()

    async def alarm(self) -> str:
        """Returns why nobody may sell; empty where no alarm stands, or nobody knows."""
        with suppress(ZooKeeperError):
            for alarm in await alarms.standing(self._zk):
                return alarm.text
        return ""

    async def expel(self, process: Identified) -> None:
        """Deletes a dead worker's registration, which fences its last transactions.

        Best effort: where it fails, the session's end does the same later.
        """
        with suppress(ZooKeeperError, TimeoutError):
            async with asyncio.timeout(EXPEL_S):
                await registry.expel(self._zk, self._instance, process)

    async def forget(self, request_id: str) -> None:
        """Removes a request that is over from the desired state.

        Best effort: this supervisor knows that it is over, for as long as it lives.
        """
        with suppress(ZooKeeperError, BadZnode):
            await desired_state.withdraw(self._zk, self._instance, request_id)

    async def leave(self) -> None:
        """Writes the rest of the log and ends the session, within `LEAVE_S`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_S):
                await self._node.leave()
                await self._zk.close()

    async def _publish(self, record: Callable[[], SupervisorRecord]) -> None:
        with suppress(ZooKeeperError, BadZnode):
            await supervisors.bury(self._zk, self._instance)
        await self._node.keep(record)

    async def _follow(
        self, watch: Callable[[], AsyncIterator[T]], hear: Callable[[T], None]
    ) -> None:
        told = ""
        while True:
            try:
                async for news in watch():
                    hear(news)
            except (ZooKeeperError, BadZnode) as error:
                if isinstance(error, BadZnode) and str(error) != told:
                    told = str(error)
                    self._log.error("damaged", told)
            await asyncio.sleep(REFRESH_S)
