"""What stands below a znode that need not be there."""

from core.errors import NoNode
from core.zookeeper.client import ZooKeeper


async def below(zk: ZooKeeper, path: str) -> list[str]:
    """The names of its children; none where it is not there itself. Raises `Unavailable`."""
    try:
        return await zk.children(path)
    except NoNode:
        return []
