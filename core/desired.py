"""The desired state: what operators want of an instance, kept in ZooKeeper.

Commands write it, from any machine; the instance's supervisor watches it and acts.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from core import paths
from core.errors import Ambiguous, BadVersion, NodeExists, NoNode
from core.models import Desired, Request, decode, encode
from core.watching import Watch, whenever_changed
from core.zk import Znode, ZooKeeper

REFRESH_S = 2.0
RECONNECT_S = 5.0
TRIES = 50


def instance_of(host: str, data_dir: Path) -> str:
    """An instance's name, the same in each of its supervisors' lives."""
    digest = hashlib.sha256(str(data_dir).encode()).hexdigest()
    return f"{re.sub(r'[^A-Za-z0-9.-]', '-', host)}-{digest[:8]}"


async def change(zk: ZooKeeper, instance: str, edit: Callable[[Desired], Desired]) -> None:
    """Changes what is desired. `edit` done twice does the same as once.

    Raises `BadZnode`, `Unavailable`, `Ambiguous`.
    """
    path = paths.desired(instance)
    for _ in range(TRIES):
        znode = await zk.find(path)
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
            await zk.wait_connected(RECONNECT_S)
    raise Ambiguous("ZooKeeper gives no definite answer; look at `status` before repeating")


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


def watch(zk: ZooKeeper, instance: str) -> AsyncIterator[Desired]:
    """What is desired, at each change. Raises `BadZnode`, `ZooKeeperError`."""
    return whenever_changed(zk, partial(_read, zk, paths.desired(instance)), REFRESH_S)


async def _read(zk: ZooKeeper, path: str, watch: Watch | None) -> Desired:
    try:
        return _decoded(await zk.get(path, watch))
    except NoNode:
        # Only what is there can be watched.
        with suppress(NodeExists):
            await _write(zk, path, Desired(), None)
        return _decoded(await zk.get(path, watch))


async def _write(zk: ZooKeeper, path: str, desired: Desired, before: Znode | None) -> None:
    if before is None:
        await zk.ensure(paths.DESIRED)
        await zk.create(path, encode(desired))
    else:
        await zk.set(path, encode(desired), before.version)


def _decoded(znode: Znode | None) -> Desired:
    return decode(Desired, znode.data, znode.path) if znode else Desired()
