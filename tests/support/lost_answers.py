"""A session that loses one answer, and its connection with it."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import pytest

from core.errors import Ambiguous
from core.zookeeper.client import ZooKeeper

WRITES = ("multi", "create", "set", "delete")
CUT_S = 2.0


class LostAnswers:
    """Loses the answer to write number `nth`, from 0: the write `happens`, or it never arrives.

    `lost` tells whether there were that many writes.
    """

    def __init__(self, zk: ZooKeeper, nth: int, *, happens: bool) -> None:
        self._zk = zk
        self._nth = nth
        self._happens = happens
        self._numbers = count()
        self.lost = False

    def begin(self, patch: pytest.MonkeyPatch) -> None:
        for name in WRITES:
            patch.setattr(self._zk, name, self._wrapped(getattr(self._zk, name)))

    def _wrapped(self, write: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def lossy(*args: Any, **options: Any) -> Any:
            if next(self._numbers) != self._nth:
                return await write(*args, **options)
            self.lost = True
            if self._happens:
                await write(*args, **options)
            await self._cut()
            raise Ambiguous("lost")

        return lossy

    async def _cut(self) -> None:
        """Cuts the connection, and waits until that is noticed."""
        gone = asyncio.Event()
        self._zk.on_change(gone.set)
        self._zk._cut()
        async with asyncio.timeout(CUT_S):
            await gone.wait()
        self._zk.off_change(gone.set)
