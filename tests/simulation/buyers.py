"""Buyers: as the web asks for them, with repeats, second workers, and answers that get lost."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Generic

from core.store.order_lifecycle import Act
from core.transport.link import Answer, ChangeRequest, Code, Purchase
from tests.simulation.border import Machine
from tests.simulation.checker.attempts import Attempt, RequestT, Witness
from tests.simulation.checker.order_changes import OPEN, Deeds
from tests.simulation.checker.purchases import EVENT, History
from tests.simulation.checker.recount import Books
from tests.simulation.plan import Deed, Wanted
from tests.simulation.world.event_loops import Handle, World
from tests.simulation.world.network import Weather

FINAL = frozenset({Code.SOLD, Code.REPLAYED, Code.SOLD_OUT, Code.KEY_REUSED})
TRIES = 4
PAUSE_S = 0.2


class Street:
    """The links between buyers and workers."""

    def __init__(
        self,
        world: World,
        weather: Weather,
        machines: Sequence[Machine],
        books: Books,
        history: History,
        deeds: Deeds,
    ) -> None:
        self.world = world
        self.weather = weather
        self._history = history
        self._deeds = deeds
        self._machines = machines
        self._books = books
        self._ids = count(1)

    def ask(
        self, wish: Wanted, keyed: bool, hear: Callable[[Answer], None]
    ) -> "Question[Purchase]":
        """Sends a purchase to some worker. Nobody hears of one that is lost, or was dead."""
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

    def bid(self, order: str, deed: Deed, hear: Callable[[Answer], None]) -> None:
        """Sends a wish about an order, as `ask` does a purchase."""
        request = ChangeRequest(
            id=next(self._ids),
            order=order,
            act=deed.act,
            note="north" if deed.act is Act.CHECK_IN else "",
            key=deed.key,
            operator=deed.operator,
            timeout_s=deed.timeout_s,
            payment=deed.payment,
        )
        self._send(request, self._deeds.submitted, hear)

    def _send(
        self, request: RequestT, witness: Witness[RequestT], hear: Callable[[Answer], None]
    ) -> "Question[RequestT]":
        machine = self.world.rng.choice(self._machines)
        self.world.note("{} is asked: {}", machine.name, request)
        question = Question(self, machine, request, witness, hear)
        self.travel(machine.call_soon, question.arrive)
        return question

    def is_known(self, machine: Machine) -> bool:
        """Whether it can be found in the registry, and its links are open."""
        return machine.submit is not None and machine.name in self._books.known_lives

    def travel(self, deliver: Callable[..., object], *args: object) -> None:
        rng, weather = self.world.rng, self.weather
        if rng.random() < weather.lost:
            return
        slow = rng.random() < weather.held_up
        self.world.after(rng.random() * (1.0 if slow else 0.003), deliver, *args)


class Question(Generic[RequestT]):
    """A request on its way to a worker, and its answer on the way back."""

    def __init__(
        self,
        street: Street,
        machine: Machine,
        request: RequestT,
        witness: Witness[RequestT],
        hear: Callable[[Answer], None],
    ) -> None:
        self._street = street
        self._machine = machine
        self._request: RequestT = request
        self._witness: Witness[RequestT] = witness
        self._hear = hear
        self._reply = self._answer
        self._attempt: Attempt[RequestT] | None = None

    def arrive(self) -> None:
        machine, street = self._machine, self._street
        if machine.submit is not None and street.is_known(machine):
            self._attempt = self._witness(self._request, machine)
            machine.submit(self._request, self._reply)

    def drop(self) -> None:
        """Tells the worker that the buyer has gone."""
        self._street.travel(self._machine.call_soon, self._forget)

    def _forget(self) -> None:
        if self._attempt is not None and self._machine.forget is not None:
            self._street.world.note("{} forgets {}", self._machine.name, self._request.key)
            self._attempt.forgotten = True
            self._machine.forget(self._reply, None)

    def _answer(self, answer: Answer) -> None:
        if self._attempt is not None and not self._street.world.over:
            name, key = self._machine.name, self._request.key
            self._street.world.note("{} answers {} {}", name, key, answer.code)
            self._attempt.answered(answer)
            self._street.travel(self._hear, answer)


class Buyer:
    """One wish and all that is done to have it fulfilled."""

    def __init__(self, street: Street, wish: Wanted) -> None:
        self._street = street
        self._wish = wish
        self.tries = 0
        self._timer: Handle | None = None
        self._patient = False
        self._latest: Question[Purchase] | None = None
        self._doings: list[Doing] = []
        self.end: Code | None = None

    @property
    def is_served(self) -> bool:
        return self.end is not None and all(doing.end is not None for doing in self._doings)

    def begin(self) -> None:
        self._ask()
        if self._wish.hedge_s:
            self._street.world.after(self._wish.hedge_s, self._ask_once)

    def pursue(self) -> None:
        """Asks until there is an end."""
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
            self._latest = self._street.ask(self._wish, keyed, self._hear)

    def _again_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._street.world.after(seconds, self._ask)

    def _hear(self, answer: Answer) -> None:
        self._street.world.note("{} hears {}", self._wish.key, answer.code)
        if self.end is not None:
            return
        if answer.code not in FINAL:
            self._again_in(PAUSE_S)
        else:
            self.end = answer.code
            if self._timer is not None:
                self._timer.cancel()
            if self._wish.again:
                self._street.world.after(PAUSE_S, self._ask_once)
            if answer.order is not None:
                self._begin_doing(answer.order.order)

    def _begin_doing(self, order: str) -> None:
        self._doings = [Doing(self._street, order, deed) for deed in self._wish.deeds]
        for doing in self._doings:
            self._street.world.after(doing.deed.after_s, doing.begin)


class Doing:
    """One deed, asked for until there is an end."""

    def __init__(self, street: Street, order: str, deed: Deed) -> None:
        self._street = street
        self._order = order
        self.deed = deed
        self.end: Code | None = None

    def begin(self) -> None:
        if self.end is None:
            for _ in range(1 + self.deed.twice):
                self._street.bid(self._order, self.deed, self._hear)
            self._street.world.after(self.deed.timeout_s + PAUSE_S, self.begin)

    def _hear(self, answer: Answer) -> None:
        self._street.world.note("{} hears {}", self.deed.key, answer.code)
        if answer.code not in OPEN and self.end is None:
            self.end = answer.code
