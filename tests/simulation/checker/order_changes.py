"""Every request to change an order, and whether its answer was true when it was given."""

from collections.abc import Callable

from core.schema.records import Change, Order, Payment
from core.store.order_lifecycle import Act
from core.transport.link import Answer, ChangeRequest, Code
from tests.simulation.border import EPOCH_S, Machine
from tests.simulation.checker.attempts import Attempt
from tests.simulation.checker.purchases import as_told
from tests.simulation.checker.recount import Ledger
from tests.simulation.plan import EventTerms
from tests.simulation.zookeeper.tree import Tree

# After these answers the change may have been made, or was made for certain.
MAY_HAVE_DONE = frozenset({Code.DONE, Code.OUTCOME_UNKNOWN})
# After these answers a buyer asks again.
OPEN = frozenset(
    {Code.OUTCOME_UNKNOWN, Code.OVERLOADED, Code.NO_QUORUM, Code.DRAINING, Code.HALTED}
)
DONE: dict[Act, Callable[[Order], bool]] = {
    Act.CONFIRM: lambda order: order.status == "sold",
    Act.RELEASE: lambda order: order.status in ("released", "expired"),
    Act.EXTEND: lambda order: order.status == "held" and order.extended > 0,
    Act.CANCEL: lambda order: order.status == "cancelled",
    Act.CHECK_IN: lambda order: order.status == "sold" and _came_in(order),
    Act.UNDO_CHECK_IN: lambda order: order.admitted is None,
}
OF_HOLDS = frozenset({Act.CONFIRM, Act.RELEASE, Act.EXTEND})


def _came_in(order: Order) -> bool:
    """Whether its holder was let in, though that may have been undone since."""
    return any(change.act == Act.CHECK_IN for change in order.changes)


class ChangeHistory:
    """Collects requests; each wrong answer becomes a sentence in `breaches`."""

    def __init__(self, tree: Tree, ledger: Ledger, terms: EventTerms) -> None:
        self._tree = tree
        self._ledger = ledger
        self._terms = terms
        self._attempts: list[Attempt[ChangeRequest]] = []
        self.breaches: list[str] = []

    @property
    def attempts(self) -> int:
        return len(self._attempts)

    def submitted(self, request: ChangeRequest, machine: Machine) -> Attempt[ChangeRequest]:
        since = machine.ensemble.applied_everywhere
        attempt = Attempt(request, request.order, machine, self._tree.zxid, since, self._judge)
        self._attempts.append(attempt)
        return attempt

    def _judge(self, attempt: Attempt[ChangeRequest], answer: Answer) -> None:
        if len(attempt.answers) > 1:
            self._breach(attempt, f"answered more than once: {attempt.answers}")
        if answer.code is Code.DONE:
            self._check_done(attempt, answer)
        elif answer.code not in OPEN:
            self._check_refused(attempt, answer)

    def _check_done(self, attempt: Attempt[ChangeRequest], answer: Answer) -> None:
        """Checks that the order was so at some moment since the request, by a receipt as well."""
        request, entry = attempt.request, self._ledger.orders[attempt.order_id]
        told = as_told(attempt.order_id, entry, entry.since(attempt.since), answer)
        if not any(_is_done(request, state) for state in told):
            self._breach(attempt, f"done with {answer.order}, and it never was so")
        elif not any(attempt.machine.disk.holds(attempt.order_id, state) for state in told):
            self._breach(attempt, "done without a receipt")
        by_right = request.operator or self._terms.cancellable
        if request.act is Act.CANCEL and not by_right:
            by_others = any(
                asked.request.order == request.order and asked.request.operator
                for asked in self._attempts
            )
            if not by_others:
                self._breach(attempt, "cancelled, and its event allows that to nobody")

    def _check_refused(self, attempt: Attempt[ChangeRequest], answer: Answer) -> None:
        """Checks that nobody is refused because a server lags behind."""
        entry = self._ledger.orders[attempt.order_id]
        told = as_told(attempt.order_id, entry, entry.since(attempt.asked), answer)
        if not told:
            self._breach(attempt, f"{answer.code} with {answer.order}, and it never was so")
        elif not any(self._justifies(attempt, state, answer.code) for state in told):
            self._breach(attempt, f"{answer.code}, and nothing was against it in {told}")
        elif answer.changed and not any(
            attempt.machine.disk.holds(attempt.order_id, state) for state in told
        ):
            self._breach(attempt, f"{answer.code} on record without a receipt")

    def _justifies(self, attempt: Attempt[ChangeRequest], state: Order, code: Code) -> bool:
        request, machine = attempt.request, attempt.machine
        if request.payment is not None:
            return _end_of(request.payment, state) == code.value
        latest = EPOCH_S + machine.world.now + machine.most_ahead_s
        match code:
            case Code.HOLD_EXPIRED:
                ended = state.status == "held" and latest >= (state.until or 0.0)
                return request.act in OF_HOLDS and (ended or state.status == "expired")
            case Code.NOT_HELD:
                return request.act in OF_HOLDS and state.status != "held"
            case Code.NO_MORE_EXTENSIONS:
                return request.act is Act.EXTEND and state.extended >= self._terms.extensions
            case Code.NOT_CANCELLABLE:
                allowed = self._terms.cancellable or request.operator
                return request.act is Act.CANCEL and state.status == "sold" and not allowed
            case Code.NOT_VALID:
                return request.act not in OF_HOLDS and state.status != "sold"
            case Code.CHECKED_IN:
                return request.act not in OF_HOLDS and state.admitted is not None
        return False

    def close(self, has_died: Callable[[str], bool]) -> None:
        """Checks at the end that all were answered, and no worker denied what it did."""
        for attempt in self._attempts:
            if not (attempt.answers or has_died(attempt.life)):
                self._breach(attempt, "never answered")
            self._check_recorded(attempt)
        for id_, entry in self._ledger.orders.items():
            for zxid, change, writer in entry.changes:
                if change.act != Act.EXPIRE:
                    self._check_told(zxid, id_, change, writer)

    def _check_recorded(self, attempt: Attempt[ChangeRequest]) -> None:
        """Checks that no money is lost: once a payment has a final answer, it stays on record."""
        payment, order = attempt.request.payment, self._ledger.orders[attempt.order_id].now
        answered = [code for code in attempt.answers if code not in OPEN]
        if payment is not None and answered and _end_of(payment, order) is None:
            self._breach(attempt, f"answered {answered}, and {payment} is not on record")

    def _check_told(self, zxid: int, order: str, change: Change, writer: str) -> None:
        asked = [
            attempt
            for attempt in self._attempts
            if (attempt.life, attempt.order_id, attempt.request.key) == (writer, order, change.key)
            and _is_made_by(change, attempt.request)
        ]
        # A refused payment is recorded as well.
        refused = (
            Code(change.payment.refused) if change.payment and change.payment.refused else None
        )
        possible = {Code.OUTCOME_UNKNOWN, refused} if refused else MAY_HAVE_DONE
        if not any(possible.intersection(each.answers) or not each.answers for each in asked):
            said = [str(code) for each in asked for code in each.answers]
            self.breaches.append(f"zxid {zxid}: {change} of {order}, and told {said}")

    def _breach(self, attempt: Attempt[ChangeRequest], what: str) -> None:
        request = attempt.request
        self.breaches.append(
            f"zxid {self._tree.zxid}: {request.act} {request.order} ({request.key}) at "
            f"{attempt.life}: {what}"
        )


def _is_done(request: ChangeRequest, state: Order) -> bool:
    if request.payment is not None:
        return _end_of(request.payment, state) == ""
    return DONE[request.act](state)


def _end_of(payment: Payment, state: Order) -> str | None:
    """Returns why the payment was refused: "" where it counts, `None` where it is not on record."""
    ends = (each.refused for _, each in state.payments if each.id == payment.id)
    return next(ends, None)


def _is_made_by(change: Change, request: ChangeRequest) -> bool:
    if change.payment is not None and request.payment is not None:
        return change.payment.id == request.payment.id
    return change.act == request.act and request.payment is None
