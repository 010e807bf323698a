"""What operators do, noted in the log."""

import time

from core.logs import EventLog
from core.zk import ZooKeeper

NOTE_TRIES = 3
SOURCE = "operator"


async def note(zk: ZooKeeper, event: str, text: str) -> None:
    """Writes an operator's act into the log. Raises `ZooKeeperError`."""
    log = EventLog(SOURCE, time.time)
    await log.load(zk)
    log.info(event, text)
    for _ in range(NOTE_TRIES):  # another operator may write at the same moment
        if log.waiting:
            await log.flush(zk)
