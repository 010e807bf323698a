"""The children of a znode that may be missing."""

from core.errors import NoNode
from core.zookeeper.client import ZooKeeper


async def below(zk: ZooKeeper, path: str) -> list[str]:
    """Lists the names of its children; none where the znode is missing. Raises `Unavailable`."""
    try:
        return await zk.children(path)
    except NoNode:
        return []
