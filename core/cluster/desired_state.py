"""The desired state: what operators want of an instance, kept in ZooKeeper.

Commands write it, from any machine; the instance's supervisor watches it and acts.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial

from msgspec.structs import replace

from core.errors import Ambiguous, BadVersion, NodeExists, NoNode
from core.schema import paths
from core.schema.records import Desired, Request, decode, encode
from core.zookeeper import retry
from core.zookeeper.client import Znode, ZooKeeper
from core.zookeeper.patient_read import insist
from core.zookeeper.watch import Watch, whenever_changed

REFRESH_S = 2.0
TRIES = 50


async def change(zk: ZooKeeper, instance: str, edit: Callable[[Desired], Desired]) -> None:
    """Changes what is desired. `edit` done twice does the same as once.

    Raises `BadZnode`, `Unavailable`, `Ambiguous`.
    """
    path = paths.desired(instance)
    for _ in range(TRIES):
        znode = await insist(zk, partial(zk.find, path))
        now = _decoded(znode)
        wanted = edit(now)
        if wanted == now:
            return
        try:
            await _write(zk, path, wanted, znode)
            return
        except (BadVersion, NodeExists, NoNode):
            continue  # somebody else was faster
        except Ambiguous:
            await retry.reconnected(zk)
    raise Ambiguous(retry.NO_ANSWER)


def asking(request: Request) -> Callable[[Desired], Desired]:
    """Adds a request, once."""

    def edit(desired: Desired) -> Desired:
        if request in desired.requests:
            return desired
        return replace(desired, requests=(*desired.requests, request))

    return edit


def without(request_id: str) -> Callable[[Desired], Desired]:
    """Takes a request away."""

    def edit(desired: Desired) -> Desired:
        kept = tuple(each for each in desired.requests if each.id != request_id)
        return replace(desired, requests=kept)

    return edit


def watch(
    zk: ZooKeeper, instance: str, remembered: Callable[[], Desired]
) -> AsyncIterator[Desired]:
    """What is desired, at each change; where nothing is yet, what is `remembered` of it.

    Raises `BadZnode`, `ZooKeeperError`.
    """
    read = partial(_read, zk, paths.desired(instance), remembered)
    return whenever_changed(zk, read, REFRESH_S)


async def _read(
    zk: ZooKeeper, path: str, remembered: Callable[[], Desired], watch: Watch | None
) -> Desired:
    try:
        return _decoded(await zk.get(path, watch))
    except NoNode:
        # Only what is there can be watched.
        with suppress(NodeExists):
            await _write(zk, path, remembered(), None)
        return _decoded(await zk.get(path, watch))


async def _write(zk: ZooKeeper, path: str, desired: Desired, before: Znode | None) -> None:
    if before is None:
        await zk.ensure(paths.DESIRED)
        await zk.create(path, encode(desired))
    else:
        await zk.set(path, encode(desired), before.version)


def _decoded(znode: Znode | None) -> Desired:
    return decode(Desired, znode.data, znode.path) if znode else Desired()
