"""Buyers as the web acts for them: with repeats, second workers, and answers that get lost."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Generic

from core.store.order_lifecycle import Act
from core.transport.link import Answer, ChangeRequest, Code, Purchase
from tests.simulation.border import Machine
from tests.simulation.checker.attempts import Attempt, RequestT, Witness
from tests.simulation.checker.order_changes import OPEN, ChangeHistory
from tests.simulation.checker.purchases import EVENT, PurchaseHistory
from tests.simulation.checker.recount import Ledger
from tests.simulation.plan import PlannedChange, PlannedPurchase
from tests.simulation.world.event_loops import Handle, World
from tests.simulation.world.network import Weather

FINAL = frozenset({Code.SOLD, Code.REPLAYED, Code.SOLD_OUT, Code.KEY_REUSED})
TRIES = 4
PAUSE_S = 0.2


class BuyerLinks:
    """The links between buyers and workers."""

    def __init__(
        self,
        world: World,
        weather: Weather,
        machines: Sequence[Machine],
        ledger: Ledger,
        history: PurchaseHistory,
        changes: ChangeHistory,
    ) -> None:
        self.world = world
        self.weather = weather
        self._history = history
        self._changes = changes
        self._machines = machines
        self._ledger = ledger
        self._ids = count(1)

    def ask(
        self, wish: PlannedPurchase, keyed: bool, hear: Callable[[Answer], None]
    ) -> "SentRequest[Purchase]":
        """Sends a purchase to some worker. A lost one is never answered."""
        purchase = Purchase(
            id=next(self._ids),
            event=EVENT,
            type=wish.type,
            quantity=wish.quantity,
            buyer="Ann",
            key=wish.key,
            keyed=keyed,
            timeout_s=wish.timeout_s,
            hold=wish.hold,
        )
        return self._send(purchase, self._history.submitted, hear)

    def ask_for(self, order: str, change: PlannedChange, hear: Callable[[Answer], None]) -> None:
        """Sends a change of an order, as `ask` does a purchase."""
        request = ChangeRequest(
            id=next(self._ids),
            order=order,
            act=change.act,
            note="north" if change.act is Act.CHECK_IN else "",
            key=change.key,
            operator=change.operator,
            timeout_s=change.timeout_s,
            payment=change.payment,
        )
        self._send(request, self._changes.submitted, hear)

    def _send(
        self, request: RequestT, witness: Witness[RequestT], hear: Callable[[Answer], None]
    ) -> "SentRequest[RequestT]":
        machine = self.world.rng.choice(self._machines)
        self.world.note("{} is asked: {}", machine.name, request)
        sent = SentRequest(self, machine, request, witness, hear)
        self.travel(machine.call_soon, sent.arrive)
        return sent

    def is_known(self, machine: Machine) -> bool:
        """Whether the machine is in the registry, and its links are open."""
        return machine.submit is not None and machine.name in self._ledger.known_lives

    def travel(self, deliver: Callable[..., object], *args: object) -> None:
        rng, weather = self.world.rng, self.weather
        if rng.random() < weather.lost:
            return
        slow = rng.random() < weather.held_up
        self.world.after(rng.random() * (1.0 if slow else 0.003), deliver, *args)


class SentRequest(Generic[RequestT]):
    """A request on its way to a worker, and its answer on its way back."""

    def __init__(
        self,
        links: BuyerLinks,
        machine: Machine,
        request: RequestT,
        witness: Witness[RequestT],
        hear: Callable[[Answer], None],
    ) -> None:
        self._links = links
        self._machine = machine
        self._request: RequestT = request
        self._witness: Witness[RequestT] = witness
        self._hear = hear
        self._reply = self._answer
        self._attempt: Attempt[RequestT] | None = None

    def arrive(self) -> None:
        machine, links = self._machine, self._links
        if machine.submit is not None and links.is_known(machine):
            self._attempt = self._witness(self._request, machine)
            machine.submit(self._request, self._reply)

    def drop(self) -> None:
        """Tells the worker that the buyer has gone."""
        self._links.travel(self._machine.call_soon, self._forget)

    def _forget(self) -> None:
        if self._attempt is not None and self._machine.forget is not None:
            self._links.world.note("{} forgets {}", self._machine.name, self._request.key)
            self._attempt.forgotten = True
            self._machine.forget(self._reply, None)

    def _answer(self, answer: Answer) -> None:
        if self._attempt is not None and not self._links.world.over:
            name, key = self._machine.name, self._request.key
            self._links.world.note("{} answers {} {}", name, key, answer.code)
            self._attempt.answered(answer)
            self._links.travel(self._hear, answer)


class Buyer:
    """One wanted purchase, and everything its buyer does to get it."""

    def __init__(self, links: BuyerLinks, wish: PlannedPurchase) -> None:
        self._links = links
        self._wish = wish
        self.tries = 0
        self._timer: Handle | None = None
        self._patient = False
        self._latest: SentRequest[Purchase] | None = None
        self._pursued: list[PursuedChange] = []
        self.end: Code | None = None

    @property
    def is_served(self) -> bool:
        return self.end is not None and all(pursued.end is not None for pursued in self._pursued)

    def begin(self) -> None:
        self._ask()
        if self._wish.hedge_s:
            self._links.world.after(self._wish.hedge_s, self._ask_once)

    def pursue(self) -> None:
        """Asks until there is a final answer."""
        self._patient = True
        if self.end is None:
            self._ask()

    def _ask(self) -> None:
        if self.tries >= TRIES and not self._patient:
            return
        if self._latest is not None and self._wish.drops:
            self._latest.drop()
        self._ask_once()
        self._again_in(self._wish.timeout_s)

    def _ask_once(self) -> None:
        if self.end is None or self._wish.again:
            keyed = self._wish.keyed or self.tries > 0
            self.tries += 1
            self._latest = self._links.ask(self._wish, keyed, self._hear)

    def _again_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._links.world.after(seconds, self._ask)

    def _hear(self, answer: Answer) -> None:
        self._links.world.note("{} hears {}", self._wish.key, answer.code)
        if self.end is not None:
            return
        if answer.code not in FINAL:
            self._again_in(PAUSE_S)
        else:
            self.end = answer.code
            if self._timer is not None:
                self._timer.cancel()
            if self._wish.again:
                self._links.world.after(PAUSE_S, self._ask_once)
            if answer.order is not None:
                self._pursue_changes(answer.order.order)

    def _pursue_changes(self, order: str) -> None:
        self._pursued = [PursuedChange(self._links, order, change) for change in self._wish.changes]
        for pursued in self._pursued:
            self._links.world.after(pursued.change.after_s, pursued.begin)


class PursuedChange:
    """One change of an order, asked for until there is a final answer."""

    def __init__(self, links: BuyerLinks, order: str, change: PlannedChange) -> None:
        self._links = links
        self._order = order
        self.change = change
        self.end: Code | None = None

    def begin(self) -> None:
        if self.end is None:
            for _ in range(1 + self.change.twice):
                self._links.ask_for(self._order, self.change, self._hear)
            self._links.world.after(self.change.timeout_s + PAUSE_S, self.begin)

    def _hear(self, answer: Answer) -> None:
        self._links.world.note("{} hears {}", self.change.key, answer.code)
        if answer.code not in OPEN and self.end is None:
            self.end = answer.code
