"""Operators' sessions that were ended before their time: kept in ZooKeeper for all web servers.

A session needs no record while it lasts, so only ended ones are recorded.
"""

from collections.abc import Mapping

from core.schema import paths
from core.schema.records import EndedSessions, decode
from core.zookeeper import lost_answers
from core.zookeeper.client import Znode, ZooKeeper

# Some 50 bytes each. Beyond this number, all earlier sessions are ended as well.
MOST = 1000
# How far the clocks of two machines may differ.
SKEW_S = 600


class EndedSessionsZnode:
    """The znode that has them."""

    def __init__(self, zk: ZooKeeper) -> None:
        self._zk = zk

    async def load(self) -> EndedSessions:
        """Loads them; none before the tree is made. Raises `Unavailable`, `BadZnode`."""
        return _content(await self._zk.find(paths.ENDED_SESSIONS))

    async def add(self, ended: EndedSessions, now: float) -> EndedSessions:
        """Adds to them and returns them all. Raises `ZooKeeperError`, `BadZnode`."""
        return await lost_answers.update(
            self._zk,
            paths.ENDED_SESSIONS,
            EndedSessions,
            lambda before: merged(before, ended, now),
        )


def merged(one: EndedSessions, other: EndedSessions, now: float) -> EndedSessions:
    """Joins two records, without sessions whose time is up, and within `MOST`."""
    sessions = {
        id_: ends_at
        for id_, ends_at in {**one.sessions, **other.sessions}.items()
        if ends_at > now - SKEW_S
    }
    all_until = max(one.all_until, other.all_until)
    latest = sorted(sessions, key=lambda id_: sessions[id_])
    for id_ in latest[:-MOST]:
        all_until = max(all_until, sessions[id_])
    return EndedSessions(all_until=all_until, sessions=_after(sessions, all_until))


def _after(sessions: Mapping[str, int], moment: int) -> dict[str, int]:
    return {id_: ends_at for id_, ends_at in sessions.items() if ends_at > moment}


def _content(znode: Znode | None) -> EndedSessions:
    if znode is None or not znode.data:
        return EndedSessions()
    return decode(EndedSessions, znode.data, znode.path)
