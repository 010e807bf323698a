"""The desired state: what operators want of an instance, kept in ZooKeeper.

Commands write it, from any machine; the instance's supervisor watches it and acts.
"""

from collections.abc import AsyncIterator, Callable
from functools import partial

from msgspec.structs import replace

from core.errors import NoNode
from core.schema import paths
from core.schema.records import Desired, OperatorRequest, decode, encode
from core.zookeeper import lost_answers
from core.zookeeper.client import ZooKeeper
from core.zookeeper.multi import Create
from core.zookeeper.watch import Watch, whenever_changed

REFRESH_S = 2.0


async def ask(
    zk: ZooKeeper, instance: str, request: OperatorRequest, **wanted: int
) -> OperatorRequest:
    """Adds a request, once, together with the other changes that are `wanted`.

    Raises `BadZnode`, `Unavailable`, `Ambiguous`.
    """

    def asked(before: Desired) -> Desired:
        if request in before.requests:
            return before
        return replace(before, requests=(*before.requests, request), **wanted)

    await lost_answers.update(zk, paths.desired(instance), Desired, asked)
    return request


async def withdraw(zk: ZooKeeper, instance: str, request_id: str) -> None:
    """Takes a request away; it is not stopped if it is being done. Raises as `ask`."""

    def kept(before: Desired) -> Desired:
        requests = (each for each in before.requests if each.id != request_id)
        return replace(before, requests=tuple(requests))

    await lost_answers.update(zk, paths.desired(instance), Desired, kept)


def watch(
    zk: ZooKeeper, instance: str, remembered: Callable[[], Desired]
) -> AsyncIterator[Desired]:
    """Yields the desired state at each change; it begins as what is `remembered` of it.

    Raises `BadZnode`, `ZooKeeperError`.
    """
    read = partial(_read, zk, paths.desired(instance), remembered)
    return whenever_changed(zk, read, REFRESH_S)


async def _read(
    zk: ZooKeeper, path: str, remembered: Callable[[], Desired], watch: Watch | None
) -> Desired:
    try:
        znode = await zk.get(path, watch)
    except NoNode:
        # Only an existing znode can be watched.
        await lost_answers.make(zk, Create(paths.parent(path)), Create(path, encode(remembered())))
        znode = await zk.get(path, watch)
    return decode(Desired, znode.data, path)
