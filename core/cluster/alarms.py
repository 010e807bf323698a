"""Alarms: while one stands, no worker sells. They stand until an operator has mended the tree."""

from collections.abc import Iterable

from core.errors import BadZnode, NoNode
from core.schema import paths
from core.schema.records import Alarm, decode, encode
from core.zookeeper import lost_answers
from core.zookeeper.client import Znode, ZooKeeper
from core.zookeeper.multi import Create


async def sound(zk: ZooKeeper, alarm: Alarm) -> None:
    """Raises the alarm; an earlier one of the same source stays as it is.

    Raises `Ambiguous`, `Unavailable`; then it may be tried again.
    """
    await lost_answers.make(
        zk, Create(paths.ALARMS), Create(paths.alarm(alarm.source), encode(alarm))
    )


async def standing(zk: ZooKeeper) -> list[Alarm]:
    """Reads the alarms, an unreadable one among them; none before the tree is made.

    Raises `Unavailable`.
    """
    names = await zk.below(paths.ALARMS)
    found = await zk.get_many([paths.alarm(name) for name in names])
    return [_alarm(znode) for znode in found if znode is not None]


async def clear(zk: ZooKeeper, alarms: Iterable[Alarm]) -> None:
    """Takes alarms back: each worker looks for itself before it sells again."""
    for alarm in alarms:
        refused = await lost_answers.remove(zk, paths.alarm(alarm.source))
        if refused is not None and not isinstance(refused.error, NoNode):
            raise refused.error


def _alarm(znode: Znode) -> Alarm:
    try:
        return decode(Alarm, znode.data, znode.path)
    except BadZnode as error:
        return Alarm(source=paths.name(znode.path), text=str(error), at=0.0)
