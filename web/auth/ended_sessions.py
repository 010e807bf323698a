"""Remembers which sessions were ended, here and (ZooKeeper tells) at other web servers."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from core.cluster.ended_sessions import EndedSessionsZnode, merged
from core.errors import BadZnode, ZooKeeperError
from core.schema.records import EndedSessions

LOOK_S = 1.0
# Signing out waits no longer than this for ZooKeeper.
KEPT_S = 2.0


class Ended:
    """The sessions that were ended. `now` is in Unix seconds.

    Until the register was read once, every session that began before this process counts as
    ended, because it may be; new sessions are valid.
    """

    def __init__(self, register: EndedSessionsZnode, now: Callable[[], float]) -> None:
        self._register = register
        self._now = now
        self._since = int(now())
        self._known = False
        self._all = EndedSessions()
        # Sessions that were ended here and may be missing in the register.
        self._open = EndedSessions()
        self._keeping = asyncio.Lock()

    def bars(self, id_: str, began_at: int, ends_at: int) -> bool:
        """Whether a session that has time left was ended, or may have been."""
        if not self._known and began_at < self._since:
            return True
        return id_ in self._all.sessions or ends_at <= self._all.all_until

    async def end(self, id_: str, ends_at: int) -> bool:
        """Ends a session here at once; returns whether the register has it, for all web servers."""
        ended = EndedSessions(sessions={id_: ends_at})
        self._note(ended)
        self._open = merged(self._open, ended, self._now())
        kept = False
        with suppress(ZooKeeperError, BadZnode, TimeoutError):
            async with asyncio.timeout(KEPT_S):
                await self._keep()
                kept = True
        return kept

    async def follow(self) -> None:
        """Reads the register until it is cancelled; waits while ZooKeeper is away."""
        while True:
            await self.renew()
            await asyncio.sleep(LOOK_S)

    async def renew(self) -> None:
        """Reads what other web servers have ended, and adds what was ended here."""
        with suppress(ZooKeeperError, BadZnode):
            self._note(await self._register.load())
            self._known = True
            await self._keep()

    async def _keep(self) -> None:
        async with self._keeping:
            added, self._open = self._open, EndedSessions()
            if added == self._open:
                return
            try:
                self._note(await self._register.add(added, self._now()))
            except BaseException:
                self._open = merged(self._open, added, self._now())
                raise

    def _note(self, ended: EndedSessions) -> None:
        self._all = merged(self._all, ended, self._now())
