"""Operators' sessions that were ended before their time: kept in ZooKeeper for all web servers.

A session needs no record while it lasts, so only ended ones are recorded.
"""

from core.schema import paths
from core.schema.records import EndedSessions, decode
from core.zookeeper import lost_answers
from core.zookeeper.client import ZooKeeper

# Some 50 bytes each. Beyond this number, all earlier sessions are ended as well.
MOST = 1000
# How far the clocks of two machines may differ.
SKEW_S = 600


class EndedSessionsZnode:
    """The znode in which they are kept."""

    def __init__(self, zk: ZooKeeper) -> None:
        self._zk = zk

    async def load(self) -> EndedSessions:
        """Loads them all; none before the tree is made. Raises `Unavailable`, `BadZnode`."""
        znode = await self._zk.find(paths.ENDED_SESSIONS)
        if znode is None or not znode.data:
            return EndedSessions()
        return decode(EndedSessions, znode.data, znode.path)

    async def add(self, ended: EndedSessions, now: float) -> EndedSessions:
        """Adds ended sessions; returns all of them. Raises `ZooKeeperError`, `BadZnode`."""
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
    others = {id_: ends_at for id_, ends_at in sessions.items() if ends_at > all_until}
    return EndedSessions(all_until=all_until, sessions=others)
