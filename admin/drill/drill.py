"""The drill itself: opens a sale, breaks something in the middle, and checks the outcome."""

import asyncio
import random
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from admin.drill.buyers import FEW, MANY, Crowd
from admin.drill.faults import Fault
from admin.drill.instance import Shop
from admin.drill.pauses import longest_pause
from admin.drill.processes import ObservedProcess, victims
from admin.drill.progress import Board
from admin.drill.proof.checker import Finding, check
from admin.drill.proof.history import History, PurchaseAttempt
from admin.drill.proof.tree_books import read_books
from admin.drill.report import FaultResult, Report, counted, said
from admin.drill.sale_gauge import Gauge
from admin.recovery.recount import recount
from admin.zookeeper_session import session
from core.cluster_secret import load_secret
from core.errors import ZkticketError
from core.events.edit import EventManager
from core.schema.records import TicketType, order_id
from core.store.stripes import stripes_for

LOOK_S = 0.5
POLL_S = 0.05
# A sale is in full swing after so long and so many sold tickets.
CALM_S = 2.0
CALM_SOLD = 20
START_S = 30.0
RECOVER_S = 60.0
# Buyers still buy for a moment after the last process is back.
AFTER_S = 1.0
# The many never sell out; the few do, so that each sale sells a last ticket.
MANY_TICKETS = 10_000_000
FEW_TICKETS = 300


@dataclass
class Drill:
    """Gives each fault a sale of its own: an event with its own tickets and its own history."""

    shop: Shop
    board: Board
    rng: random.Random
    clock: Callable[[], float]
    buyers: int
    seconds: float
    _struck_at: float | None = None

    async def run(self, faults: Sequence[Fault]) -> Report:
        """Holds the drill. Raises `ZkticketError` where it can't be held."""
        self.board.phase = "starting three servers, three workers and a web server"
        await self.shop.up()
        watching = asyncio.create_task(self._watch())
        try:
            for number, fault in enumerate(faults, 1):
                self.board.begin(number, fault)
                self.board.end(await self._sale_with(fault, f"{number}-{fault.name}"))
            self.board.phase = "recounting every order"
            return await self._report()
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    # --- one fault -------------------------------------------------------------------

    async def _sale_with(self, fault: Fault, event: str) -> FaultResult:
        self._struck_at = None
        await self._open(event)
        history = History(self.shop.directory / f"{event}.jsonl")
        gauge = Gauge(self.clock, self._tell_pause)
        crowd = Crowd(event, self.shop.port, history, gauge, self.rng, self.clock)
        self.board.gauge, self.board.waiting = gauge, lambda: crowd.waiting
        try:
            async with crowd.buying(self.buyers):
                await self._until_calm(gauge)
                struck_at, recovered = await self._break(fault, gauge)
                spell = struck_at, self.clock()
            self.board.phase = "selling the last tickets"
            await crowd.buy_the_rest(2 * FEW_TICKETS)
            self.board.phase = "comparing what buyers were told with the tree"
            findings = await self._check(event, history.attempts)
        finally:
            history.close()
        return FaultResult(
            fault=fault.name,
            pause_s=round(longest_pause(history.attempts, spell), 3),
            errors=dict(gauge.errors),
            sold=gauge.sold,
            recovered=recovered,
            findings=tuple(map(said, findings)),
            **counted(findings),
        )

    async def _open(self, event: str) -> None:
        self.board.phase = "opening the sale"
        types = {
            name: TicketType(capacity=capacity, stripes=stripes_for(self.shop.settings.workers))
            for name, capacity in ((MANY, MANY_TICKETS), (FEW, FEW_TICKETS))
        }
        async with session(self.shop.settings) as zk:
            await EventManager(zk).create_event(event, event, types)

    async def _until_calm(self, gauge: Gauge) -> None:
        self.board.phase = "all is well"
        began = self.clock()
        while self.clock() - began < CALM_S or gauge.sold < CALM_SOLD:
            if self.clock() - began > START_S:
                raise ZkticketError("the drill's buyers can't buy even before anything is broken")
            await asyncio.sleep(POLL_S)

    async def _break(self, fault: Fault, gauge: Gauge) -> tuple[float, bool]:
        """Strikes, mends, and waits; returns when it struck, and whether all is well again."""
        struck = await self._strike(fault)
        self._struck_at = began = self.clock()
        self._tell(f"{fault.verb} {_names(struck)}")
        await self._mend(fault, struck)
        recovered = await self._until_well(gauge, began + self.seconds)
        self._tell("all is well again" if recovered else "not all is well again")
        return began, recovered

    async def _strike(self, fault: Fault) -> list[ObservedProcess]:
        struck = victims(fault, await self.shop.processes(), self.rng)
        if not struck:
            raise ZkticketError(f"there is no {fault.name} to strike; `status` would say why")
        for process in struck:
            process.signal(fault.sends, children=fault.with_children)
        self.board.phase = f"{fault.verb} {', '.join(process.name for process in struck)}"
        return struck

    async def _mend(self, fault: Fault, struck: Sequence[ObservedProcess]) -> None:
        try:
            await asyncio.sleep(fault.hold_s)
        finally:
            if fault.freezes:
                for process in struck:
                    process.signal(signal.SIGCONT, children=fault.with_children)
        if fault.freezes:
            self._tell(f"thawed {_names(struck)}")
        if fault.up_again:
            self._tell("`up` again")
            await self.shop.up()

    async def _until_well(self, gauge: Gauge, earliest: float) -> bool:
        """Waits until all has been well for a moment; returns False at its deadline.

        A moment, because a thawed process has yet to notice what it missed.
        """
        deadline = earliest + RECOVER_S
        since = self.clock()
        while self.clock() < max(earliest, since + AFTER_S):
            if self.clock() > deadline:
                return False
            await asyncio.sleep(POLL_S)
            if not await self._is_well(gauge):
                since = self.clock()
        return True

    async def _is_well(self, gauge: Gauge) -> bool:
        sells = gauge.sold_at is not None and self.clock() - gauge.sold_at < AFTER_S
        processes = await self.shop.processes() if sells else ()
        return bool(processes) and all(process.well for process in processes)

    async def _check(self, event: str, attempts: Sequence[PurchaseAttempt]) -> tuple[Finding, ...]:
        secret = load_secret(self.shop.settings.data_dir)
        async with session(self.shop.settings) as zk:
            books = await read_books(zk, event)
        return check(attempts, books, partial(order_id, secret.order_key))

    async def _report(self) -> Report:
        async with session(self.shop.settings) as zk:
            proof = await recount(zk)
        results = tuple(self.board.results)
        return Report(
            ok=proof.ok and all(result.ok for result in results),
            seed=self.board.seed,
            faults=results,
            orders=sum(event.orders for event in proof.events),
            breach=f"znode {proof.breach.znode}: {proof.breach.text}" if proof.breach else None,
        )

    # --- what is shown ---------------------------------------------------------------

    async def _watch(self) -> None:
        """Tells how the states of the processes change, as seen from outside."""
        while True:
            for change in self.board.see(await self.shop.processes()):
                self._tell(change)
            await asyncio.sleep(LOOK_S)

    def _tell_pause(self, pause_s: float) -> None:
        self._tell(f"a ticket is sold again, after a pause of {pause_s:.2f} s")

    def _tell(self, text: str) -> None:
        """Puts news on the board, with the seconds since the fault."""
        if self._struck_at is not None:
            text = f"{self.clock() - self._struck_at:+5.1f} s  {text}"
        self.board.tell(text)


def _names(processes: Sequence[ObservedProcess]) -> str:
    return ", ".join(f"{process.name} ({process.state})" for process in processes)
