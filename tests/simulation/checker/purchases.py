"""Every attempt of every buyer, and whether its answer was true when it was given."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from core.schema.records import Order, order_id, view
from core.transport.link import Answer, Code, Purchase
from tests.simulation.border import Machine
from tests.simulation.checker.attempts import Attempt
from tests.simulation.checker.recount import Entry, Ledger
from tests.simulation.zookeeper.tree import Tree

EVENT = "default"
# After these answers the buyer may have a ticket, or has one for certain.
MAY_HAVE_BOUGHT = frozenset({Code.SOLD, Code.REPLAYED, Code.OUTCOME_UNKNOWN})
# No schedule can justify any other answer.
POSSIBLE = MAY_HAVE_BOUGHT | {
    Code.SOLD_OUT,
    Code.KEY_REUSED,
    Code.OVERLOADED,
    Code.NO_QUORUM,
    Code.DRAINING,
    Code.HALTED,
}


class PurchaseHistory:
    """Collects purchases; each wrong answer becomes a sentence in `breaches`."""

    def __init__(self, tree: Tree, ledger: Ledger, order_key: bytes) -> None:
        self._tree = tree
        self._ledger = ledger
        self._order_key = order_key
        self._attempts: dict[str, list[Attempt[Purchase]]] = defaultdict(list)
        self.breaches: list[str] = []

    @property
    def attempts(self) -> int:
        return sum(map(len, self._attempts.values()))

    def submitted(self, purchase: Purchase, machine: Machine) -> Attempt[Purchase]:
        id_ = order_id(self._order_key, purchase.event, purchase.key)
        since = machine.ensemble.applied_everywhere
        attempt = Attempt(purchase, id_, machine, self._tree.zxid, since, self._judge)
        self._attempts[id_].append(attempt)
        return attempt

    def _judge(self, attempt: Attempt[Purchase], answer: Answer) -> None:
        if len(attempt.answers) > 1:
            self._breach(attempt, f"answered more than once: {attempt.answers}")
        entry = self._ledger.orders.get(attempt.order_id)
        if answer.code not in POSSIBLE:
            self._breach(attempt, f"answered {answer.code}")
        elif answer.code in (Code.SOLD, Code.REPLAYED):
            self._check_sold(attempt, answer, entry)
        elif answer.code is Code.SOLD_OUT:
            self._check_sold_out(attempt, entry)
        elif answer.code is Code.KEY_REUSED and (entry is None or _same(attempt, entry)):
            self._breach(attempt, "refused for a key that was not used for anything else")

    def _check_sold(self, attempt: Attempt[Purchase], answer: Answer, entry: Entry | None) -> None:
        if entry is None:
            self._breach(attempt, f"{answer.code}, and there is no such order")
            return
        if not _same(attempt, entry):
            self._breach(attempt, f"{answer.code}, but the order is another: {entry.order}")
        # The answer to a new sale shows the order as it was made, whatever became of it since.
        was = [entry.order] if answer.code is Code.SOLD else entry.since(attempt.since)
        if not (told := as_told(attempt.order_id, entry, was, answer)):
            self._breach(attempt, f"{answer.code} with {answer.order}, not as it is stored")
        elif not any(attempt.machine.disk.holds(attempt.order_id, state) for state in told):
            self._breach(attempt, f"{answer.code} without a receipt")
        others = self._attempts[attempt.order_id]
        if sum(Code.SOLD in other.answers for other in others) > 1:
            self._breach(attempt, "sold for the second time")

    def _check_sold_out(self, attempt: Attempt[Purchase], entry: Entry | None) -> None:
        wanted = attempt.request
        if self._ledger.least_remaining(wanted.type, attempt.since) >= wanted.quantity:
            self._breach(attempt, "sold out, but there always were enough")
        if entry is not None and wanted.keyed and entry.zxid <= attempt.since:
            self._breach(attempt, "sold out, but the key had bought before")

    def close(self, has_died: Callable[[str], bool]) -> None:
        """Checks at the end that every worker that did not die has answered, and truly."""
        for id_, attempts in self._attempts.items():
            for attempt in attempts:
                if not (attempt.answers or attempt.forgotten or has_died(attempt.life)):
                    self._breach(attempt, "never answered")
            if (entry := self._ledger.orders.get(id_)) is not None:
                self._check_told(attempts, entry)
        for id_ in self._ledger.orders.keys() - self._attempts.keys():
            self.breaches.append(f"order {id_} was wanted by nobody")

    def _check_told(self, attempts: list[Attempt[Purchase]], entry: Entry) -> None:
        """Checks that the worker that sold it has not denied it."""
        sellers = [each for each in attempts if entry.writer == each.life]
        if not any(
            MAY_HAVE_BOUGHT.intersection(each.answers) or not each.answers for each in sellers
        ):
            said = [str(code) for each in sellers for code in each.answers]
            self.breaches.append(f"zxid {entry.zxid}: sold {entry.order}, and told {said}")

    def _breach(self, attempt: Attempt[Purchase], what: str) -> None:
        wish = attempt.request
        self.breaches.append(
            f"zxid {self._tree.zxid}: {wish.key} ({wish.quantity} of {wish.type}) at "
            f"{attempt.life}: {what}"
        )


def as_told(
    order_id_: str, entry: Entry, states: Iterable[Order], answer: Answer
) -> Sequence[Order]:
    """Returns the states that look as the answer does."""
    return [state for state in states if answer.order == view(order_id_, EVENT, state, entry.zxid)]


def _same(attempt: Attempt[Purchase], entry: Entry) -> bool:
    wanted, order = attempt.request, entry.order
    return (wanted.type, wanted.quantity, wanted.buyer, wanted.hold) == (
        order.type,
        order.quantity,
        order.buyer,
        order.until is not None,
    )
