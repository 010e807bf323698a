"""Spreads purchases over the workers, and asks another one if that is safe."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress

import msgspec

from core.cluster.registry import LiveWorker, watch_workers
from core.errors import ZooKeeperError
from core.eventlog.ring import EventLog
from core.transport.link import Answer, Code
from core.zookeeper.client import ZooKeeper
from web.dispatch.affinity import Turn, turn
from web.dispatch.hedged_request import WATCH_S, HedgedRequest
from web.dispatch.purchase_stages import Stages
from web.dispatch.retry_budget import RetryBudget
from web.dispatch.worker import Peer
from web.http.request import Gone
from web.requests.order_change import Wanted

DEADLINE_S = 2.8
MOST_ASKED = 3
JITTER_S = 0.02
FOLLOW_AGAIN_S = 1.0
TICK_S = 0.05


class Dispatcher:
    """A link to every live worker; `ask` picks one of them.

    `connected` says whether the web itself has ZooKeeper. A worker is chosen by the power of two
    choices (Mitzenmacher 1996), by how much waits on it and how long that takes; it then has a
    turn of several purchases. `full` is set when a purchase finds no room at any worker, until
    another one has ended.
    """

    def __init__(
        self,
        key: bytes,
        log: EventLog,
        *,
        connected: Callable[[], bool],
        clock: Callable[[], float],
        rng: random.Random,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._key = key
        self._log = log
        self._connected = connected
        self._clock = clock
        self._rng = rng
        self._deadline_s = deadline_s
        self._budget = RetryBudget(clock)
        self._peers: dict[str, Peer] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._farewells: set[asyncio.Task[None]] = set()
        # When each request began, the oldest first.
        self._hedged: dict[HedgedRequest, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._turn: Turn | None = None
        self.stages = Stages()
        self.full = False

    # --- the workers -----------------------------------------------------------------

    async def follow(self, zk: ZooKeeper) -> None:
        """Follows the registry until it is cancelled."""
        told = ""
        while True:
            try:
                async for live in watch_workers(zk):
                    self.update(live)
            except ZooKeeperError as error:
                if str(error) != told:
                    told = str(error)
                    self._log.error("registry", told)
            await asyncio.sleep(FOLLOW_AGAIN_S)

    def update(self, live: Iterable[LiveWorker]) -> None:
        """Links to the registry's new workers, and leaves those that have gone."""
        records = {worker.registration: worker.record for worker in live}
        for registration in self._peers.keys() - records.keys():
            self._leave(registration)
        for registration, record in records.items():
            if registration in self._peers:
                self._peers[registration].note(record)
            else:
                peer = Peer(
                    record,
                    key=self._key,
                    clock=self._clock,
                    rng=self._rng,
                    log=self._log,
                    may_eject=self._may_eject,
                )
                self._peers[registration] = peer
                self._keepers[registration] = asyncio.ensure_future(peer.keep())

    async def close(self) -> None:
        """Closes every link."""
        tasks = [*self._keepers.values(), *self._farewells]
        if self._timer is not None:
            self._timer.cancel()
        self._peers.clear()
        self._keepers.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def peers(self) -> Sequence[Peer]:
        return tuple(self._peers.values())

    @property
    def ready(self) -> int:
        """How many workers could sell now."""
        return sum(peer.ready for peer in self._peers.values())

    def _leave(self, registration: str) -> None:
        peer, keeper = self._peers.pop(registration), self._keepers.pop(registration)
        if self._turn is not None and self._turn.peer is peer:
            self._turn = None
        farewell = asyncio.ensure_future(_see_off(peer, keeper))
        self._farewells.add(farewell)
        farewell.add_done_callback(self._farewells.discard)

    # --- purchases -------------------------------------------------------------------

    async def ask(self, wanted: Wanted, began: float, gone: Gone | None = None) -> Answer:
        """A worker's answer to a purchase, or to a change of an order, within the deadline.

        Never raises for what a worker does. `began` is when the request was complete, by the
        clock; `gone` waits until the buyer has closed the connection.
        """
        hedged = HedgedRequest(wanted, self._clock, self._deadline_s, gone)
        now = hedged.began
        peer = self._pick((), now)
        if peer is None:
            code = self._why_nobody()
            self.full = code is Code.OVERLOADED and bool(self._hedged)
            return Answer(id=0, code=code)
        self._hedged[hedged] = now
        self._keep_time()
        try:
            hedged.ask(peer, now)
            while hedged.open:
                await hedged.wait()
                if hedged.wants_another:
                    await self._ask_another(hedged)
        finally:
            hedged.close()
            del self._hedged[hedged]
            self.full = False
        answer = hedged.end
        if answer.code is Code.DRAINING:  # it is leaving, and no other worker could be asked
            return Answer(id=0, code=self._why_nobody())
        if answer.code is Code.SOLD and len(hedged.asked) == 1:
            self.stages.note(
                answer, began=began, sent=now, heard=hedged.heard_at, ended=self._clock()
            )
        return self._finished(wanted, answer)

    async def _ask_another(self, hedged: HedgedRequest) -> None:
        if len(hedged.asked) >= MOST_ASKED or not self._budget.spend():
            return
        await asyncio.sleep(self._rng.uniform(0, JITTER_S))
        now = self._clock()
        peer = self._pick(hedged.asked, now)
        if peer is not None and hedged.wants_another:
            hedged.ask(peer, now)

    def _keep_time(self) -> None:
        """Starts the timer of all purchases: one for each would cost more than asking a worker."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.full = False  # tries the workers again now and then
        now = self._clock()
        for hedged, since in tuple(self._hedged.items()):
            if now - since < min(WATCH_S, self._deadline_s):
                break  # all later ones began later
            hedged.pass_time(now)
        if self._hedged:
            self._keep_time()

    def _finished(self, wanted: Wanted, answer: Answer) -> Answer:
        if answer.order is not None:
            self._budget.earn()
        if answer.code is Code.REPLAYED and not wanted.keyed:
            # The key was made for this very purchase, so the repeat was our own.
            return msgspec.structs.replace(answer, code=Code.SOLD)
        return answer

    # --- choosing --------------------------------------------------------------------

    def _pick(self, asked: Sequence[Peer], now: float) -> Peer | None:
        if not asked and self._turn is not None and self._turn.goes_on(now):
            return self._turn.peer
        able = [peer for peer in self._peers.values() if peer not in asked and peer.takes(now)]
        able = [peer for peer in able if not peer.silent(now)] or able
        if not able:
            return None
        peer = self._better_of_two(able, now)
        if not asked:
            self._turn = turn(peer, able, len(self._hedged), now)
        return peer

    def _better_of_two(self, able: Sequence[Peer], now: float) -> Peer:
        if len(able) == 1:
            return able[0]
        one = int(self._rng.random() * len(able))
        other = (one + 1 + int(self._rng.random() * (len(able) - 1))) % len(able)
        return min(able[one], able[other], key=lambda peer: peer.burden(now))

    def _may_eject(self) -> bool:
        """Whether one more worker may be left out: a third at most; the others carry its load."""
        ejected = sum(peer.ejected for peer in self._peers.values())
        return ejected + 1 <= len(self._peers) // 3

    def _why_nobody(self) -> Code:
        """Why no worker can be asked: by their states, or without any by our own connection."""
        states = {peer.state for peer in self._peers.values() if peer.linked}
        if "ready" in states:
            return Code.OVERLOADED
        if states == {"halted"}:
            return Code.HALTED
        if "suspended" in states or not self._connected():
            return Code.NO_QUORUM
        return Code.NO_WORKER


async def _see_off(peer: Peer, keeper: Awaitable[None]) -> None:
    task = asyncio.ensure_future(keeper)
    try:
        await peer.retire()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
