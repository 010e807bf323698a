"""The supervisors that are registered, with their process tables."""

from contextlib import suppress

from core.cluster.registry import Registered, present
from core.errors import NoNode
from core.machine import process_birth, process_identity
from core.schema import paths
from core.schema.records import SupervisorRecord
from core.zookeeper.client import ZooKeeper


async def living(zk: ZooKeeper) -> list[SupervisorRecord]:
    """Reads the process tables of the registered supervisors that are not known to be dead."""
    return [record for _, record in await _supervisors(zk) if not is_dead(record)]


async def living_of(zk: ZooKeeper, instance: str) -> dict[str, SupervisorRecord]:
    """Finds one instance's supervisors that may live, by the names of their registrations."""
    found = await _supervisors(zk)
    return {name: each for name, each in found if each.instance == instance and not is_dead(each)}


def is_dead(record: SupervisorRecord) -> bool:
    """Whether it was killed and its registration waits for the end of the session.

    Only a process at the same place can tell.
    """
    return record.place == process_birth.place() and process_identity.living(record) is None


async def bury(zk: ZooKeeper, instance: str) -> None:
    """Deletes the registrations of supervisors that were killed: their tables are history.

    `instance` is one whose supervisor is known to be dead, wherever it ran.
    """
    for name, record in await _supervisors(zk):
        if record.instance == instance or is_dead(record):
            with suppress(NoNode):
                await zk.delete(paths.supervisor(name))


async def _supervisors(zk: ZooKeeper) -> list[Registered[SupervisorRecord]]:
    return await present(zk, paths.SUPERVISORS, SupervisorRecord)
