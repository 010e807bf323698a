"""A simulated shop: an ensemble, workers, an operator, buyers, and incidents."""

import secrets
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import lru_cache
from itertools import count
from pathlib import Path
from random import Random
from unittest.mock import patch

from admin.recovery.recount import recount
from core.clock import Clock
from core.cluster import registry
from core.cluster_secret import Secret
from core.errors import BadVersion, ZkticketError, ZooKeeperError
from core.events import create, event_manager
from core.events.restock import reset
from core.events.terms import Terms, TypeTerms
from core.schema import paths
from core.schema.paths import ALARMS, DEFAULT_EVENT, TOP
from core.schema.records import Event, ProcessRecord, TicketType
from core.settings import Settings
from core.store.stock import TypeRef
from core.zookeeper.client import ZooKeeper
from tests.simulation.border import INSTANCE, Machine
from tests.simulation.buyers import Buyer, BuyerLinks
from tests.simulation.checker.order_changes import ChangeHistory
from tests.simulation.checker.purchases import PurchaseHistory
from tests.simulation.checker.recount import OPERATOR, Ledger
from tests.simulation.plan import (
    OPEN_S,
    PRICE,
    CapacityChange,
    EventTerms,
    Incident,
    IncidentKind,
    Plan,
    PlannedPurchase,
)
from tests.simulation.world.disk import Disk
from tests.simulation.world.event_loops import START_S, World
from tests.simulation.world.network import CALM
from tests.simulation.zookeeper.ensemble import Ensemble
from tests.simulation.zookeeper.tree import Tree
from workers.worker_process import WorkerProcess

SECRET = Secret(b"s" * 32)
ORDER_KEY = SECRET.order_key
SESSION_S = 2.0
RESTART_S = 0.05
SLOW_FLUSH_S = 1.0
SETTINGS = Settings(data_dir=Path("/nowhere"), session_s=SESSION_S, drain_s=3.0)
# Everybody has an answer so long after the last incident, whatever happened.
PATIENCE_S = 60.0
# Messages that were held up have arrived by then.
QUIET_S = 2.5


class Shop:
    """Plays one plan. `breaches` says in sentences what was wrong."""

    def __init__(self, plan: Plan, *, told: bool = False) -> None:
        self.plan = plan
        self.world = World(Random(plan.seed ^ 0x5EED))
        if told:
            self.world.story = []
        tree, refs = _opened(plan.stripes, tuple(plan.capacity.items()), plan.terms)
        self.tree = tree.copy()
        self.ensemble = Ensemble(self.world, self.tree, CALM)
        self.ledger = Ledger(self.tree, refs, plan.terms, lambda: self.ensemble.writer)
        self.history = PurchaseHistory(self.tree, self.ledger, ORDER_KEY)
        self.changes = ChangeHistory(self.tree, self.ledger, plan.terms)
        self._hold_lists = paths.holds(DEFAULT_EVENT, next(iter(refs.values())).generation)
        self._pids = count(100)
        self._machines: list[Machine] = []
        self._dead: set[str] = set()
        self._operator = Machine(self.ensemble, OPERATOR, next(self._pids))
        self._disks = [Disk() for _ in range(plan.workers)]
        self._workers = [self._start(number) for number in range(plan.workers)]
        self._links = BuyerLinks(
            self.world, plan.weather, self._workers, self.ledger, self.history, self.changes
        )
        self._buyers: list[Buyer] = []
        self._breaches: list[str] = []
        self._busy = 0
        # By type: the number of commands that may have changed its capacity, once each.
        self._capacity_commands = Counter[str]()
        self._closing = False

    @property
    def breaches(self) -> list[str]:
        return [
            *self.ledger.breaches,
            *self.history.breaches,
            *self.changes.breaches,
            *self._breaches,
            *self.world.troubles,
        ]

    def play(self) -> None:
        """Plays from the opening to the last ticket."""
        with patch("workers.selling.seller.BATCH_ORDERS", self.plan.batch):
            self._play()

    def _play(self) -> None:
        self._operator.call_soon(self._open_operator)
        self.world.at(START_S + OPEN_S, self._open)
        for wish in self.plan.wishes:
            buyer = Buyer(self._links, wish)
            self._buyers.append(buyer)
            self.world.at(START_S + wish.at, buyer.begin)
        for incident in self.plan.incidents:
            self.world.at(START_S + incident.at, self._inflict, incident)
        for change in self.plan.capacity_changes:
            self.world.at(START_S + change.at, self._organise, change)
        self._pass(self.plan.heal_at)
        self._heal()
        for buyer in self._buyers:
            buyer.pursue()
        self._await("everybody has an answer", self._all_served)
        self._pass(QUIET_S)
        self._await("every hold has ended", self._is_nothing_held)
        for type_ in self.plan.capacity:
            self._sell_the_rest(type_)
        self._drain_all()
        self._expect_no_alarm()
        self._expect_no_change_twice()
        self.history.close(self._dead.__contains__)
        self.changes.close(self._dead.__contains__)
        self.world.end([*self._machines, self._operator])

    # --- the course ------------------------------------------------------------------

    def _pass(self, seconds: float) -> None:
        self.world.run(lambda: False, self.world.now + seconds)

    def _open(self) -> None:
        self.ensemble.set_weather(self.plan.weather)

    def _await(self, what: str, holds: Callable[[], bool]) -> None:
        if not self.world.run(holds, self.world.now + PATIENCE_S):
            self._breaches.append(f"not within {PATIENCE_S} s: {what}")

    def _all_served(self) -> bool:
        return not self._busy and all(buyer.is_served for buyer in self._buyers)

    def _is_nothing_held(self) -> bool:
        """Whether every hold has ended, and none is listed any more (P4)."""
        lists = self.tree.node(self._hold_lists)
        return not self.ledger.holds and not (lists and lists.children)

    def _heal(self) -> None:
        self.world.note("from now on nothing happens any more")
        self._links.weather = CALM
        self.ensemble.set_weather(CALM)
        self.ensemble.quorum = True
        for machine in self._workers:
            machine.resume()
            self._mend(machine.disk)

    def _sell_the_rest(self, type_: str) -> None:
        """Checks that whatever is for sale can be bought, and then nothing is left (P4)."""
        left = self.ledger.remaining(type_)
        if left:
            self._buy_last(type_, left)
        self._buy_last(type_, 1)
        if left := self.ledger.remaining(type_):
            self._breaches.append(f"{left} of {type_} are left that nobody can buy")

    def _buy_last(self, type_: str, quantity: int) -> None:
        key = f"last-{quantity}-{type_}"
        wish = PlannedPurchase(0.0, key, type_, quantity, True, 2.5, 0.0, again=False)
        buyer = Buyer(self._links, wish)
        buyer.pursue()
        self._await(f"{key} is served", lambda: buyer.end is not None)
        if buyer.tries > 1:
            self._breaches.append(f"{key} had to be asked for {buyer.tries} times, in calm weather")

    def _expect_no_alarm(self) -> None:
        """Checks that there is no alarm: this ensemble forgets nothing."""
        alarms = self.tree.node(ALARMS)
        if alarms and alarms.children:
            self._breaches.append(f"a false alarm was raised: {sorted(alarms.children)}")

    def _expect_no_change_twice(self) -> None:
        for type_ in self.plan.capacity:
            changes, commands = self.ledger.resizes(type_), self._capacity_commands[type_]
            if changes > commands:
                self._breaches.append(f"{commands} commands made {changes} changes of {type_}")

    def _drain_all(self) -> None:
        self._closing = True
        for machine in self._workers:
            machine.signal(signal.SIGTERM)
        self._await(
            "all workers are drained",
            lambda: all(task.done() for machine in self._workers for task in machine.started),
        )

    # --- workers ---------------------------------------------------------------------

    def _start(self, number: int) -> Machine:
        machine = Machine(
            self.ensemble, f"worker-{number + 1}", next(self._pids), self._disks[number]
        )
        self._machines.append(machine)
        machine.call_soon(lambda: machine.start(self._work(machine, number)))
        return machine

    def _restart(self, number: int) -> None:
        if self._closing:
            return
        self._workers[number] = self._start(number)
        self.world.note("{} starts", self._workers[number].name)

    async def _work(self, machine: Machine, number: int) -> None:
        """Runs a worker; one that was drained has a successor."""
        try:
            clock = Clock(machine.wall_clock, machine.time)
            await WorkerProcess(SETTINGS, machine.role, SECRET, clock).run()
            self.world.after(RESTART_S, self._restart, number)
        except Exception as error:
            self._breaches.append(f"{machine.name} died of {error!r}")
            raise

    # --- incidents -------------------------------------------------------------------

    def _inflict(self, incident: Incident) -> None:
        kind, machine = incident.kind, self._workers[incident.who]
        self.world.note("{0.name}: {1}, {2.lasts_s} s", machine, kind.value, incident)
        connection = machine.zk.connection if machine.zk else None
        match kind:
            case IncidentKind.BREAK if connection:
                connection.break_off()
            case IncidentKind.STALL_REQUESTS if connection:
                connection.stall(incident.lasts_s, 0.0)
            case IncidentKind.STALL_ANSWERS if connection:
                connection.stall(0.0, incident.lasts_s)
            case IncidentKind.OUTAGE:
                self._outage(incident.lasts_s)
            case IncidentKind.LAG:
                self.ensemble.fall_behind(1 + incident.amount % 2, incident.lasts_s)
            case IncidentKind.PAUSE | IncidentKind.ZOMBIE:
                self._pause(machine, incident)
            case IncidentKind.EXPEL:
                self._operate(lambda zk: self._expel(zk, machine))
            case IncidentKind.KILL | IncidentKind.BURY:
                self._kill(machine, incident)
            case IncidentKind.DRAIN:
                machine.signal(signal.SIGTERM)
            case IncidentKind.FULL_DISK:
                machine.disk.full = True
                self.world.after(incident.lasts_s, self._mend, machine.disk)
            case IncidentKind.SLOW_DISK:
                machine.disk.flush_s = SLOW_FLUSH_S
                self.world.after(incident.lasts_s, self._mend, machine.disk)
            case IncidentKind.RESET:
                self._operate(lambda zk: self._reset(zk, incident.amount))
            case IncidentKind.VERIFY:
                self._operate(self._verify)
            case IncidentKind.CLOCK:
                machine.set_clock((incident.amount - 10) * self.plan.jump_s)

    def _mend(self, disk: Disk) -> None:
        disk.full = False
        disk.flush_s = Disk().flush_s

    def _outage(self, lasts_s: float) -> None:
        self.ensemble.quorum = False
        for machine in [*self._machines, self._operator]:
            if machine.zk is not None and machine.zk.connection is not None:
                machine.zk.connection.break_off()
        self.world.after(lasts_s, self._end_outage)

    def _end_outage(self) -> None:
        self.ensemble.quorum = True

    def _pause(self, machine: Machine, incident: Incident) -> None:
        machine.pause()
        self.world.after(incident.lasts_s, machine.resume)
        if incident.kind is IncidentKind.ZOMBIE:
            self.world.after(
                incident.lasts_s / 2,
                lambda: self._operate(lambda zk: self._expel(zk, machine)),
            )

    def _kill(self, machine: Machine, incident: Incident) -> None:
        if machine.killed:
            return
        machine.kill()
        self._dead.add(machine.name)
        if incident.kind is IncidentKind.BURY:
            self._operate(lambda zk: self._expel(zk, machine))
        self.world.after(incident.lasts_s, self._restart, incident.who)

    # --- the operator ----------------------------------------------------------------

    def _open_operator(self) -> None:
        self._operator.connect(SESSION_S).start()

    def _operate(self, work: Callable[[ZooKeeper], Awaitable[object]]) -> None:
        self._busy += 1
        self._operator.call_soon(lambda: self._operator.start(self._work_on(work)))

    async def _work_on(self, work: Callable[[ZooKeeper], Awaitable[object]]) -> None:
        """Runs an operator's command, which may fail while ZooKeeper is away."""
        zk = self._operator.zk
        assert zk is not None
        try:
            await zk.wait_connected(PATIENCE_S)
            await work(zk.as_zookeeper())
        except (ZooKeeperError, BadVersion) as error:
            self.world.note("the operator is told: {}", error)
        except ZkticketError as error:
            self._breaches.append(f"the operator failed: {error!r}")
        finally:
            self._busy -= 1

    async def _expel(self, zk: ZooKeeper, machine: Machine) -> None:
        dead = ProcessRecord(name=machine.role, role="worker", state="dead", pid=machine.pid)
        await registry.expel(zk, INSTANCE, dead)

    async def _reset(self, zk: ZooKeeper, quantity: int) -> None:
        since = self.tree.zxid
        self._capacity_commands.update(self.plan.capacity.keys())
        after = await reset(zk, DEFAULT_EVENT, [], quantity, lambda _question: None)
        for name, stock in after.items():
            # The total was promised by what was taken when the question was asked. Later buyers
            # have taken from it, and tickets that were given back are for sale again.
            promised = stock.capacity - quantity
            if stock.remaining and not self.ledger.was_taken(name, promised, since):
                self._breaches.append(f"{stock.capacity} of {name} after a reset to {quantity}")
            # Where exactly that many were for sale before, nothing had to change.
            if not self.ledger.was_for_sale(name, stock.remaining, since):
                self._breaches.append(f"there never were {stock.remaining} of {name}")

    def _organise(self, change: CapacityChange) -> None:
        self.world.note("the organiser: {}", change)
        self._operate(lambda zk: self._resize(zk, change))

    async def _resize(self, zk: ZooKeeper, change: CapacityChange) -> None:
        since, wanted = self.tree.zxid, change.capacity
        terms = TypeTerms(added=change.added) if wanted is None else TypeTerms(capacity=wanted)
        self._capacity_commands[change.type] += 1
        try:
            edited = await event_manager.edit(zk, DEFAULT_EVENT, Terms(), {change.type: terms})
        except ZooKeeperError:
            raise
        except ZkticketError as error:
            self._capacity_commands[change.type] -= 1
            if wanted is None or self.ledger.most_taken(change.type, since) <= wanted:
                self._breaches.append(f"{change} was refused: {error}")
        else:
            capacity = edited.stock[change.type].capacity
            before = self.ledger.capacities(change.type, since)
            right = [each + change.added for each in before] if wanted is None else [wanted]
            if capacity not in right or capacity not in before:
                self._breaches.append(f"{change} made it {capacity}, and before it was {before}")

    async def _verify(self, zk: ZooKeeper) -> None:
        proof = await recount(zk)
        if not proof.ok:
            self._breaches.append(f"a recount finds {proof.breach}")


@lru_cache(maxsize=256)
def _opened(
    stripes: int, capacity: tuple[tuple[str, int], ...], terms: EventTerms
) -> tuple[Tree, dict[str, TypeRef]]:
    """Returns a tree with an event on sale, made as `up` makes it."""
    world = World(Random(0))
    tree = Tree()
    ensemble = Ensemble(world, tree, CALM)
    machine = Machine(ensemble, "founder", 1)
    types = {
        name: TicketType(capacity=amount, price=PRICE, stripes=stripes) for name, amount in capacity
    }
    refs: dict[str, TypeRef] = {}

    async def found() -> None:
        zk = machine.connect(SESSION_S)
        zk.start()
        await zk.wait_connected(PATIENCE_S)
        await zk.ensure(*TOP)
        event = Event(generation=secrets.token_hex(4), title="Test", **asdict(terms))
        await create.create_event(zk.as_zookeeper(), DEFAULT_EVENT, event, types)
        refs.update({name: TypeRef(DEFAULT_EVENT, event.generation, name) for name in types})

    machine.call_soon(lambda: machine.start(found()))
    world.run(lambda: bool(refs), START_S + PATIENCE_S)
    return tree, refs
