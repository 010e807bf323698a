"""`admin tree`: the znodes as they are."""

import asyncio
from collections.abc import AsyncIterator

from admin.printable import printable, printable_bytes
from core.errors import NoNode
from core.schema import paths
from core.zookeeper.client import Znode, ZooKeeper

READS_AT_ONCE = 32
MOST_SHOWN = 2000


# --- looking -------------------------------------------------------------------------


async def lines(zk: ZooKeeper, path: str, with_data: bool) -> AsyncIterator[str]:
    """Yields the tree below `path`, one znode per line, parents first, siblings sorted.

    Memory holds one list of siblings for each level, and the data of some. Raises `NoNode`.
    """
    async for found in _walk(zk, await _expect(zk, path)):
        yield printable(paths.full(found.path))
        if with_data and found.data:
            yield f"  {_shown(found.data)}"


async def _expect(zk: ZooKeeper, path: str) -> Znode:
    znode = await zk.find(path)
    if znode is None:
        raise NoNode(f"there is no znode {paths.full(path)}; `admin tree` lists them")
    return znode


async def _walk(zk: ZooKeeper, znode: Znode) -> AsyncIterator[Znode]:
    yield znode
    if not znode.children:
        return
    names = await zk.below(znode.path)
    for start in range(0, len(names), READS_AT_ONCE):
        some = names[start : start + READS_AT_ONCE]
        for child in await asyncio.gather(
            *(zk.find(paths.below(znode.path, name)) for name in some)
        ):
            if child is not None:
                async for found in _walk(zk, child):
                    yield found


def _shown(data: bytes) -> str:
    rest = len(data) - MOST_SHOWN
    return printable_bytes(data[:MOST_SHOWN]) + (f" … and {rest} bytes" if rest > 0 else "")
