"""Elects one of many candidates, by kazoo's recipe, on the event loop.

Whoever is elected may lose its session without knowing it yet. What it does must therefore be
safe when two do it at once; the election only spares the work. Whatever kazoo's recipe raises
costs a candidate its turn, and never its process: hence `except Exception`.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from core.zookeeper.client import ZooKeeper
from core.zookeeper.kazoo_adapter import withdraw

# A candidate stands for so long, then looks up and stands again.
TURN_S = 10.0
RELEASE_S = 2.0
PAUSE_S = 0.5


class Election:
    """A candidate. `name` is its znode's content, for people who look."""

    def __init__(self, zk: ZooKeeper, path: str, name: str) -> None:
        self._zk = zk
        self._path = path
        self._name = name
        self.elected = False

    async def keep_running(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Stands until it is cancelled; runs `lead`, which never ends, while it is elected."""
        while True:
            if self._zk.connected:
                await self._stand(lead)
            await asyncio.sleep(PAUSE_S)

    async def _stand(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Stands once, with a new lock: an old one still believes in a session that has ended."""
        election = self._zk.election(self._path, self._name)
        with suppress(Exception):  # no connection, or nobody has stood yet
            await _aside(partial(withdraw, election.lock))
        try:
            if await _is_elected(election):
                await self._lead(lead)
        except asyncio.CancelledError:
            election.cancel()  # the session ends next, and resigns
            raise
        with suppress(Exception):  # the session's end resigns as well
            async with asyncio.timeout(RELEASE_S):
                await _aside(election.lock.release)

    async def _lead(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Leads until the connection is lost: from then on another may have been elected."""
        gone = asyncio.Event()

        def look() -> None:
            if not self._zk.connected:
                gone.set()

        self._zk.on_change(look)
        look()
        self.elected = True
        work = asyncio.ensure_future(lead()), asyncio.ensure_future(gone.wait())
        try:
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
        finally:
            self.elected = False
            self._zk.off_change(look)
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)


async def _is_elected(election: Any) -> bool:
    try:
        return bool(await _aside(partial(election.lock.acquire, timeout=TURN_S)))
    except Exception:  # not elected in time, or the connection went: it stands again
        return False


async def _aside(call: Callable[[], Any]) -> Any:
    """Runs a blocking call on a thread that does not keep the process from ending."""
    loop = asyncio.get_running_loop()
    landing: asyncio.Future[Any] = loop.create_future()

    def settle(value: Any, error: Exception | None) -> None:
        if landing.done():
            return
        if error is not None:
            landing.set_exception(error)
        else:
            landing.set_result(value)

    def work() -> None:
        value, error = None, None
        try:
            value = call()
        except Exception as raised:
            error = raised
        with suppress(RuntimeError):  # the loop has closed
            loop.call_soon_threadsafe(settle, value, error)

    threading.Thread(target=work, name="election", daemon=True).start()
    return await landing
