"""Deaths and partitions of servers, while sellers resolve lost answers."""

import asyncio
import random
import signal
from collections.abc import Sequence

from core.zookeeper.probe import probe_all
from tests.faults.ensemble.partition import SERVERS, Islands
from tests.faults.ensemble.servers import Servers

CALM_S = (0.5, 2.0)
# A leader that hears from no quorum for 2 s steps down.
PARTED_S = (1.0, 5.0)
BETWEEN_DEATHS_S = (6.0, 12.0)
DEAD_S = 1.0


async def deaths(servers: Servers, rng: random.Random) -> None:
    """Kills a server now and then and starts it again, until it is cancelled."""
    try:
        while True:
            await asyncio.sleep(rng.uniform(*BETWEEN_DEATHS_S))
            servers.signal(rng.choice(servers.ids), signal.SIGKILL)
            await asyncio.sleep(DEAD_S)
            servers.revive()
    finally:
        servers.revive()


class Partitions:
    """Parts islands and joins them again; `count` says how often so far."""

    def __init__(self, islands: Islands, rng: random.Random) -> None:
        self._islands = islands
        self._rng = rng
        self.count = 0

    async def storm(self) -> None:
        """Goes on until it is cancelled."""
        try:
            while True:
                await asyncio.sleep(self._rng.uniform(*CALM_S))
                self._part(await self._victim())
                self.count += 1
                await asyncio.sleep(self._rng.uniform(*PARTED_S))
                self._islands.join()
        finally:
            self._islands.join()

    async def _victim(self) -> int:
        """Chooses a server, mostly the leader."""
        states = await probe_all(self._islands.hosts)
        leaders = [n for n, state in zip(SERVERS, states, strict=True) if state.role == "leader"]
        return leaders[0] if leaders and self._rng.random() < 0.6 else self._rng.choice(SERVERS)

    def _part(self, victim: int) -> None:
        """Parts a server from one of the others or both, in both directions or one."""
        others = [server for server in SERVERS if server != victim]
        some = self._rng.choice((others, others, others[:1], others[1:]))
        match self._rng.choice(("both", "both", "out", "in")):
            case "both":
                self._islands.part(victim, some)
                self._mute(some, victim)
            case "out":
                self._islands.part(victim, some)
            case "in":
                self._mute(some, victim)

    def _mute(self, others: Sequence[int], victim: int) -> None:
        for other in others:
            self._islands.part(other, [victim])
