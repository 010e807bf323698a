"""Checks P1 at every zxid, and keeps what the tree says of each key: the truth for all answers."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from core.errors import BadZnode
from core.schema import paths
from core.schema.records import (
    Change,
    Order,
    Payment,
    Status,
    Stock,
    TicketType,
    WorkerRecord,
    decode,
)
from core.store.stock import TypeRef
from tests.simulation.checker.order_states import USED_ELSEWHERE, Impossible, states
from tests.simulation.plan import EventTerms
from tests.simulation.zookeeper.tree import Changes, Node, Tree

ORDER_ID_LENGTH = 32
REGISTRY = paths.WORKERS + "/"
LOGS = paths.LOG + "/"
OPERATOR = "operator"


def life(role: str, pid: int) -> str:
    """Returns the name of one run of a process."""
    return f"{role}/{pid}"


@dataclass(frozen=True)
class Entry:
    """An order as it was made, who made it, and what became of it.

    `states` are all its states, `changes` what led to the later ones, each with its zxid.
    """

    order: Order
    zxid: int
    writer: str
    states: list[tuple[int, Order]]
    changes: list[tuple[int, Change, str]] = field(default_factory=list)

    @property
    def now(self) -> Order:
        return self.states[-1][1]

    def since(self, zxid: int) -> list[Order]:
        """Returns the states that it had at any zxid from that one on."""
        first = bisect_right(self.states, zxid, key=lambda state: state[0])
        return [order for _, order in self.states[max(0, first - 1) :]]


class Ledger:
    """Adds up all types anew at every transaction; breaches are kept as sentences."""

    def __init__(
        self, tree: Tree, refs: Mapping[str, TypeRef], terms: EventTerms, writer: Callable[[], str]
    ) -> None:
        self._terms = terms
        self._writer = writer
        [one, *_] = refs.values()
        self._orders_below = paths.orders(one.event, one.generation) + "/"
        self._capacity_paths = {ref.path: name for name, ref in refs.items()}
        self._counter_paths: dict[str, str] = {}
        self._stock: dict[str, dict[str, Stock]] = {name: {} for name in refs}
        self._capacity: dict[str, int] = {}
        # Tickets by the status of their orders.
        self._tickets: dict[str, Counter[Status]] = {name: Counter() for name in refs}
        # Of them, those whose holders are inside.
        self._admitted: Counter[str] = Counter()
        # By type: zxids, and how many were for sale from each on.
        self._remaining: dict[str, tuple[list[int], list[int]]] = {}
        # By type: how many were held or sold from then on.
        self._taken: dict[str, list[int]] = {}
        # By path: the processes that are registered now.
        self._registered: dict[str, str] = {}
        self._logs: dict[str, bytes] = {}
        # By payment: the order that it first came in for.
        self._paid_for: dict[str, str] = {}
        # The payments that one transaction has recorded, each with its order.
        self._money: list[tuple[str, Payment]] = []
        # By type: all its capacities.
        self._capacities: dict[str, list[int]] = {name: [] for name in refs}
        # By type: the zxids of those.
        self._resizes: dict[str, list[int]] = {name: [] for name in refs}
        # Buyers find a worker once it is registered, and keep their links to it.
        self.known_lives: set[str] = set()
        self.orders: dict[str, Entry] = {}
        self.breaches: list[str] = []
        for name, ref in refs.items():
            self._read_type(tree, name, ref)
        tree.listeners.append(self._committed)

    def _read_type(self, tree: Tree, name: str, ref: TypeRef) -> None:
        node = tree.node(ref.path)
        assert node is not None
        type_ = decode(TicketType, node.data, ref.path)
        self._capacity[name] = type_.capacity
        for number in range(type_.stripes):
            path = paths.counter(ref.event, ref.generation, ref.type, number)
            counter = tree.node(path)
            assert counter is not None
            self._counter_paths[path] = name
            self._stock[name][path] = decode(Stock, counter.data, path)
        self._capacities[name], self._resizes[name] = [type_.capacity], [tree.zxid]
        self._remaining[name] = ([tree.zxid], [type_.capacity])
        self._taken[name] = [0]

    @property
    def holds(self) -> bool:
        """Whether any ticket is held now."""
        return any(tickets["held"] for tickets in self._tickets.values())

    def remaining(self, type_: str) -> int:
        return self._remaining[type_][1][-1]

    def least_remaining(self, type_: str, since: int) -> int:
        """Returns the fewest tickets that were for sale at any zxid from `since` on."""
        zxids, left = self._remaining[type_]
        return min(left[max(0, bisect_right(zxids, since) - 1) :])

    def was_for_sale(self, type_: str, tickets: int, since: int) -> bool:
        """Whether exactly that many were for sale at any zxid from `since` on."""
        zxids, left = self._remaining[type_]
        return tickets in left[max(0, bisect_right(zxids, since) - 1) :]

    def was_taken(self, type_: str, tickets: int, since: int) -> bool:
        """Whether exactly that many were held or sold at any zxid from `since` on."""
        zxids, _ = self._remaining[type_]
        return tickets in self._taken[type_][max(0, bisect_right(zxids, since) - 1) :]

    def most_taken(self, type_: str, since: int) -> int:
        """Returns the most tickets that were held or sold at any zxid from `since` on."""
        zxids, _ = self._remaining[type_]
        return max(self._taken[type_][max(0, bisect_right(zxids, since) - 1) :])

    def capacities(self, type_: str, since: int) -> list[int]:
        """Returns the capacities that the type had from zxid `since` on."""
        first = bisect_right(self._resizes[type_], since) - 1
        return self._capacities[type_][first:]

    def resizes(self, type_: str) -> int:
        """Returns how often the type was written since the opening."""
        return len(self._resizes[type_]) - 1

    def _committed(self, zxid: int, changes: Changes) -> None:
        touched = set()
        for path, node in changes.items():
            if path.startswith(REGISTRY):
                self._note_registration(path, node)
            elif path.startswith(LOGS):
                self._note_log(zxid, path, node)
            if (
                path.startswith(self._orders_below)
                and len(path.rpartition("/")[2]) == ORDER_ID_LENGTH
            ):
                touched.add(self._note_order(zxid, path, node))
            elif path in self._counter_paths:
                touched.add(self._note_counter(zxid, path, node))
            elif path in self._capacity_paths:
                touched.add(self._note_capacity(zxid, path, node))
        if touched and not (writer := self._writer()).startswith(OPERATOR):
            self._check_fence(zxid, writer)
        for name in touched:
            if name:
                self._balance(zxid, name)
        self._check_money(zxid)

    def _check_money(self, zxid: int) -> None:
        """Checks that a payment counts only for the order that it first came in for."""
        here = [each for each in self._money if each[1].refused != USED_ELSEWHERE]
        for order_id, payment in here:
            first = self._paid_for.setdefault(payment.id, order_id)
            if first != order_id:
                self.breaches.append(f"zxid {zxid}: {payment} of {order_id} is that of {first}")
        for order_id, payment in self._money:
            first = self._paid_for.get(payment.id, order_id)
            if payment.refused == USED_ELSEWHERE and first == order_id:
                self.breaches.append(f"zxid {zxid}: {payment} of {order_id} was used nowhere else")
        self._money.clear()

    def _note_registration(self, path: str, node: Node | None) -> None:
        if node is None:
            self._registered.pop(path, None)
        else:
            record = decode(WorkerRecord, node.data, path)
            self._registered[path] = life(record.name, record.pid)
            self.known_lives.add(self._registered[path])

    def _note_log(self, zxid: int, path: str, node: Node | None) -> None:
        """Checks that a slot of the log only grows, until it is deleted as a whole."""
        if node is None:
            self._logs.pop(path, None)
            return
        if not node.data.startswith(self._logs.get(path, b"")):
            self.breaches.append(f"zxid {zxid}: entries of {path} are overwritten")
        self._logs[path] = node.data

    def _check_fence(self, zxid: int, writer: str) -> None:
        if writer not in self._registered.values():
            self.breaches.append(f"zxid {zxid}: {writer} sells, and is not registered")

    def _note_order(self, zxid: int, path: str, node: Node | None) -> str:
        order_id = path.rpartition("/")[2]
        if node is None:
            self.breaches.append(f"zxid {zxid}: order {path} was deleted")
            return ""
        order = decode(Order, node.data, path)
        if (entry := self.orders.get(order_id)) is not None:
            self._note_change(zxid, order_id, entry, order)
        else:
            if order.changes:
                self.breaches.append(f"zxid {zxid}: order {path} begins with {order.changes}")
            self.orders[order_id] = Entry(order, zxid, self._writer(), [(zxid, order)])
        self._tickets[order.type][order.status] += order.quantity
        self._admitted[order.type] += order.quantity * (order.admitted is not None)
        return order.type

    def _note_change(self, zxid: int, order_id: str, entry: Entry, order: Order) -> None:
        before = entry.now
        self._tickets[before.type][before.status] -= before.quantity
        self._admitted[before.type] -= before.quantity * (before.admitted is not None)
        try:
            found = states(before, order, self._terms)
        except Impossible as error:
            self.breaches.append(f"zxid {zxid}: {error}")
            found = [order]
        entry.states.extend((zxid, state) for state in found)
        new = order.changes[len(before.changes) :]
        entry.changes.extend((zxid, change, self._writer()) for change in new)
        self._money += [(order_id, each.payment) for each in new if each.payment is not None]

    def _note_counter(self, zxid: int, path: str, node: Node | None) -> str:
        name = self._counter_paths[path]
        try:
            assert node is not None
            self._stock[name][path] = decode(Stock, node.data, path)
        except (BadZnode, AssertionError):
            self.breaches.append(f"zxid {zxid}: counter {path} holds {node and node.data!r}")
        return name

    def _note_capacity(self, zxid: int, path: str, node: Node | None) -> str:
        name = self._capacity_paths[path]
        assert node is not None
        self._capacity[name] = decode(TicketType, node.data, path).capacity
        self._resizes[name].append(zxid)
        self._capacities[name].append(self._capacity[name])
        return name

    def _balance(self, zxid: int, name: str) -> None:
        counters = self._stock[name].values()
        remaining = sum(counter.remaining for counter in counters)
        held = sum(counter.held for counter in counters)
        sold = sum(counter.sold for counter in counters)
        if remaining + held + sold != self._capacity[name]:
            self.breaches.append(
                f"zxid {zxid}: of {name} {remaining} remaining + {held} held + {sold} sold "
                f"is not the capacity {self._capacity[name]}"
            )
        ordered = self._tickets[name]
        if (held, sold) != (ordered["held"], ordered["sold"]):
            self.breaches.append(
                f"zxid {zxid}: of {name} {held} are held and {sold} sold, and by the orders "
                f"{ordered['held']} and {ordered['sold']}"
            )
        admitted = sum(counter.admitted for counter in counters)
        if admitted != self._admitted[name]:
            self.breaches.append(
                f"zxid {zxid}: of {name} {admitted} are admitted, and by the orders "
                f"{self._admitted[name]}"
            )
        zxids, left = self._remaining[name]
        zxids.append(zxid)
        left.append(remaining)
        self._taken[name].append(held + sold)
