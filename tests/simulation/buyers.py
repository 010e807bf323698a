"""Buyers: as the web asks for them, with repeats, second workers, and answers that get lost."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import count

from core.wire import Answer, Code, Purchase
from tests.simulation.books import Books
from tests.simulation.border import Machine
from tests.simulation.history import EVENT, Attempt, History
from tests.simulation.plan import Wanted
from tests.simulation.weather import Weather
from tests.simulation.world import Handle, World

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
    ) -> None:
        self.world = world
        self.weather = weather
        self.history = history
        self._machines = machines
        self._books = books
        self._ids = count(1)

    def ask(self, wish: Wanted, keyed: bool, hear: Callable[[Answer], None]) -> None:
        """Sends a purchase to some worker. Nobody hears of one that is lost, or was dead."""
        machine = self.world.rng.choice(self._machines)
        purchase = Purchase(
            id=next(self._ids),
            event=EVENT,
            type=wish.type,
            quantity=wish.quantity,
            buyer="Ann",
            key=wish.key,
            keyed=keyed,
            timeout_s=wish.timeout_s,
        )
        self.world.note("{0.key} asks {1.name} for {0.quantity} of {0.type}", wish, machine)
        self._travel(machine.call_soon, self._arrive, machine, purchase, hear)

    def _travel(self, deliver: Callable[..., object], *args: object) -> None:
        rng, weather = self.world.rng, self.weather
        if rng.random() < weather.lost:
            return
        slow = rng.random() < weather.held_up
        self.world.after(rng.random() * (1.0 if slow else 0.003), deliver, *args)

    def _arrive(self, machine: Machine, purchase: Purchase, hear: Callable[[Answer], None]) -> None:
        if machine.submit is not None and machine.name in self._books.known_lives:
            since = machine.ensemble.applied_everywhere
            attempt = self.history.submitted(purchase, machine.name, since)
            machine.submit(purchase, partial(self._answer, attempt, hear))

    def _answer(self, attempt: Attempt, hear: Callable[[Answer], None], answer: Answer) -> None:
        if not self.world.over:
            self.world.note("{} answers {} {}", attempt.life, attempt.purchase.key, answer.code)
            self.history.answered(attempt, answer)
            self._travel(hear, answer)


class Buyer:
    """One wish and all that is done to have it fulfilled."""

    def __init__(self, street: Street, wish: Wanted) -> None:
        self._street = street
        self._wish = wish
        self.tries = 0
        self._timer: Handle | None = None
        self._patient = False
        self.end: Code | None = None

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
        self._ask_once()
        self._again_in(self._wish.timeout_s)

    def _ask_once(self) -> None:
        if self.end is None or self._wish.again:
            keyed = self._wish.keyed or self.tries > 0
            self.tries += 1
            self._street.ask(self._wish, keyed, self._hear)

    def _again_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._street.world.after(seconds, self._ask)

    def _hear(self, answer: Answer) -> None:
        self._street.world.note("{} hears {}", self._wish.key, answer.code)
        if answer.code not in FINAL:
            self._again_in(PAUSE_S)
        elif self.end is None:
            self.end = answer.code
            if self._timer is not None:
                self._timer.cancel()
            if self._wish.again:
                self._street.world.after(PAUSE_S, self._ask_once)
