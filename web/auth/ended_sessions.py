"""Which sessions were ended: at this web server, and at any other one, as ZooKeeper has it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from core.cluster.ended_sessions import merged
from core.errors import BadZnode, ZooKeeperError
from core.schema.records import EndedSessions

LOOK_S = 1.0
# Who signs out waits no longer for ZooKeeper.
KEPT_S = 2.0


class SessionRegister(Protocol):
    """Where they are kept; `core.cluster.ended_sessions.Register` is one."""

    async def load(self) -> EndedSessions: ...

    async def add(self, ended: EndedSessions, now: float) -> EndedSessions: ...


class Ended:
    """`now` is in Unix seconds. As long as nothing could be read of the others, nobody is let in
    with a session of before: it may have been ended. Whoever signs in anew is.
    """

    def __init__(self, register: SessionRegister, now: Callable[[], float]) -> None:
        self._register = register
        self._now = now
        self._since = int(now())
        self._known = False
        self._all = EndedSessions()
        # Those that were ended here, and are not in the register for certain.
        self._open = EndedSessions()
        self._keeping = asyncio.Lock()

    def bars(self, id_: str, began_at: int, ends_at: int) -> bool:
        """Whether a session that has not had its time is over, or may be."""
        if not self._known and began_at < self._since:
            return True
        return id_ in self._all.sessions or ends_at <= self._all.all_until

    async def end(self, id_: str, ends_at: int) -> bool:
        """Here it is over at once; whether it is so elsewhere too, and for good."""
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
        """Until it is cancelled; waits out an absent ZooKeeper."""
        while True:
            await self.renew()
            await asyncio.sleep(LOOK_S)

    async def renew(self) -> None:
        """Reads what others have ended, and adds what they do not know of."""
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
