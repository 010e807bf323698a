"""What operators' buttons do, over the web's own connection to ZooKeeper."""

from collections.abc import Sequence
from typing import Protocol

from core import asking, logquery, logs, reset
from core.logquery import Found, Query
from core.settings import Settings
from core.zk import ZooKeeper

# The supervisor gives up what takes longer.
TIMEOUT_S = 120.0


class Operations(Protocol):
    """Each raises `ZkticketError`, in one line that says what is wrong and what to do.

    `id_` is the request's own: whoever sends a form twice has asked once.
    """

    async def restart(self, id_: str, name: str) -> None:
        """One process, or all workers in turn for no name; returns before it is done."""

    async def scale(self, id_: str, workers: int) -> None:
        """So many workers from now on; returns before they are there."""

    async def reset(self, event: str, types: Sequence[str], quantity: int) -> None:
        """Puts so many tickets of each type on sale, of all types for none."""

    async def log(self, query: Query, most: int) -> tuple[Found, Sequence[str]]:
        """The latest entries, and the names of all processes that have some."""


class LiveOperations:
    """`Operations` on an instance that runs."""

    def __init__(self, zk: ZooKeeper, settings: Settings) -> None:
        self._zk = zk
        self._settings = settings

    async def restart(self, id_: str, name: str) -> None:
        table = await asking.supervisor_of(self._zk, self._settings)
        await asking.ask_restart(self._zk, table, id_, name or None, TIMEOUT_S)

    async def scale(self, id_: str, workers: int) -> None:
        table = await asking.supervisor_of(self._zk, self._settings)
        await asking.ask_scale(self._zk, table, id_, workers, TIMEOUT_S)

    async def reset(self, event: str, types: Sequence[str], quantity: int) -> None:
        await reset.reset(self._zk, event, types, quantity, _agreed)

    async def log(self, query: Query, most: int) -> tuple[Found, Sequence[str]]:
        found = await logquery.latest(self._zk, query, most)
        return found, sorted(await logs.sources(self._zk))


def _agreed(_question: str) -> None:
    """The page has asked already."""
