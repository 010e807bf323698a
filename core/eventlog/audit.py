"""Notes operators' acts in the log."""

import time

from core.errors import Ambiguous, Unavailable
from core.eventlog.ring import EventLog
from core.zookeeper import lost_answers
from core.zookeeper.client import ZooKeeper

NOTE_TRIES = 10
SOURCE = "operator"


async def note(zk: ZooKeeper, event: str, text: str) -> None:
    """Writes an operator's act, which has happened, into the log.

    A lost answer does not make the act fail: the log is read again, and written where it lacks
    the note. Raises `ZooKeeperError` where ZooKeeper stays away.
    """
    log = EventLog(SOURCE, time.time)
    log.info(event, text)
    for _ in range(NOTE_TRIES):  # another operator may write at the same moment
        try:
            await log.load(zk)
            await log.flush(zk)
        except (Ambiguous, Unavailable):
            await lost_answers.reconnect(zk, lost=True)
        if not log.waiting:
            return
