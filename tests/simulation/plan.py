"""Draws a schedule from its seed: stock, buyers, network, payments, incidents."""

import enum
from dataclasses import dataclass, replace
from random import Random

from core.schema.records import DEFAULT_CURRENCY, Payment
from core.store.order_lifecycle import Act
from tests.simulation.world.network import Weather

OPEN_S = 0.15
# Everything is mended so long after the last incident.
HEALS_IN_S = 0.3
TYPES = ("A", "B")
# The share of schedules in which tickets are held, and orders change.
HOLDING = 0.4
# The share of those in which buyers pay.
PAYING = 0.6
# The share of schedules in which the organiser changes capacities.
RESIZING = 0.3
# What each ticket costs.
PRICE = 4800
CHANGES = (
    *(*(Act.CONFIRM,) * 4, *(Act.EXTEND,) * 3, *(Act.CHECK_IN,) * 2),
    *(Act.UNDO_CHECK_IN, Act.RELEASE, Act.CANCEL),
)


class IncidentKind(enum.StrEnum):
    """What may happen in a schedule, to a worker or, where it says so, to a server."""

    BREAK = "the connection breaks"
    STALL_REQUESTS = "its requests are held up"
    STALL_ANSWERS = "its answers are held up"
    OUTAGE = "the ensemble has no quorum"
    LAG = "a server falls behind"
    PAUSE = "it is paused"
    ZOMBIE = "it is paused, and its registration deleted meanwhile"
    EXPEL = "its registration is deleted"
    KILL = "it is killed, and started again"
    BURY = "it is killed, its registration deleted, and started again"
    DRAIN = "it is drained, and started again"
    RESET = "the stock is reset"
    VERIFY = "everything is recounted"
    CLOCK = "its wall clock jumps"
    FULL_DISK = "its disk is full"
    SLOW_DISK = "its disk is slow"


@dataclass(frozen=True)
class Incident:
    """One incident; times are in seconds since the start, `amount` is in tickets or seconds."""

    at: float
    kind: IncidentKind
    who: int
    lasts_s: float
    amount: int


@dataclass(frozen=True)
class PlannedChange:
    """What a buyer does with an order, `after_s` after hearing of it.

    With `twice` the buyer asks two workers at once. A `payment` comes with a confirmation.
    """

    after_s: float
    act: Act
    key: str
    operator: bool
    timeout_s: float
    twice: bool
    payment: Payment | None = None


@dataclass(frozen=True)
class PlannedPurchase:
    """What one buyer wants. With `again` it is asked for once more after it was sold.

    A second worker is asked after `hedge_s`, if that is not 0. With `drops` the worker that was
    asked before is told that nobody waits any more.
    """

    at: float
    key: str
    type: str
    quantity: int
    keyed: bool
    timeout_s: float
    hedge_s: float
    again: bool
    drops: bool = False
    hold: bool = False
    changes: tuple[PlannedChange, ...] = ()


@dataclass(frozen=True)
class EventTerms:
    """How long the event holds tickets, how often longer, and whether buyers may cancel."""

    hold_s: float = 1.0
    extensions: int = 2
    cancellable: bool = False


@dataclass(frozen=True)
class CapacityChange:
    """An organiser's change of a type's capacity: to `capacity`, or by `added` tickets."""

    at: float
    type: str
    capacity: int | None
    added: int


@dataclass(frozen=True)
class Plan:
    seed: int
    workers: int
    stripes: int
    capacity: dict[str, int]
    weather: Weather
    wishes: tuple[PlannedPurchase, ...]
    incidents: tuple[Incident, ...]
    heal_at: float
    # The most orders in one transaction.
    batch: int
    terms: EventTerms
    # Clocks that jump do so by up to ten times this.
    jump_s: float
    capacity_changes: tuple[CapacityChange, ...] = ()

    def told(self) -> list[str]:
        """Describes the plan in lines, for the head of its story."""
        stock = ", ".join(f"{amount} of {name}" for name, amount in self.capacity.items())
        return [
            f"seed {self.seed}: {self.workers} workers sell {stock} in {self.stripes} stripes "
            f"to {len(self.wishes)} buyers, {self.batch} at once",
            str(self.weather),
            *(
                f"{each.at:8.4f}  will befall worker-{each.who + 1}: {each.kind.value}"
                for each in sorted(self.incidents, key=lambda incident: incident.at)
            ),
            *(
                f"{each.at:8.4f}  the organiser will make it "
                f"{each.capacity if each.capacity is not None else f'{each.added} more'} "
                f"of {each.type}"
                for each in self.capacity_changes
            ),
            "",
        ]


def draw(seed: int) -> Plan:
    """Draws the schedule of that seed."""
    plan = draw_without_money(seed)
    # Drawn apart, so that the rest of a schedule stays as it was without them.
    money, organiser = Random(f"money {seed}"), Random(f"organiser {seed}")
    wishes = plan.wishes
    if any(wish.hold for wish in wishes) and money.random() < PAYING:
        wishes = tuple(_with_payments(money, wish, plan.terms.hold_s) for wish in wishes)
    resized = organiser.random() < RESIZING
    changes = _capacity_changes(organiser, plan) if resized else ()
    return replace(plan, wishes=wishes, capacity_changes=changes)


def draw_without_money(seed: int) -> Plan:
    """Draws a schedule without payments and changes of capacities."""
    rng = Random(seed)
    workers = rng.choice((1, 2, 2, 3, 3))
    types = TYPES[: rng.choice((1, 1, 2))]
    rush_s = rng.choice((0.02, 0.3, 1.0))
    wishes = tuple(_wish(rng, number, types, rush_s) for number in range(rng.randint(5, 30)))
    # Drawn apart, so that a schedule without holds stays as it was before there were any.
    holds = Random(~seed)
    holding, terms = holds.random() < HOLDING, _terms(holds)
    # Where tickets are held, incidents also happen while holds end.
    tail_s = holds.random() * (terms.hold_s + 2.5) if holding else 0.0
    incidents = tuple(
        _incident(rng, workers, rush_s + tail_s) for _ in range(rng.choice((0, 1, 1, 2, 2, 4)))
    )
    ends = max([OPEN_S + rush_s + tail_s, *(each.at + each.lasts_s for each in incidents)])
    if holding:
        wishes = tuple(_with_changes(holds, wish, terms.hold_s) for wish in wishes)
    wanted = sum(wish.quantity for wish in wishes)
    return Plan(
        seed=seed,
        workers=workers,
        stripes=rng.choice((1, 1, 2, 3, 4)),
        capacity={name: rng.randint(1, max(2, int(wanted * 0.8))) for name in types},
        weather=_weather(rng),
        wishes=wishes,
        incidents=incidents,
        heal_at=ends + HEALS_IN_S,
        batch=rng.choice((2, 5, 200)),
        terms=terms,
        # A hold lasts longer by as much as a clock was ahead: too long to wait for.
        jump_s=0.1 if holding else 100.0,
    )


def _terms(rng: Random) -> EventTerms:
    return EventTerms(
        hold_s=rng.choice((1.0, 1.5)),
        extensions=rng.choice((0, 1, 2)),
        cancellable=rng.random() < 0.5,
    )


def _with_changes(rng: Random, wish: PlannedPurchase, hold_s: float) -> PlannedPurchase:
    """Returns the purchase, perhaps as a hold, with what its buyer does afterwards."""
    changes: list[PlannedChange] = []
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
        changes.append(_planned_change(rng, f"{wish.key}-{rng.randint(0, len(changes))}", hold_s))
    return replace(wish, hold=rng.random() < 0.6, changes=tuple(changes))


def _with_payments(rng: Random, wish: PlannedPurchase, hold_s: float) -> PlannedPurchase:
    """Returns the purchase with up to three payments for its order."""
    payments = (
        replace(
            _planned_change(rng, f"{wish.key}-pays-{number}", hold_s),
            act=Act.CONFIRM,
            payment=_payment(rng, wish),
        )
        for number in range(rng.choice((0, 1, 1, 2, 3)))
    )
    return replace(wish, changes=(*wish.changes, *payments))


def _payment(rng: Random, wish: PlannedPurchase) -> Payment:
    """Draws a payment, mostly of the agreed sum, sometimes used for several orders."""
    total = wish.quantity * PRICE
    return Payment(
        id=rng.choice((f"{wish.key}-1", f"{wish.key}-1", f"{wish.key}-2", "for-many")),
        amount=rng.choice((None, total, total, total, total + 1)),
        currency=rng.choice(("", DEFAULT_CURRENCY, DEFAULT_CURRENCY, "TWD")),
    )


def _capacity_changes(rng: Random, plan: Plan) -> tuple[CapacityChange, ...]:
    wanted = sum(wish.quantity for wish in plan.wishes)
    return tuple(
        CapacityChange(
            at=OPEN_S + rng.random() * (plan.heal_at - OPEN_S),
            type=rng.choice(tuple(plan.capacity)),
            capacity=rng.choice((None, rng.randint(0, wanted))),
            added=rng.randint(1, 10),
        )
        for _ in range(rng.choice((1, 1, 2, 3)))
    )


def _planned_change(rng: Random, key: str, hold_s: float) -> PlannedChange:
    at_the_end_s = hold_s - 0.1 + 0.2 * rng.random()
    return PlannedChange(
        after_s=rng.choice((0.0, rng.random() * hold_s, at_the_end_s, at_the_end_s, 2 * hold_s)),
        act=rng.choice(CHANGES),
        key=key,
        operator=rng.random() < 0.3,
        timeout_s=rng.choice((0.3, 1.0, 2.5)),
        twice=rng.random() < 0.3,
    )


def _weather(rng: Random) -> Weather:
    rough = rng.random() < 0.7
    return Weather(
        hop_s=rng.choice((0.0005, 0.002, 0.01)),
        slow=rng.choice((0.0, 0.02, 0.1)) if rough else 0.0,
        slow_s=rng.choice((0.05, 0.5, 2.0)),
        breaks=rng.choice((0.0, 0.05, 0.15, 0.3)) if rough else 0.0,
        late=rng.choice((0.0, 0.5, 1.0)),
        late_s=rng.choice((0.02, 0.2, 1.5)),
        lag_s=rng.choice((0.001, 0.02, 0.3)),
        reconnect_s=rng.choice((0.02, 0.2, 0.6)),
        lost=rng.choice((0.0, 0.05, 0.2)),
        held_up=rng.choice((0.0, 0.05, 0.2)),
    )


def _wish(rng: Random, number: int, types: tuple[str, ...], rush_s: float) -> PlannedPurchase:
    # A few buyers share a key, mostly for the same purchase.
    key = f"k{rng.randrange(max(1, number))}" if rng.random() < 0.08 else f"k{number}"
    return PlannedPurchase(
        at=OPEN_S + rng.random() * rush_s,
        key=key,
        type=rng.choice(types),
        quantity=rng.choice((1, 1, 1, 2, 4)),
        keyed=rng.random() < 0.6,
        timeout_s=rng.choice((0.3, 1.0, 2.5)),
        hedge_s=rng.choice((0.0, 0.0, 0.01, 0.1)),
        again=rng.random() < 0.2,
        drops=rng.random() < 0.3,
    )


def _incident(rng: Random, workers: int, rush_s: float) -> Incident:
    kind = rng.choice(tuple(IncidentKind))
    lasts_s = {
        IncidentKind.STALL_REQUESTS: rng.choice((0.2, 1.5, 3.5)),
        IncidentKind.STALL_ANSWERS: rng.choice((0.2, 1.5, 3.5)),
        IncidentKind.OUTAGE: rng.choice((0.2, 1.0, 3.0)),
        IncidentKind.LAG: rng.choice((0.2, 1.0)),
        IncidentKind.PAUSE: rng.choice((0.05, 0.5, 1.5, 4.0)),
        IncidentKind.ZOMBIE: rng.choice((0.05, 0.5, 1.5, 4.0)),
        IncidentKind.FULL_DISK: rng.choice((0.3, 1.5)),
        IncidentKind.SLOW_DISK: rng.choice((0.3, 1.5)),
        IncidentKind.KILL: rng.choice((0.05, 0.5)),
        IncidentKind.BURY: rng.choice((0.05, 0.5)),
    }.get(kind, 0.0)
    return Incident(
        at=OPEN_S + rng.random() * (rush_s + 0.1),
        kind=kind,
        who=rng.randrange(workers),
        lasts_s=lasts_s,
        amount=rng.randint(0, 20),
    )
